with fitted as (
    select
        *,
        unnest({{ at_least_one('estimates') }}, recursive := true)
    from {{ ref('fit_qgcomp') }}
),

outcomes as (
    select * from {{ ref('outcomes') }}
),

final as (
    select
        fitted.study,
        fitted.outcome,
        fitted.covariate_set,
        fitted.engine,
        fitted.subgroup,
        fitted.term,
        fitted.estimate,
        fitted.std_error,
        fitted.df,
        fitted.p_value,
        fitted.conf_low,
        fitted.conf_high,
        case when outcomes.kind = 'binary' then exp(fitted.estimate) end as ratio,
        case when outcomes.kind = 'binary' then exp(fitted.conf_low) end as ratio_low,
        case when outcomes.kind = 'binary' then exp(fitted.conf_high) end as ratio_high,
        fitted.n,
        fitted.events,
        fitted.converged,
        fitted.warnings,
        {{ run_columns() }}
    from fitted
    inner join outcomes on fitted.outcome = outcomes.outcome
)

select * from final
order by study, outcome, covariate_set, engine, subgroup, term
