with fitted as (
    select
        *,
        unnest({{ at_least_one('diagnostics') }}) as found
    from {{ ref('fit_bkmr') }}
),

final as (
    select
        study,
        outcome,
        covariate_set,
        subgroup,
        found.parameter,
        found.estimate,
        found.std_error,
        found.conf_low,
        found.conf_high,
        found.r_hat,
        found.ess_bulk,
        found.ess_tail,
        found.mcse,
        found.judged,
        n,
        events,
        converged,
        warnings,
        {{ run_columns() }}
    from fitted
)

select * from final
order by study, outcome, covariate_set, subgroup, parameter
