{#
    The rows of a table that the study files say (warehouse/studies/compile.py), in the columns and types of the YAML
    beside the model. The function that hands them over is the connection's (warehouse/dbt/plugin.py).
#}
{% macro study_rows() -%}
    {%- set columns = model.columns.values() | list if model is defined else [] -%}
select
    {%- for column in columns %}
    cast(line.{{ column.name }} as {{ column.data_type }}) as {{ column.name }}{{ "," if not loop.last }}
    {%- else %}
    *
    {%- endfor %}
from (
    select
        unnest(
            from_json(
                compiled_study_rows('{{ this.name }}'),
                '[{ {%- for column in columns %}"{{ column.name }}":"varchar"{{ "," if not loop.last }}{% endfor -%} }]'
            )
        ) as line
) as lines
{%- endmacro %}

{# The same rows while a model is compiled, whose columns or conditions they are: a list of mappings. #}
{% macro compiled(table) -%}
    {%- if execute and run_query is defined -%}
        {{ return(fromjson(run_query("select compiled_study_rows('" ~ table ~ "')").columns[0].values()[0])) }}
    {%- endif -%}
{%- endmacro %}

{# The skeletal sites that have a row in the seed bmd_sites. #}
{% macro bmd_sites() -%}
    {%- set sites = ref('bmd_sites') -%}
    {%- if execute and run_query is defined -%}
        {{ return(run_query("select site from " ~ sites ~ " order by site").columns[0].values() | list) }}
    {%- endif -%}
{%- endmacro %}
