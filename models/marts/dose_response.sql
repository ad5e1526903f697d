{% set labelled = ['study', 'outcome', 'exposure', 'covariate_set'] %}

with fitted as (
    select * from {{ ref('fit_dose_response') }}
),

final as (
    select
        -- what was asked
        fitted.study,
        fitted.outcome,
        fitted.exposure,
        fitted.covariate_set,
        fitted.engine,
        cast(fitted.grid_point as integer) as grid_point,
        {{ label_columns(labelled) }},
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
        case when outcome_labels.outcome_kind = 'binary' then exp(fitted.estimate) end as ratio,
        case when outcome_labels.outcome_kind = 'binary' then exp(fitted.conf_low) end as ratio_low,
        case when outcome_labels.outcome_kind = 'binary' then exp(fitted.conf_high) end as ratio_high,

        -- its shape
        fitted.p_overall,
        fitted.p_nonlinear,

        -- can it be trusted
        fitted.converged,
        fitted.warnings,
        {{ run_columns() }}
    from fitted
    {{ join_labels('fitted', labelled) }}
)

select * from final
order by study, outcome, exposure, covariate_set, engine, grid_point
