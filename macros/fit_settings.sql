{#
    One number of the fit profile in force (dbt_project.yml): how long or how often a method runs. Not yet while dbt
    parses: the variables are checked when it connects, and that check says best what is wrong with them.
#}
{% macro fit_setting(name) -%}
    {{ var('fit_profiles')[var('fit_profile')][name] if execute }}
{%- endmacro %}

{# The list, or one null where it is empty: so that unnesting keeps the row of a fit that failed. #}
{% macro at_least_one(list) -%}
    case when len({{ list }}) = 0 then [null] else {{ list }} end
{%- endmacro %}
