{% set labelled = ['study', 'outcome', 'exposure', 'other_exposure', 'covariate_set', 'subgroup'] %}

with fitted as (
    select
        *,
        unnest(response_bivariate, recursive := true)
    from {{ ref('fit_bkmr') }}
),

final as (
    select
        fitted.study,
        fitted.outcome,
        fitted.covariate_set,
        fitted.subgroup,
        fitted.exposure,
        fitted.other_exposure,
        fitted.scale,
        fitted.exposure_value,
        fitted.other_value,
        {{ label_columns(labelled) }},
        fitted.estimate,
        fitted.std_error,
        fitted.conf_low,
        fitted.conf_high,
        fitted.n,
        fitted.events,
        fitted.converged,
        fitted.warnings,
        {{ run_columns() }}
    from fitted
    {{ join_labels('fitted', labelled) }}
)

select * from final
order by study, outcome, covariate_set, subgroup, exposure, other_exposure, exposure_value, other_value
