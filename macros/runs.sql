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
        create table if not exists provenance.run_outcomes (
            run_id varchar primary key,
            finished_at timestamp,
            variables varchar,
            expected integer,
            succeeded integer,
            problems varchar,
            marts varchar[]
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

{# At the end of a `dbt build`: how many models, seeds and tests there are, and how many of them succeeded in it.
   Without such a row, or with fewer successes, nothing is published (publish/audit.py). #}
{% macro record_outcome(results) %}
    {% if execute and flags.WHICH == 'build' %}
        {% set statuses = {} %}
        {% for result in results %}
            {% do statuses.update({result.node.unique_id: result.status | string}) %}
        {% endfor %}
        {% set outcome = namespace(expected=0, succeeded=0, problems=[], marts=[]) %}
        {% for node in graph.nodes.values() | list + graph.unit_tests.values() | list
            if node.resource_type in ('model', 'seed', 'snapshot', 'test', 'unit_test') %}
            {% set outcome.expected = outcome.expected + 1 %}
            {% set status = statuses.get(node.unique_id, 'not run') %}
            {% if status in ('success', 'pass', 'warn') %}
                {% set outcome.succeeded = outcome.succeeded + 1 %}
            {% else %}
                {% do outcome.problems.append(node.name ~ ' ' ~ status) %}
            {% endif %}
            {% if node.resource_type == 'model' and node.schema == 'main' %}
                {% do outcome.marts.append("'" ~ node.name ~ "'") %}
            {% endif %}
        {% endfor %}
        insert into provenance.run_outcomes
        select
            '{{ invocation_id }}',
            timestamp '{{ modules.datetime.datetime.now(modules.pytz.utc).strftime("%Y-%m-%d %H:%M:%S.%f") }}',
            '{{ tojson(invocation_args_dict.get("vars") or {}, sort_keys=true) | replace("'", "''") }}',
            {{ outcome.expected }},
            {{ outcome.succeeded }},
            '{{ outcome.problems[:5] | join(", ") | replace("'", "''") }}{{ ", ..." if outcome.problems | length > 5 }}',
            [{{ outcome.marts | join(", ") }}];
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
