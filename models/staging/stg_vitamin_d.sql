with source as (
    select * from {{ source('nhanes', 'vid') }}
),

renamed as (
    select
        cast(seqn as integer) as seqn,
        cycle,
        lbxvidms as serum_25_hydroxyvitamin_d,
        {{ code('LBDVIDLC') }} as serum_25_hydroxyvitamin_d_comment_code,
        {{ label('LBDVIDLC') }} as serum_25_hydroxyvitamin_d_comment
    from source
)

select * from renamed
