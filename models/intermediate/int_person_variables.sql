{# People with what the models know of them and the variables that studies define, each a column. #}

{%- set variables = compiled('person_variables') %}

with demographics as (
    select * from {{ ref('stg_demographics') }}
),

covariates as (
    select * from {{ ref('int_covariates') }}
),

menopause as (
    select * from {{ ref('int_menopause') }}
),

answers as (
    select
        seqn
        {%- for name in variables | map(attribute='cdc_variable') | select | unique %},
        max(value) filter (where variable = '{{ name }}') as "{{ name }}"
        {%- endfor %}
    from {{ ref('stg_answers') }}
    group by seqn
),

final as (
    select
        demographics.seqn,
        demographics.cycle,
        demographics.sex,
        demographics.exam_status_code,
        demographics.pregnancy_code,
        covariates.* exclude (seqn, cycle),
        menopause.* exclude (seqn, cycle)
        {%- for variable in variables %},
        (
            {{ variable.expression }}
        ) as {{ variable.variable }}
        {%- endfor %}
    from demographics
    left join covariates on demographics.seqn = covariates.seqn
    left join menopause on demographics.seqn = menopause.seqn
    left join answers on demographics.seqn = answers.seqn
)

select * from final
