with fitted as (
    select * from {{ ref('fit_wqs') }}
),

mixture as (
    select * from {{ ref('study_exposures') }}
    where in_mixture
),

found as (
    select
        study,
        outcome,
        covariate_set,
        engine,
        direction,
        procedure,
        subgroup,
        unnest(weights, recursive := true)
    from fitted
),

-- every exposure of the mixture, also where the fit failed
final as (
    select
        fitted.study,
        fitted.outcome,
        fitted.covariate_set,
        fitted.engine,
        fitted.direction,
        fitted.procedure,
        fitted.subgroup,
        mixture.exposure,
        {{ label_columns(['study', 'outcome', 'exposure', 'covariate_set', 'subgroup']) }},
        found.weight,
        found.conf_low as weight_low,
        found.conf_high as weight_high,
        found.share_above_equal,
        fitted.n,
        fitted.events,
        fitted.converged,
        fitted.warnings,
        {{ run_columns() }}
    from fitted
    inner join mixture on fitted.study = mixture.study
    left join found
        on
            fitted.study = found.study
            and fitted.outcome = found.outcome
            and fitted.covariate_set = found.covariate_set
            and fitted.engine = found.engine
            and fitted.direction = found.direction
            and fitted.procedure = found.procedure
            and fitted.subgroup = found.subgroup
            and mixture.exposure = found.exposure
    {{ join_labels('fitted', ['study', 'outcome', 'covariate_set', 'subgroup']) }}
    {{ join_labels('mixture', ['exposure']) }}
)

select * from final
order by study, outcome, covariate_set, engine, direction, procedure, subgroup, exposure
