{# The condition of each rule, as the study file says it; one that is not known of a person is not met. #}

with people as (
    select * from {{ ref('int_people') }}
),

rules as (
    select rule from {{ ref('cohort_rules') }}
),

final as (
    {% for rule in compiled('cohort_rules') -%}
    select
        people.seqn,
        people.cycle,
        '{{ rule.rule }}' as rule,
        coalesce(cast((
            {{ rule.condition }}
        ) as boolean), false) as is_met
    from people
    union all
    {% endfor -%}
    -- without a study
    select people.seqn, people.cycle, rules.rule, false as is_met
    from people
    inner join rules on false
)

select * from final
