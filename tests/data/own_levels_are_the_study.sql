{# The own levels of a study give its own cohort, with its own outcome, and no one else. #}

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
