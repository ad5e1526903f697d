{# Every WQS, quantile g-computation and BKMR fit that the studies ask for, with the settings of the fit profile. #}

with study_outcomes as (
    select * from {{ ref('study_mixture_outcomes') }}
),

outcomes as (
    select * from {{ ref('outcomes') }}
),

study_covariate_sets as (
    select * from {{ ref('study_mixture_covariate_sets') }}
),

covariate_sets as (
    select * from {{ ref('covariate_sets') }}
),

study_exposures as (
    select * from {{ ref('study_exposures') }}
    where in_mixture
),

exposures as (
    select * from {{ ref('exposures') }}
),

people_by_weight as (
    select
        weight,
        count(*) filter (where combined_weight > 0) as people
    from {{ ref('int_weights') }}
    group by weight
),

-- the weight of the smallest subsample that measured any of the mixture
mixtures as (
    select
        study_exposures.study,
        string_agg(study_exposures.exposure, ';' order by study_exposures.exposure) as exposures,
        arg_min(exposures.weight, (people_by_weight.people, exposures.weight)) as weight_name
    from study_exposures
    inner join exposures on study_exposures.exposure = exposures.exposure
    inner join people_by_weight on exposures.weight = people_by_weight.weight
    group by study_exposures.study
),

variants (method, engine, direction, procedure) as (
    values
    ('wqs', 'unweighted', 'positive', 'single_split'),
    ('wqs', 'unweighted', 'negative', 'single_split'),
    ('wqs', 'unweighted', 'positive', 'repeated_holdout'),
    ('wqs', 'unweighted', 'negative', 'repeated_holdout'),
    ('wqs', 'unweighted', 'positive', 'permutation'),
    ('wqs', 'unweighted', 'negative', 'permutation'),
    ('wqs', 'survey', 'positive', 'single_split'),
    ('wqs', 'survey', 'negative', 'single_split'),
    ('wqs', 'survey', 'positive', 'repeated_holdout'),
    ('wqs', 'survey', 'negative', 'repeated_holdout'),
    ('qgcomp', 'unweighted', null, null),
    ('qgcomp', 'survey', null, null),
    ('bkmr', 'unweighted', null, null)
),

groups as (
    select
        study,
        'all' as subgroup,
        null as subgroup_variable,
        null as level
    from {{ ref('studies') }}
    union all
    select
        study_subgroups.study,
        subgroups.subgroup,
        subgroups.subgroup_variable,
        subgroups.level
    from {{ ref('study_subgroups') }} as study_subgroups
    inner join {{ ref('subgroups') }} as subgroups
        on study_subgroups.subgroup_variable = subgroups.subgroup_variable
    where {{ fit_setting('mixtures_by_subgroup') }}
),

final as (
    select
        study_outcomes.study,
        study_outcomes.method,
        study_outcomes.outcome,
        case outcomes.kind when 'binary' then 'binomial' else 'gaussian' end as family,
        study_covariate_sets.covariate_set,
        coalesce(covariate_sets.covariates, '') as covariates,
        mixtures.exposures,
        variants.engine,
        mixtures.weight_name,
        variants.direction,
        variants.procedure,
        groups.subgroup,
        groups.subgroup_variable,
        groups.level,
        {{ fit_setting('seed') }} as seed,
        {{ fit_setting('events_per_exposure') }} as events_per_exposure,
        case variants.procedure
            when 'single_split' then {{ fit_setting('wqs_bootstraps') }}
            else {{ fit_setting('wqs_bootstraps_repeated') }}
        end as bootstraps,
        {{ fit_setting('wqs_holdouts') }} as holdouts,
        {{ fit_setting('wqs_permutations') }} as permutations,
        {{ fit_setting('bkmr_chains') }} as chains,
        {{ fit_setting('bkmr_warmup') }} as warmup,
        {{ fit_setting('bkmr_draws') }} as draws,
        {{ fit_setting('bkmr_max_draws') }} as max_draws,
        {{ fit_setting('bkmr_summary_draws') }} as summary_draws,
        {{ fit_setting('bkmr_grid') }} as grid,
        case when groups.subgroup = 'all' then {{ fit_setting('bkmr_bivariate_grid') }} else 0 end
            as bivariate_grid
    from study_outcomes
    inner join outcomes on study_outcomes.outcome = outcomes.outcome
    inner join study_covariate_sets
        on
            study_outcomes.study = study_covariate_sets.study
            and study_outcomes.method = study_covariate_sets.method
    inner join covariate_sets on study_covariate_sets.covariate_set = covariate_sets.covariate_set
    inner join mixtures on study_outcomes.study = mixtures.study
    inner join variants on study_outcomes.method = variants.method
    inner join groups on study_outcomes.study = groups.study
    where
        groups.subgroup = 'all'
        or (
            study_outcomes.by_subgroup
            and study_covariate_sets.by_subgroup
        )
)

-- probit fits of BKMR take longest: they come first, so that workers end together
select * from final
order by method, family, study, outcome, covariate_set, engine, direction, procedure, subgroup
