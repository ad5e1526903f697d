{#
    The specification curve: every combination of levels that a grid crosses. A choice that a grid does not name stays
    at the study's own level; a combination that several grids ask for is there once.
#}

with recursive choices as (
    select * from {{ ref('choices') }}
),

choice_levels as (
    select * from {{ ref('choice_levels') }}
),

study_choices as (
    select * from {{ ref('study_choices') }}
),

grids as (
    select grids.*
    from {{ ref('sensitivity_grids') }} as grids
    inner join {{ ref('studies') }} as studies on grids.study = studies.study
),

grid_levels as (
    select * from {{ ref('sensitivity_grid_levels') }}
),

crossed_levels as (
    select study, grid, choice, level
    from grid_levels
    where profile = 'quick' or {{ fit_setting('every_specification') }}
    union all
    select grids.study, grids.grid, study_choices.choice, study_choices.level
    from grids
    inner join study_choices on grids.study = study_choices.study
    where
        study_choices.choice not in (
            select grid_levels.choice from grid_levels
            where grid_levels.study = grids.study and grid_levels.grid = grids.grid
        )
),

numbered_levels as (
    select
        crossed_levels.study,
        crossed_levels.grid,
        choices.choice_order,
        crossed_levels.choice,
        crossed_levels.level,
        case when crossed_levels.level != study_choices.level then choices.choice || '=' || crossed_levels.level end
            as departure
    from crossed_levels
    inner join choices on crossed_levels.choice = choices.choice
    inner join study_choices
        on crossed_levels.study = study_choices.study and crossed_levels.choice = study_choices.choice
),

combinations as (
    select
        study,
        grid,
        0 as choice_order,
        cast(map([], []) as map(varchar, varchar)) as levels,
        cast([] as varchar []) as departures
    from grids
    union all
    select
        combinations.study,
        combinations.grid,
        numbered_levels.choice_order,
        map_concat(combinations.levels, map([numbered_levels.choice], [numbered_levels.level])),
        list_concat(combinations.departures, [numbered_levels.departure])
    from combinations
    inner join numbered_levels
        on
            combinations.study = numbered_levels.study
            and combinations.grid = numbered_levels.grid
            and combinations.choice_order + 1 = numbered_levels.choice_order
),

specifications as (
    select
        combinations.study,
        grids.outcome,
        unnest(string_split(grids.exposures, ';')) as exposure,
        list_filter(combinations.departures, lambda departure: departure is not null) as departures,
        combinations.levels,
        combinations.grid
    from combinations
    inner join grids on combinations.study = grids.study and combinations.grid = grids.grid
    where combinations.choice_order = (select max(choices.choice_order) from choices)
),

merged as (
    select
        study,
        outcome,
        exposure,
        departures,
        levels,
        list(grid order by grid) as grids
    from specifications
    group by study, outcome, exposure, departures, levels
),

described as (
    select
        merged.*,
        (
            select coalesce(list(choice_levels.fixed_covariate), [])
            from choice_levels
            where
                choice_levels.fixed_covariate is not null
                and merged.levels[choice_levels.choice] = choice_levels.level
        ) as fixed_covariates,
        string_split(covariate_sets.covariates, ';') as covariates,
        outcomes.kind,
        case when outcomes.kind = 'binary' then merged.levels['bone_sites'] else outcomes.site end as sites
    from merged
    inner join {{ ref('outcomes') }} as outcomes on merged.outcome = outcomes.outcome
    inner join {{ ref('covariate_sets') }} as covariate_sets
        on merged.levels['covariate_set'] = covariate_sets.covariate_set
),

final as (
    select
        described.study,
        described.outcome,
        described.exposure,
        case
            when len(described.departures) = 0 then 'as published'
            else array_to_string(described.departures, ', ')
        end as specification,
        len(described.departures) = 0 as is_published,
        described.departures,
        described.levels,
        described.grids,

        -- whose values are the outcome, and who is in the cohort
        described.sites,
        concat_ws(
            '/',
            described.sites,
            described.levels['plausibility'],
            case when described.kind = 'binary' then described.levels['reference_set'] end,
            case when described.kind = 'binary' then described.levels['cutoff'] end
        ) as definition,
        concat_ws(
            '/',
            described.sites,
            described.levels['plausibility'],
            described.levels['menopause'],
            described.levels['exclusion'],
            described.levels['covariates_required'],
            described.levels['scans']
        ) as people,

        -- the model
        case described.kind when 'binary' then 'binomial' else 'gaussian' end as family,
        array_to_string(
            list_filter(
                coalesce(described.covariates, []),
                lambda covariate: not list_contains(described.fixed_covariates, covariate)
            ),
            ';'
        ) as covariates,
        described.levels['weighting'] as engine,
        described.levels['exposure_form'] as exposure_form,
        case described.levels['exposure_form']
            when 'quantile' then 'Q' || studies.quantile_groups
            else described.levels['exposure_form']
        end as contrast,
        case described.levels['missing_covariates'] when 'imputed' then {{ fit_setting('imputations') }} else 0 end
            as imputations,
        {{ fit_setting('seed') }} as seed
    from described
    inner join {{ ref('studies') }} as studies on described.study = studies.study
)

select * from final
