with fitted as (
    select
        *,
        unnest({{ at_least_one('overall') }}) as found
    from {{ ref('fit_bkmr') }}
),

final as (
    select
        study,
        outcome,
        covariate_set,
        subgroup,
        found.scale,
        found.quantile,
        found.estimate,
        found.std_error,
        found.conf_low,
        found.conf_high,
        n,
        events,
        converged,
        warnings,
        {{ run_columns() }}
    from fitted
)

select * from final
order by study, outcome, covariate_set, subgroup, scale, quantile
