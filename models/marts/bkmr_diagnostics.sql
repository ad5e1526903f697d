with fitted as (
    select
        *,
        unnest({{ at_least_one('diagnostics') }}, recursive := true)
    from {{ ref('fit_bkmr') }}
),

final as (
    select
        study,
        outcome,
        covariate_set,
        subgroup,
        parameter,
        estimate,
        std_error,
        conf_low,
        conf_high,
        r_hat,
        ess_bulk,
        ess_tail,
        mcse,
        judged,
        n,
        events,
        converged,
        warnings,
        {{ run_columns() }}
    from fitted
)

select * from final
order by study, outcome, covariate_set, subgroup, parameter
