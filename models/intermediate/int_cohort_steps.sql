{# How far each person gets through the rules of each study: the last step passed before the first failure. #}

with study_rules as (
    select * from {{ ref('study_cohort_rules') }}
),

eligibility as (
    select * from {{ ref('int_eligibility') }}
),

final as (
    select
        study_rules.study,
        eligibility.seqn,
        eligibility.cycle,
        coalesce(
            min(study_rules.step) filter (where not eligibility.is_met) - 1,
            max(study_rules.step)
        ) as last_step_passed,
        bool_and(eligibility.is_met) as is_eligible
    from study_rules
    inner join eligibility on study_rules.rule = eligibility.rule
    group by study_rules.study, eligibility.seqn, eligibility.cycle
)

select * from final
