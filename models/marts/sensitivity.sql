{% set labelled = ['study', 'outcome', 'exposure', 'covariate_set'] %}

with plan as (
    select
        *,
        levels['covariate_set'] as covariate_set
    from {{ ref('int_sensitivity_plan') }}
),

groups as (
    select * from {{ ref('fit_sensitivity') }}
),

estimates as (
    select
        study,
        people,
        definition,
        exposure,
        unnest(estimates, recursive := true)
    from groups
),

final as (
    select
        plan.study,
        plan.outcome,
        plan.exposure,
        plan.specification,
        {{ label_columns(labelled) }},

        -- the choices
        plan.levels['menopause'] as menopause,
        plan.levels['exclusion'] as exclusion,
        plan.levels['covariates_required'] as covariates_required,
        plan.levels['scans'] as scans,
        plan.levels['plausibility'] as plausibility,
        case when plan.family = 'binomial' then plan.levels['bone_sites'] end as bone_sites,
        case when plan.family = 'binomial' then plan.levels['reference_set'] end as reference_set,
        case when plan.family = 'binomial' then plan.levels['cutoff'] end as cutoff,
        plan.levels['missing_covariates'] as missing_covariates,
        plan.covariate_set,
        plan.levels['weighting'] as weighting,
        plan.levels['exposure_form'] as exposure_form,
        plan.contrast,
        array_to_string(plan.grids, ';') as grids,
        plan.is_published,

        -- who
        cast(estimates.n as integer) as n,
        cast(estimates.events as integer) as events,

        -- the answer, on the link scale
        estimates.estimate,
        estimates.std_error,
        estimates.df,
        estimates.p_value,
        estimates.conf_low,
        estimates.conf_high,

        -- odds ratio of a logistic model
        case when plan.family = 'binomial' then exp(estimates.estimate) end as ratio,
        case when plan.family = 'binomial' then exp(estimates.conf_low) end as ratio_low,
        case when plan.family = 'binomial' then exp(estimates.conf_high) end as ratio_high,

        -- can it be trusted
        coalesce(estimates.converged, false) as converged,
        case
            when estimates.specification is null then coalesce(groups.warnings, 'no row came back from the fit')
            else estimates.warnings
        end as warnings,
        {{ run_columns() }}
    from plan
    left join groups
        on
            plan.study = groups.study
            and plan.people = groups.people
            and plan.definition = groups.definition
            and plan.exposure = groups.exposure
    left join estimates
        on
            plan.study = estimates.study
            and plan.people = estimates.people
            and plan.definition = estimates.definition
            and plan.exposure = estimates.exposure
            and plan.outcome = estimates.outcome
            and plan.specification = estimates.specification
    {{ join_labels('plan', labelled) }}
)

select * from final
order by study, outcome, exposure, specification
