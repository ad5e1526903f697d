{# How many cut points lie below the value: 0 for the lowest group, which is closed on the right. #}
{% macro quantile_score(value, cut_points) -%}
    cast(list_count(list_filter({{ cut_points }}, lambda cut_point: {{ value }} > cut_point)) as integer)
{%- endmacro %}
