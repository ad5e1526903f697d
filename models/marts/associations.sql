with fitted as (
    select * from {{ ref('fit_associations') }}
),

outcomes as (
    select * from {{ ref('outcomes') }}
),

final as (
    select
        -- what was asked
        fitted.study,
        fitted.outcome,
        fitted.exposure as metal,
        fitted.contrast,
        fitted.covariate_set,
        fitted.engine,
        fitted.subgroup,

        -- who
        cast(fitted.n as integer) as n,
        cast(fitted.events as integer) as events,

        -- the answer, on the link scale
        fitted.estimate,
        fitted.std_error,
        fitted.df,
        fitted.statistic,
        fitted.p_value,
        fitted.conf_low,
        fitted.conf_high,
        fitted.q_value,

        -- odds ratio of a logistic model
        case when outcomes.kind = 'binary' then exp(fitted.estimate) end as ratio,
        case when outcomes.kind = 'binary' then exp(fitted.conf_low) end as ratio_low,
        case when outcomes.kind = 'binary' then exp(fitted.conf_high) end as ratio_high,

        -- standard deviations of outcome per standard deviation of exposure, of a linear model
        fitted.standardised as standardised_beta,

        -- can it be trusted
        fitted.converged,
        fitted.warnings,
        {{ run_columns() }}
    from fitted
    inner join outcomes on fitted.outcome = outcomes.outcome
)

select * from final
order by study, outcome, metal, covariate_set, engine, subgroup, contrast
