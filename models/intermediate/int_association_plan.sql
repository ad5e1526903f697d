{# Every single-exposure regression that the studies ask for. #}

with study_outcomes as (
    select * from {{ ref('study_outcomes') }}
),

outcomes as (
    select * from {{ ref('outcomes') }}
),

study_exposures as (
    select * from {{ ref('study_exposures') }}
),

study_covariate_sets as (
    select * from {{ ref('study_covariate_sets') }}
),

covariate_sets as (
    select * from {{ ref('covariate_sets') }}
),

final as (
    select
        study_outcomes.study,
        study_outcomes.outcome,
        case outcomes.kind when 'binary' then 'binomial' else 'gaussian' end as family,
        study_exposures.exposure,
        study_covariate_sets.covariate_set,
        coalesce(covariate_sets.covariates, '') as covariates,
        engines.engine,
        exposure_forms.exposure_form
    from study_outcomes
    inner join outcomes on study_outcomes.outcome = outcomes.outcome
    inner join study_exposures on study_outcomes.study = study_exposures.study
    inner join study_covariate_sets on study_outcomes.study = study_covariate_sets.study
    inner join covariate_sets on study_covariate_sets.covariate_set = covariate_sets.covariate_set
    cross join (values ('unweighted'), ('survey')) as engines (engine)
    cross join (values ('quantile'), ('per_doubling'), ('trend_score'), ('trend_median'))
        as exposure_forms (exposure_form)
)

select * from final
