{#
    The words, order and unit that belong to a code. Every mart with the code has them right after its keys, so that what
    reads the marts (the report, a query) needs no list of names of its own. They come from the seeds alone.
#}

{# The code in words, one row per code: the key, then its labels. #}
{% macro labels_of(key) -%}
    {%- if key == 'study' -%}
    select study, title as study_title, study_order
    from {{ ref('studies') }}
    {%- elif key == 'outcome' -%}
    select outcome, name as outcome_name, outcome_order, unit as outcome_unit, kind as outcome_kind
    from {{ ref('outcomes') }}
    {%- elif key == 'exposure' -%}
    select exposure, name as exposure_name, short_name as exposure_short_name, exposure_order, unit as exposure_unit
    from {{ ref('exposures') }}
    {%- elif key == 'other_exposure' -%}
    select
        exposure as other_exposure,
        name as other_exposure_name,
        short_name as other_exposure_short_name,
        exposure_order as other_exposure_order,
        unit as other_exposure_unit
    from {{ ref('exposures') }}
    {%- elif key == 'covariate_set' -%}
    select covariate_set, name as covariate_set_name, covariate_set_order
    from {{ ref('covariate_sets') }}
    {%- elif key == 'subgroup' -%}
    select subgroup, name as subgroup_name, subgroup_order
    from {{ ref('subgroups') }}
    union all
    select 'all' as subgroup, 'Whole cohort' as subgroup_name, 0 as subgroup_order
    {%- elif key == 'choice' -%}
    select choice, name as choice_name, choice_order
    from {{ ref('choices') }}
    {%- elif key == 'level' -%}
    select choice, level, name as level_name, level_order
    from {{ ref('choice_levels') }}
    {%- else -%}
    {{ exceptions.raise_compiler_error("expected a code that has labels, found " ~ key) }}
    {%- endif -%}
{%- endmacro %}

{# The columns of the labels of some codes; `join_labels` with the same codes must follow. #}
{% macro label_columns(keys) -%}
    {% for key in keys -%}
    {{ key }}_labels.* exclude ({{ "choice, " if key == 'level' }}{{ key }}){{ ",\n        " if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# The joins of the labels of some codes, each a column of `relation`; a level has its name within a choice. #}
{% macro join_labels(relation, keys) -%}
    {% for key in keys -%}
    left join ({{ labels_of(key) }}) as {{ key }}_labels
        on
            {{ relation }}.{{ key }} = {{ key }}_labels.{{ key }}
            {{ "and " ~ relation ~ ".choice = level_labels.choice" if key == 'level' }}
    {% endfor %}
{%- endmacro %}
