{% set labelled = ['study', 'outcome', 'exposure', 'covariate_set', 'subgroup'] %}

with fitted as (
    select * from {{ ref('fit_associations') }}
),

final as (
    select
        -- what was asked
        fitted.study,
        fitted.outcome,
        fitted.exposure,
        fitted.contrast,
        fitted.covariate_set,
        fitted.engine,
        fitted.subgroup,
        {{ label_columns(labelled) }},

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
        case when outcome_labels.outcome_kind = 'binary' then exp(fitted.estimate) end as ratio,
        case when outcome_labels.outcome_kind = 'binary' then exp(fitted.conf_low) end as ratio_low,
        case when outcome_labels.outcome_kind = 'binary' then exp(fitted.conf_high) end as ratio_high,

        -- standard deviations of outcome per standard deviation of exposure, of a linear model
        fitted.standardised as standardised_beta,

        -- can it be trusted
        fitted.converged,
        fitted.warnings,
        {{ run_columns() }}
    from fitted
    {{ join_labels('fitted', labelled) }}
)

select * from final
order by study, outcome, exposure, covariate_set, engine, subgroup, contrast
