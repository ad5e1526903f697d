with fitted as (
    select * from {{ ref('fit_bkmr') }}
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
        subgroup,
        unnest(pips, recursive := true)
    from fitted
),

-- every exposure of the mixture, also where the fit failed
final as (
    select
        fitted.study,
        fitted.outcome,
        fitted.covariate_set,
        fitted.subgroup,
        mixture.exposure,
        {{ label_columns(['study', 'outcome', 'exposure', 'covariate_set', 'subgroup']) }},
        found.pip,
        found.prior_pip,
        found.mcse,
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
            and fitted.subgroup = found.subgroup
            and mixture.exposure = found.exposure
    {{ join_labels('fitted', ['study', 'outcome', 'covariate_set', 'subgroup']) }}
    {{ join_labels('mixture', ['exposure']) }}
)

select * from final
order by study, outcome, covariate_set, subgroup, exposure
