{# Every test of whether an association differs between the subgroups that a column makes. #}

with association_plan as (
    select * from {{ ref('int_association_plan') }}
),

final as (
    select distinct
        study,
        outcome,
        family,
        exposure,
        covariate_set,
        covariates,
        engine,
        exposure_form,
        subgroup_variable
    from association_plan
    where subgroup != 'all' and exposure_form in ('per_doubling', 'trend_score')
)

select * from final
