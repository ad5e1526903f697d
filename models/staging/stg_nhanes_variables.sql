with source as (
    select * from {{ source('nhanes', 'variables') }}
),

renamed as (
    select
        file,
        variable,
        position,
        label
    from source
)

select * from renamed
