with fitted as (
    select * from {{ ref('fit_interactions') }}
),

final as (
    select
        -- what was asked
        study,
        outcome,
        exposure as metal,
        covariate_set,
        engine,
        exposure_form,
        subgroup_variable,

        -- who
        cast(levels as integer) as levels,
        cast(n as integer) as n,
        cast(events as integer) as events,

        -- the answer
        test,
        cast(df as integer) as df,
        df_residual,
        statistic,
        p_value,
        q_value,

        -- can it be trusted
        converged,
        warnings,
        {{ run_columns() }}
    from fitted
)

select * from final
order by study, outcome, metal, covariate_set, engine, exposure_form, subgroup_variable
