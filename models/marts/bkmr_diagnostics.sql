{% set labelled = ['study', 'outcome', 'covariate_set', 'subgroup'] %}

with fitted as (
    select
        *,
        unnest({{ at_least_one('diagnostics') }}, recursive := true)
    from {{ ref('fit_bkmr') }}
),

final as (
    select
        fitted.study,
        fitted.outcome,
        fitted.covariate_set,
        fitted.subgroup,
        fitted.parameter,
        {{ label_columns(labelled) }},
        fitted.estimate,
        fitted.std_error,
        fitted.conf_low,
        fitted.conf_high,
        fitted.r_hat,
        fitted.ess_bulk,
        fitted.ess_tail,
        fitted.mcse,
        fitted.judged,
        fitted.n,
        fitted.events,
        fitted.converged,
        fitted.warnings,
        {{ run_columns() }}
    from fitted
    {{ join_labels('fitted', labelled) }}
)

select * from final
order by study, outcome, covariate_set, subgroup, parameter
