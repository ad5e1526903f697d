{% set labelled = ['study', 'outcome', 'covariate_set', 'subgroup'] %}

with fitted as (
    select
        *,
        unnest(draws, recursive := true)
    from {{ ref('fit_bkmr') }}
),

final as (
    select
        fitted.study,
        fitted.outcome,
        fitted.covariate_set,
        fitted.subgroup,
        fitted.parameter,
        fitted.chain,
        fitted.draw,
        {{ label_columns(labelled) }},
        fitted.value,
        {{ run_columns() }}
    from fitted
    {{ join_labels('fitted', labelled) }}
)

select * from final
order by study, outcome, covariate_set, subgroup, parameter, chain, draw
