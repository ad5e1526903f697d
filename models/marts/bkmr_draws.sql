with fitted as (
    select
        *,
        unnest(draws) as found
    from {{ ref('fit_bkmr') }}
),

final as (
    select
        study,
        outcome,
        covariate_set,
        subgroup,
        found.parameter,
        found.chain,
        found.draw,
        found.value,
        {{ run_columns() }}
    from fitted
)

select * from final
order by study, outcome, covariate_set, subgroup, parameter, chain, draw
