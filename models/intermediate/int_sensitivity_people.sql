{#
    The cohorts of the specification curve. A rule of the study that some level of a choice brings is decided by the
    level; the study's other rules always hold. And the outcome can be told.
#}

with cohorts as (
    select
        study,
        people,
        any_value(levels) as levels,
        min(definition) as definition
    from {{ ref('int_sensitivity_plan') }}
    group by study, people
),

level_rules as (
    select * from {{ ref('choice_level_rules') }}
),

study_rules as (
    select * from {{ ref('study_cohort_rules') }}
),

eligibility as (
    select * from {{ ref('int_eligibility') }}
    where is_met
),

outcomes as (
    select * from {{ ref('int_sensitivity_outcomes') }}
),

rules as (
    select cohorts.study, cohorts.people, study_rules.rule
    from cohorts
    inner join study_rules on cohorts.study = study_rules.study
    where study_rules.rule not in (select level_rules.rule from level_rules)
    union
    select cohorts.study, cohorts.people, level_rules.rule
    from cohorts
    inner join level_rules on cohorts.levels[level_rules.choice] = level_rules.level
),

rules_needed as (
    select
        study,
        people,
        count(*) as needed
    from rules
    group by study, people
),

eligible as (
    select
        rules.study,
        rules.people,
        eligibility.seqn,
        count(*) as met
    from rules
    inner join eligibility on rules.rule = eligibility.rule
    group by rules.study, rules.people, eligibility.seqn
),

final as (
    select
        eligible.study,
        eligible.people,
        eligible.seqn
    from eligible
    inner join rules_needed
        on
            eligible.study = rules_needed.study
            and eligible.people = rules_needed.people
            and eligible.met = rules_needed.needed
    inner join cohorts on eligible.study = cohorts.study and eligible.people = cohorts.people
    inner join outcomes
        on
            cohorts.study = outcomes.study
            and cohorts.definition = outcomes.definition
            and eligible.seqn = outcomes.seqn
)

select * from final
