with people as (
    select * from {{ ref('stg_demographics') }}
),

conditions as (
    select * from {{ ref('cohort_conditions') }}
),

person_values as (
    select * from {{ ref('int_person_values') }}
),

checked as (
    select
        people.seqn,
        people.cycle,
        conditions.rule,
        {{ condition_holds('conditions.operator', 'person_values.value', 'conditions.value') }} as holds
    from people
    cross join conditions
    left join person_values
        on people.seqn = person_values.seqn and conditions.variable = person_values.variable
),

final as (
    select
        seqn,
        cycle,
        rule,
        bool_and(coalesce(holds, false)) as is_met
    from checked
    group by seqn, cycle, rule
)

select * from final
