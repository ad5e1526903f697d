{{ config(materialized='view') }}

with runs as (
    select * from {{ ref('stg_runs') }}
),

final as (
    select
        run_id,
        started_at,
        source,
        code_version,
        inputs_digest,
        configuration_digest,
        package_versions
    from runs
)

select * from final
