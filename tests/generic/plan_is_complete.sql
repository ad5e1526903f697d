{# Every regression of the plan has a row, estimated or not. #}
{% test plan_is_complete(model) %}

select plan.*
from {{ ref('int_association_plan') }} as plan
left join {{ ref('fit_associations') }} as fitted
    on
        plan.study = fitted.study
        and plan.outcome = fitted.outcome
        and plan.exposure = fitted.exposure
        and plan.covariate_set = fitted.covariate_set
        and plan.engine = fitted.engine
        and plan.subgroup = fitted.subgroup
        and plan.exposure_form = fitted.exposure_form
left join {{ model }} as results
    on
        fitted.study = results.study
        and fitted.outcome = results.outcome
        and fitted.exposure = results.exposure
        and fitted.covariate_set = results.covariate_set
        and fitted.engine = results.engine
        and fitted.subgroup = results.subgroup
        and fitted.contrast = results.contrast
where results.study is null

{% endtest %}
