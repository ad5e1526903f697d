{# Every dose-response curve that the studies ask for. #}

with association_plan as (
    select * from {{ ref('int_association_plan') }}
),

detailed_models as (
    select * from {{ ref('study_detailed_models') }}
),

final as (
    select distinct
        association_plan.study,
        association_plan.outcome,
        association_plan.family,
        association_plan.exposure,
        association_plan.covariate_set,
        association_plan.covariates,
        association_plan.engine
    from association_plan
    inner join detailed_models
        on
            association_plan.study = detailed_models.study
            and association_plan.outcome = detailed_models.outcome
            and association_plan.covariate_set = detailed_models.covariate_set
)

select * from final
