with source as (
    select * from {{ source('ingest', 'files') }}
),

renamed as (
    select
        file,
        cycle,
        component,
        source as file_source,
        case when source = 'demo' then 'demo' else 'nhanes' end as source,
        address,
        sha256,
        bytes,
        rows as row_count,
        columns as column_count,
        file_label,
        loaded_at
    from source
)

select * from renamed
