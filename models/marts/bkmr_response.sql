with fitted as (
    select
        *,
        unnest(response) as found
    from {{ ref('fit_bkmr') }}
),

final as (
    select
        study,
        outcome,
        covariate_set,
        subgroup,
        found.exposure as metal,
        found.scale,
        found.quantile,
        found.exposure_value,
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
order by study, outcome, covariate_set, subgroup, metal, scale, exposure_value
