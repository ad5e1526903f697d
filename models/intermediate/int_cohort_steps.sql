{# How far each person gets through the rules of each study: the last step passed before the first failure. #}

with study_steps as (
    select * from {{ ref('int_study_steps') }}
),

eligibility as (
    select * from {{ ref('int_eligibility') }}
),

osteoporosis as (
    select * from {{ ref('int_study_osteoporosis') }}
),

people as (
    select * from {{ ref('stg_demographics') }}
),

checked as (
    select
        study_steps.study,
        study_steps.step,
        people.seqn,
        people.cycle,
        case study_steps.rule
            when 'osteoporosis_known' then osteoporosis.osteoporosis is not null
            else eligibility.is_met
        end as is_met
    from study_steps
    cross join people
    left join eligibility on study_steps.rule = eligibility.rule and people.seqn = eligibility.seqn
    left join osteoporosis on study_steps.study = osteoporosis.study and people.seqn = osteoporosis.seqn
),

final as (
    select
        study,
        seqn,
        cycle,
        cast(coalesce(min(step) filter (where not is_met) - 1, max(step)) as integer) as last_step_passed,
        bool_and(is_met) as is_eligible
    from checked
    group by study, seqn, cycle
)

select * from final
