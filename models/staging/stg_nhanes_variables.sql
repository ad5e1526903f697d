with source as (
    select * from {{ source('ingest', 'variables') }}
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
