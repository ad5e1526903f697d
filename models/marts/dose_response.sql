with fitted as (
    select * from {{ ref('fit_dose_response') }}
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
        fitted.covariate_set,
        fitted.engine,
        cast(fitted.grid_point as integer) as grid_point,
        fitted.exposure_value,
        fitted.reference_value,

        -- who
        cast(fitted.n as integer) as n,
        cast(fitted.events as integer) as events,

        -- the curve, on the link scale
        fitted.estimate,
        fitted.std_error,
        fitted.df,
        fitted.conf_low,
        fitted.conf_high,

        -- odds ratio of a logistic model
        case when outcomes.kind = 'binary' then exp(fitted.estimate) end as ratio,
        case when outcomes.kind = 'binary' then exp(fitted.conf_low) end as ratio_low,
        case when outcomes.kind = 'binary' then exp(fitted.conf_high) end as ratio_high,

        -- its shape
        fitted.p_overall,
        fitted.p_nonlinear,

        -- can it be trusted
        fitted.converged,
        fitted.warnings,
        {{ run_columns() }}
    from fitted
    inner join outcomes on fitted.outcome = outcomes.outcome
)

select * from final
order by study, outcome, metal, covariate_set, engine, grid_point
