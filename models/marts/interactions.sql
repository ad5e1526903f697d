{% set labelled = ['study', 'outcome', 'exposure', 'covariate_set'] %}

with fitted as (
    select * from {{ ref('fit_interactions') }}
),

final as (
    select
        -- what was asked
        fitted.study,
        fitted.outcome,
        fitted.exposure,
        fitted.covariate_set,
        fitted.engine,
        fitted.exposure_form,
        fitted.subgroup_variable,
        {{ label_columns(labelled) }},

        -- who
        cast(fitted.levels as integer) as levels,
        cast(fitted.n as integer) as n,
        cast(fitted.events as integer) as events,

        -- the answer
        fitted.test,
        cast(fitted.df as integer) as df,
        fitted.df_residual,
        fitted.statistic,
        fitted.p_value,
        fitted.q_value,

        -- can it be trusted
        fitted.converged,
        fitted.warnings,
        {{ run_columns() }}
    from fitted
    {{ join_labels('fitted', labelled) }}
)

select * from final
order by study, outcome, exposure, covariate_set, engine, exposure_form, subgroup_variable
