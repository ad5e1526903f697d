with loaded as (
    select * from {{ ref('stg_nhanes_files') }}
),

final as (
    select
        file,
        cycle,
        component,
        file_source,
        sha256,
        bytes,
        row_count,
        column_count,
        {{ run_columns() }}
    from loaded
)

select * from final
order by cycle, file
