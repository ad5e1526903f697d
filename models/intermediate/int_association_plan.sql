{#
    Every single-exposure regression that the studies ask for: the whole cohort in all outcomes and covariate
    sets, the subgroups in those of table study_detailed_models.
#}

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

detailed_models as (
    select * from {{ ref('study_detailed_models') }}
),

study_subgroups as (
    select
        study_subgroups.study,
        subgroups.subgroup,
        subgroups.subgroup_variable,
        subgroups.level
    from {{ ref('study_subgroups') }} as study_subgroups
    inner join {{ ref('subgroups') }} as subgroups
        on study_subgroups.subgroup_variable = subgroups.subgroup_variable
),

models as (
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
),

final as (
    select
        models.*,
        'all' as subgroup,
        cast(null as varchar) as subgroup_variable,
        cast(null as varchar) as level
    from models
    union all
    select
        models.*,
        study_subgroups.subgroup,
        study_subgroups.subgroup_variable,
        study_subgroups.level
    from models
    inner join detailed_models
        on
            models.study = detailed_models.study
            and models.outcome = detailed_models.outcome
            and models.covariate_set = detailed_models.covariate_set
    inner join study_subgroups on models.study = study_subgroups.study
    where models.exposure_form != 'trend_median'
)

select * from final
