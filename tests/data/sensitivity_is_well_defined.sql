{# What the seeds of the specification curve must agree on before its numbers mean anything. #}

select grids.study, 'grid ' || grids.grid || ' crosses no level' as problem
from {{ ref('sensitivity_grids') }} as grids
where
    (grids.study, grids.grid) not in (
        select (grid_levels.study, grid_levels.grid) from {{ ref('sensitivity_grid_levels') }} as grid_levels
    )
union all
select grid_levels.study, 'grid ' || grid_levels.grid || ' is not in the seed sensitivity_grids' as problem
from {{ ref('sensitivity_grid_levels') }} as grid_levels
where
    (grid_levels.study, grid_levels.grid) not in (
        select (grids.study, grids.grid) from {{ ref('sensitivity_grids') }} as grids
    )
union all
select taken.study, 'no level ' || taken.level || ' of choice ' || taken.choice as problem
from (
    select study, choice, level from {{ ref('sensitivity_grid_levels') }}
    union
    select study, choice, level from {{ ref('study_choices') }}
    union
    select null as study, choice, level from {{ ref('choice_level_rules') }}
    union
    select null as study, choice, level from {{ ref('choice_level_sites') }}
) as taken
where
    (taken.choice, taken.level) not in (
        select (choice_levels.choice, choice_levels.level) from {{ ref('choice_levels') }} as choice_levels
    )
union all
select grids.study, 'has no own level of choice ' || choices.choice as problem
from (select distinct study from {{ ref('sensitivity_grids') }}) as grids
cross join {{ ref('choices') }} as choices
left join {{ ref('study_choices') }} as study_choices
    on grids.study = study_choices.study and choices.choice = study_choices.choice
where study_choices.choice is null
union all
select null as study, 'choices are not numbered 1, 2, 3, ...' as problem
from {{ ref('choices') }}
having min(choice_order) != 1 or max(choice_order) != count(*)
union all
select null as study, 'level ' || choice_levels.level || ' of bone_sites has no site' as problem
from {{ ref('choice_levels') }} as choice_levels
where
    choice_levels.choice = 'bone_sites'
    and choice_levels.level not in (select sites.level from {{ ref('choice_level_sites') }} as sites)
union all
-- the settings that are levels themselves
select null as study, 'no ' || choice_levels.choice || ' is called ' || choice_levels.level as problem
from {{ ref('choice_levels') }} as choice_levels
where
    (
        choice_levels.choice = 'reference_set'
        and choice_levels.level not in (select bmd.reference_set from {{ ref('bmd_references') }} as bmd)
    )
    or (
        choice_levels.choice = 'covariate_set'
        and choice_levels.level not in (select sets.covariate_set from {{ ref('covariate_sets') }} as sets)
    )
    or (choice_levels.choice = 'weighting' and choice_levels.level not in ('unweighted', 'survey'))
    or (
        choice_levels.choice = 'exposure_form'
        and choice_levels.level not in ('quantile', 'per_doubling', 'trend_score', 'trend_median')
    )
    or (choice_levels.choice = 'plausibility' and choice_levels.level not in ('any', 'plausible_only'))
    or (choice_levels.choice = 'cutoff' and choice_levels.level not in ('below', 'at_or_below'))
    or (choice_levels.choice = 'missing_covariates' and choice_levels.level not in ('complete_case', 'imputed'))
union all
-- everyone in the study's own cohort, with the study's own outcome, and no one else
select
    coalesce(own.study, cohort.study) as study,
    'own levels give person ' || coalesce(own.seqn, cohort.seqn) || ' otherwise than the study' as problem
from (
    select people.study, people.seqn, outcomes.value
    from (
        select distinct study, people, definition
        from {{ ref('int_sensitivity_plan') }}
        where is_published and family = 'binomial'
    ) as published
    inner join {{ ref('int_sensitivity_people') }} as people
        on published.study = people.study and published.people = people.people
    inner join {{ ref('int_sensitivity_outcomes') }} as outcomes
        on
            published.study = outcomes.study
            and published.definition = outcomes.definition
            and people.seqn = outcomes.seqn
) as own
full outer join (
    select study, seqn, osteoporosis
    from {{ ref('cohort') }}
    where study in (select grids.study from {{ ref('sensitivity_grids') }} as grids)
) as cohort
    on own.study = cohort.study and own.seqn = cohort.seqn
where own.value is distinct from cast(cohort.osteoporosis as double)
