{# The outcome by every definition of the specification curve, of those who were measured at each of its sites. #}

with definitions as (
    select
        plan.study,
        plan.definition,
        any_value(plan.family) as family,
        any_value(plan.sites) as sites,
        any_value(plan.levels) as levels,
        any_value(studies.reference_set) as own_reference_set,
        any_value(studies.t_score_cutoff) as t_score_cutoff
    from {{ ref('int_sensitivity_plan') }} as plan
    inner join {{ ref('studies') }} as studies on plan.study = studies.study
    group by plan.study, plan.definition
),

level_sites as (
    select * from {{ ref('choice_level_sites') }}
),

bmd_references as (
    select * from {{ ref('bmd_references') }}
),

bmd as (
    select * from {{ ref('int_bmd') }}
),

definition_sites as (
    select
        definitions.*,
        coalesce(level_sites.site, definitions.sites) as site,
        coalesce(named_reference.mean, own_reference.mean) as reference_mean,
        coalesce(named_reference.sd, own_reference.sd) as reference_sd,
        count(*) over (partition by definitions.study, definitions.definition) as sites_needed
    from definitions
    left join level_sites
        on
            definitions.family = 'binomial'
            and level_sites.choice = 'bone_sites'
            and definitions.sites = level_sites.level
    -- a reference set that lacks a site leaves it to the study's own
    left join bmd_references as named_reference
        on
            definitions.levels['reference_set'] = named_reference.reference_set
            and coalesce(level_sites.site, definitions.sites) = named_reference.site
    left join bmd_references as own_reference
        on
            definitions.own_reference_set = own_reference.reference_set
            and coalesce(level_sites.site, definitions.sites) = own_reference.site
),

measured as (
    select
        definition_sites.*,
        bmd.seqn,
        bmd.bmd,
        {{ t_score('bmd.bmd', 'definition_sites.reference_mean', 'definition_sites.reference_sd') }} as t_score
    from definition_sites
    inner join bmd on definition_sites.site = bmd.site
    where bmd.is_plausible or definition_sites.levels['plausibility'] = 'any'
),

judged as (
    select
        study,
        definition,
        seqn,
        case any_value(family)
            when 'binomial'
                then cast(
                    {{ osteoporosis('t_score', 't_score_cutoff', "levels['cutoff'] = 'at_or_below'", 'sites_needed') }}
                    as double
                )
            else max(bmd)
        end as value
    from measured
    group by study, definition, seqn
),

final as (
    select * from judged
    where value is not null
)

select * from final
