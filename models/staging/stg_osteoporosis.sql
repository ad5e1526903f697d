with source as (
    select * from {{ source('nhanes', 'osq') }}
),

renamed as (
    select
        cast(seqn as integer) as seqn,
        cycle,
        {{ code('OSQ060') }} as told_osteoporosis_code,
        {{ label('OSQ060') }} as told_osteoporosis,
        {{ code('OSQ072') }} as treated_osteoporosis_code,
        {{ label('OSQ072') }} as treated_osteoporosis,
        {{ code('OSQ130') }} as steroid_use_code,
        {{ label('OSQ130') }} as steroid_use
    from source
)

select * from renamed
