with fitted as (
    select
        *,
        unnest(response_bivariate) as found
    from {{ ref('fit_bkmr') }}
),

final as (
    select
        study,
        outcome,
        covariate_set,
        subgroup,
        found.exposure as metal,
        found.other_exposure as other_metal,
        found.scale,
        found.exposure_value,
        found.other_value,
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
order by study, outcome, covariate_set, subgroup, metal, other_metal, exposure_value, other_value
