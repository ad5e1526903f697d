{# A view: a run is known from the moment it starts, whatever it selects. #}
{{ config(materialized='view') }}

with source as (
    select * from {{ source('provenance', 'run_log') }}
),

renamed as (
    select
        run_id,
        started_at,
        source,
        code_version,
        inputs_digest,
        configuration_digest,
        package_versions
    from source
)

select * from renamed
