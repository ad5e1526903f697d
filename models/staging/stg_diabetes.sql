with source as (
    select * from {{ source('nhanes', 'diq') }}
),

renamed as (
    select
        cast(seqn as integer) as seqn,
        cycle,
        {{ code('DIQ010') }} as diabetes_code,
        {{ label('DIQ010') }} as diabetes
    from source
)

select * from renamed
