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
