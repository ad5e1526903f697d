with fitted as (
    select
        *,
        unnest(response_bivariate, recursive := true)
    from {{ ref('fit_bkmr') }}
),

final as (
    select
        study,
        outcome,
        covariate_set,
        subgroup,
        exposure as metal,
        other_exposure as other_metal,
        scale,
        exposure_value,
        other_value,
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
order by study, outcome, covariate_set, subgroup, metal, other_metal, exposure_value, other_value
