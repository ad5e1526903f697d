{# One number of the profile that is in force (dbt_project.yml, fit_profiles): how long or how often a method runs. #}
{% macro fit_setting(name) -%}
    {%- set profiles = var('fit_profiles') -%}
    {%- set profile = var('fit_profile') -%}
    {%- if profile not in profiles -%}
        {{ exceptions.raise_compiler_error(
            "expected var fit_profile to be one of " ~ profiles.keys() | join(", ") ~ ", found '" ~ profile ~ "'"
        ) }}
    {%- endif -%}
    {%- if name not in profiles[profile] -%}
        {{ exceptions.raise_compiler_error("expected setting '" ~ name ~ "' in fit profile " ~ profile) }}
    {%- endif -%}
    {{ profiles[profile][name] }}
{%- endmacro %}

{# The list, or one null where it is empty: so that unnesting keeps the row of a fit that failed. #}
{% macro at_least_one(list) -%}
    case when len({{ list }}) = 0 then [null] else {{ list }} end
{%- endmacro %}
