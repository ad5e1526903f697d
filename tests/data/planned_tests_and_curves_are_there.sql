{# Every interaction test and every curve of the plans is in its mart, estimated or not. #}

select
    plan.study,
    plan.outcome,
    plan.exposure,
    plan.covariate_set,
    plan.engine,
    'interactions' as mart
from {{ ref('int_interaction_plan') }} as plan
left join {{ ref('interactions') }} as interactions
    on
        plan.study = interactions.study
        and plan.outcome = interactions.outcome
        and plan.exposure = interactions.exposure
        and plan.covariate_set = interactions.covariate_set
        and plan.engine = interactions.engine
        and plan.exposure_form = interactions.exposure_form
        and plan.subgroup_variable = interactions.subgroup_variable
where interactions.study is null
union all
select
    plan.study,
    plan.outcome,
    plan.exposure,
    plan.covariate_set,
    plan.engine,
    'dose_response' as mart
from {{ ref('int_dose_response_plan') }} as plan
left join {{ ref('dose_response') }} as dose_response
    on
        plan.study = dose_response.study
        and plan.outcome = dose_response.outcome
        and plan.exposure = dose_response.exposure
        and plan.covariate_set = dose_response.covariate_set
        and plan.engine = dose_response.engine
        and dose_response.grid_point = 1
where dose_response.study is null
