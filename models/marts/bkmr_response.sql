with fitted as (
    select
        *,
        unnest({{ at_least_one('response') }}, recursive := true)
    from {{ ref('fit_bkmr') }}
),

final as (
    select
        study,
        outcome,
        covariate_set,
        subgroup,
        exposure as metal,
        scale,
        quantile,
        exposure_value,
        estimate,
        std_error,
        conf_low,
        conf_high,
        n,
        events,
        converged,
        warnings,
        {{ run_columns() }}
    from fitted
)

select * from final
order by study, outcome, covariate_set, subgroup, metal, scale, exposure_value
