{% set labelled = ['study', 'outcome', 'covariate_set', 'subgroup'] %}

with fitted as (
    select
        *,
        unnest({{ at_least_one('overall') }}, recursive := true)
    from {{ ref('fit_bkmr') }}
),

final as (
    select
        fitted.study,
        fitted.outcome,
        fitted.covariate_set,
        fitted.subgroup,
        fitted.scale,
        fitted.quantile,
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
order by study, outcome, covariate_set, subgroup, scale, quantile
