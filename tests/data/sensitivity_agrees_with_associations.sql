{# Specifications that depart from a study's own in the model alone are rows of associations: the same numbers. #}

with plan as (
    select * from {{ ref('int_sensitivity_plan') }}
)

select
    sensitivity.study,
    sensitivity.outcome,
    sensitivity.exposure,
    sensitivity.specification,
    sensitivity.estimate,
    associations.estimate as estimate_of_associations
from {{ ref('sensitivity') }} as sensitivity
inner join plan
    on
        sensitivity.study = plan.study
        and sensitivity.outcome = plan.outcome
        and sensitivity.exposure = plan.exposure
        and sensitivity.specification = plan.specification
-- the study's own cohort and outcome
inner join plan as published
    on
        plan.study = published.study
        and plan.outcome = published.outcome
        and plan.exposure = published.exposure
        and plan.people = published.people
        and plan.definition = published.definition
        and published.is_published
inner join {{ ref('associations') }} as associations
    on
        sensitivity.study = associations.study
        and sensitivity.outcome = associations.outcome
        and sensitivity.exposure = associations.exposure
        and sensitivity.contrast = associations.contrast
        and sensitivity.covariate_set = associations.covariate_set
        and sensitivity.weighting = associations.engine
        and associations.subgroup = 'all'
where
    plan.imputations = 0
    and (
        sensitivity.n is distinct from associations.n
        or sensitivity.events is distinct from associations.events
        or sensitivity.converged != associations.converged
        or abs(sensitivity.estimate - associations.estimate) > 1e-9 * associations.std_error
        or abs(sensitivity.std_error - associations.std_error) > 1e-9 * associations.std_error
        or abs(sensitivity.p_value - associations.p_value) > 1e-9
    )
