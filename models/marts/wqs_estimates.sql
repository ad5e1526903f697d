{% set labelled = ['study', 'outcome', 'covariate_set', 'subgroup'] %}

with fits as (
    -- an index of which most resamples failed is not shown, as one that could not be fitted
    select * replace (case when converged then estimates else [] end as estimates)
    from {{ ref('fit_wqs') }}
),

fitted as (
    select
        *,
        unnest({{ at_least_one('estimates') }}, recursive := true)
    from fits
),

final as (
    select
        fitted.study,
        fitted.outcome,
        fitted.covariate_set,
        fitted.engine,
        fitted.direction,
        fitted.procedure,
        fitted.subgroup,
        fitted.term,
        {{ label_columns(labelled) }},
        fitted.estimate,
        fitted.std_error,
        fitted.df,
        fitted.p_value,
        fitted.conf_low,
        fitted.conf_high,
        case when outcome_labels.outcome_kind = 'binary' then exp(fitted.estimate) end as ratio,
        case when outcome_labels.outcome_kind = 'binary' then exp(fitted.conf_low) end as ratio_low,
        case when outcome_labels.outcome_kind = 'binary' then exp(fitted.conf_high) end as ratio_high,
        fitted.n,
        fitted.events,
        fitted.converged,
        fitted.warnings,
        {{ run_columns() }}
    from fitted
    {{ join_labels('fitted', labelled) }}
)

select * from final
order by study, outcome, covariate_set, engine, direction, procedure, subgroup, term
