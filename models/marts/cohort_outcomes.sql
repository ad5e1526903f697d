with cohort as (
    select * from {{ ref('cohort') }}
),

study_outcomes as (
    select * from {{ ref('study_outcomes') }}
),

outcome_facts as (
    -- osteoporosis is the only binary outcome that has values
    select * from {{ ref('outcomes') }}
    where kind = 'continuous' or outcome = 'osteoporosis'
),

study_bmd as (
    select * from {{ ref('int_study_bmd') }}
),

final as (
    select
        cohort.study,
        cohort.seqn,
        outcome_facts.outcome,
        {{ label_columns(['study', 'outcome']) }},
        outcome_facts.kind,
        case
            when outcome_facts.kind = 'binary' then cast(cohort.osteoporosis as double)
            else study_bmd.bmd
        end as value,
        study_bmd.t_score,
        {{ run_columns() }}
    from cohort
    inner join study_outcomes on cohort.study = study_outcomes.study
    inner join outcome_facts on study_outcomes.outcome = outcome_facts.outcome
    left join study_bmd
        on cohort.study = study_bmd.study and cohort.seqn = study_bmd.seqn and outcome_facts.site = study_bmd.site
    {{ join_labels('cohort', ['study']) }}
    {{ join_labels('outcome_facts', ['outcome']) }}
    where outcome_facts.kind = 'binary' or study_bmd.bmd is not null
)

select * from final
order by study, outcome, seqn
