{# Everything that a cohort rule may ask about a person, one row per person and variable, as text. #}

with demographics as (
    select * from {{ ref('stg_demographics') }}
),

covariates as (
    select * from {{ ref('int_covariates') }}
),

menopause as (
    select * from {{ ref('int_menopause') }}
),

wide as (
    select
        demographics.seqn,
        demographics.cycle,
        demographics.sex,
        demographics.exam_status_code,
        demographics.pregnancy_code,
        covariates.* exclude (seqn, cycle),
        menopause.* exclude (seqn, cycle)
    from demographics
    left join covariates on demographics.seqn = covariates.seqn
    left join menopause on demographics.seqn = menopause.seqn
),

final as (
    select seqn, variable, value
    from (
        unpivot (select seqn, columns(* exclude (seqn))::varchar from wide)
        on columns(* exclude (seqn)) into name variable value value
    )
    union all
    select seqn, exposure as variable, value::varchar as value
    from {{ ref('int_exposures') }}
    union all
    select seqn, site as variable, bmd::varchar as value
    from {{ ref('int_bmd') }}
    union all
    select seqn, 'plausible_' || site as variable, bmd::varchar as value
    from {{ ref('int_bmd') }}
    where is_plausible
)

select * from final
