{# Everything that a condition of a study may ask about a person, a column each. #}

{%- set exposures = compiled('exposures') | map(attribute='exposure') | list %}

with demographics as (
    select * from {{ ref('stg_demographics') }}
),

covariates as (
    select * from {{ ref('int_covariates') }}
),

menopause as (
    select * from {{ ref('int_menopause') }}
),

exposures as (
    select
        seqn
        {%- for exposure in exposures %},
        max(value) filter (where exposure = '{{ exposure }}') as "{{ exposure }}"
        {%- endfor %}
    from {{ ref('int_exposures') }}
    group by seqn
),

bmd as (
    select
        seqn
        {%- for site in bmd_sites() %},
        max(bmd) filter (where site = '{{ site }}') as {{ site }},
        max(bmd) filter (where site = '{{ site }}' and is_plausible) as plausible_{{ site }}
        {%- endfor %}
    from {{ ref('int_bmd') }}
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
        menopause.* exclude (seqn, cycle),
        exposures.* exclude (seqn),
        bmd.* exclude (seqn)
    from demographics
    left join covariates on demographics.seqn = covariates.seqn
    left join menopause on demographics.seqn = menopause.seqn
    left join exposures on demographics.seqn = exposures.seqn
    left join bmd on demographics.seqn = bmd.seqn
)

select * from final
