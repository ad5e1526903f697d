with source as (
    select * from {{ source('nhanes', 'cot') }}
),

renamed as (
    select
        cast(seqn as integer) as seqn,
        cycle,
        lbxcot as serum_cotinine,
        {{ code('LBDCOTLC') }} as serum_cotinine_comment_code,
        {{ label('LBDCOTLC') }} as serum_cotinine_comment
    from source
)

select * from renamed
