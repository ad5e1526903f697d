{# The rules of each study in order, and the last step where osteoporosis is looked for: it can be told. #}

with study_rules as (
    select * from {{ ref('study_cohort_rules') }}
),

rules as (
    select * from {{ ref('cohort_rules') }}
),

final as (
    select
        study_rules.study,
        study_rules.step,
        study_rules.rule,
        rules.description
    from study_rules
    inner join rules on study_rules.rule = rules.rule
    union all
    select
        study,
        max(step) + 1 as step,
        'osteoporosis_known' as rule,
        'Osteoporosis can be told: a T-score at all of the sites of the study' as description
    from study_rules
    where study in (select sites.study from {{ ref('study_osteoporosis_sites') }} as sites)
    group by study
)

select * from final
