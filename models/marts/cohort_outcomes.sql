with cohort as (
    select * from {{ ref('cohort') }}
),

study_outcomes as (
    select * from {{ ref('study_outcomes') }}
),

outcome_facts as (
    select
        outcome,
        kind,
        site,
        case when value is not null then 'expression' when kind = 'binary' then 't_scores' else 'bmd' end as told_by
    from {{ ref('outcomes') }}
),

outcome_values as (
    select * from {{ ref('int_outcome_values') }}
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
        case outcome_facts.told_by
            when 'expression' then outcome_values.value
            when 't_scores' then cast(cohort.osteoporosis as double)
            else study_bmd.bmd
        end as value,
        study_bmd.t_score,
        {{ run_columns() }}
    from cohort
    inner join study_outcomes on cohort.study = study_outcomes.study
    inner join outcome_facts on study_outcomes.outcome = outcome_facts.outcome
    left join study_bmd
        on cohort.study = study_bmd.study and cohort.seqn = study_bmd.seqn and outcome_facts.site = study_bmd.site
    left join outcome_values
        on cohort.seqn = outcome_values.seqn and outcome_facts.outcome = outcome_values.outcome
    {{ join_labels('cohort', ['study']) }}
    {{ join_labels('outcome_facts', ['outcome']) }}
)

select * from final
where value is not null
order by study, outcome, seqn
