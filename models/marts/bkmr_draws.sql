with fitted as (
    select
        *,
        unnest(draws, recursive := true)
    from {{ ref('fit_bkmr') }}
),

final as (
    select
        study,
        outcome,
        covariate_set,
        subgroup,
        parameter,
        chain,
        draw,
        value,
        {{ run_columns() }}
    from fitted
)

select * from final
order by study, outcome, covariate_set, subgroup, parameter, chain, draw
