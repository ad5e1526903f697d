{# How a coded answer is read. The codes and their meanings are CDC's, in the seed nhanes_codebook. #}

{# The row of the codebook that belongs to one answer of the CTE `source`. #}
{% macro codebook_lookup(variable, column) -%}
    (
        select codebook.{{ column }}
        from {{ ref('nhanes_codebook') }} as codebook
        where
            codebook.file = source.file
            and codebook.name = '{{ variable }}'
            and codebook.code = cast(try_cast(source.{{ variable }} as integer) as varchar)
            and try_cast(source.{{ variable }} as integer) = source.{{ variable }}
    )
{%- endmacro %}

{# The code as CDC stores it. #}
{% macro code(variable) -%}
    cast(source.{{ variable }} as integer)
{%- endmacro %}

{# CDC's words for the code; null where the person refused, did not know or was not asked. #}
{% macro label(variable) -%}
    case
        when {{ codebook_lookup(variable, 'kind') }} = 'value'
            then {{ codebook_lookup(variable, 'description') }}
    end
{%- endmacro %}

{# A number; null where the stored number is a code for refused or don't know. #}
{% macro number(variable) -%}
    case
        when coalesce({{ codebook_lookup(variable, 'kind') }}, 'range') not in ('refused', 'dont_know')
            then source.{{ variable }}
    end
{%- endmacro %}

{# The harmonised group of a coded answer, from the seed answer_groups; `source` must hold `code_column`. #}
{% macro answer_group(covariate, variable, code_column) -%}
    (
        select answer_groups.answer_group
        from {{ ref('answer_groups') }} as answer_groups
        where
            answer_groups.covariate = '{{ covariate }}'
            and answer_groups.variable = '{{ variable }}'
            and answer_groups.code = {{ code_column }}
    )
{%- endmacro %}
