{# One row per `dbt build` or `dbt run`, written before anything else; result rows carry its run_id. #}
{% macro record_run() %}
    {% if flags.WHICH in ('build', 'run') %}
        create schema if not exists provenance;
        create table if not exists provenance.run_log (
            run_id varchar primary key,
            started_at timestamp,
            source varchar,
            code_version varchar,
            inputs_digest varchar,
            configuration_digest varchar,
            package_versions varchar
        );
        insert into provenance.run_log
        select
            '{{ invocation_id }}',
            timestamp '{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}',
            case when bool_or(files.source = 'demo') then 'demo' else 'nhanes' end,
            code_version(),
            sha256(string_agg(files.file || ' ' || files.sha256, chr(10) order by files.file)),
            configuration_digest('{{ tojson(invocation_args_dict.get("vars") or {}, sort_keys=true) | replace("'", "''") }}'),
            package_versions()
        from raw.meta.files as files;
    {% else %}
        select 1
    {% endif %}
{% endmacro %}

{# The columns that every result table ends with: which run made the row, from which kind of data. #}
{% macro run_columns() -%}
    '{{ invocation_id }}' as run_id,
    (
        select case when bool_or(files.source = 'demo') then 'demo' else 'nhanes' end
        from {{ ref('stg_nhanes_files') }} as files
    ) as source
{%- endmacro %}
