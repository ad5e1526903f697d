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
),

final as (
    select * from renamed
)

select * from final
