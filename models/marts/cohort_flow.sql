with study_steps as (
    select * from {{ ref('int_study_steps') }}
),

people as (
    select
        steps.study,
        steps.seqn,
        steps.cycle,
        steps.last_step_passed,
        coalesce(osteoporosis.osteoporosis, false) as osteoporosis
    from {{ ref('int_cohort_steps') }} as steps
    left join {{ ref('int_study_osteoporosis') }} as osteoporosis
        on steps.study = osteoporosis.study and steps.seqn = osteoporosis.seqn
),

described_steps as (
    select * from study_steps
    union all
    select distinct
        study,
        0 as step,
        'participants' as rule,
        'All participants of the loaded releases' as description
    from study_steps
),

groups as (
    select study, seqn, last_step_passed, osteoporosis, cycle
    from people
    union all
    select study, seqn, last_step_passed, osteoporosis, 'all' as cycle
    from people
),

counted as (
    select
        described_steps.study,
        groups.cycle,
        described_steps.step,
        described_steps.rule,
        described_steps.description,
        count(*) filter (where groups.last_step_passed >= described_steps.step) as n,
        count(*) filter (where groups.last_step_passed >= described_steps.step and groups.osteoporosis)
            as osteoporosis_cases
    from described_steps
    inner join groups on described_steps.study = groups.study
    group by all
),

final as (
    select
        counted.study,
        counted.cycle,
        cast(counted.step as integer) as step,
        {{ label_columns(['study']) }},
        counted.rule,
        counted.description,
        counted.n,
        coalesce(lag(counted.n) over (partition by counted.study, counted.cycle order by counted.step) - counted.n, 0)
            as excluded,
        counted.osteoporosis_cases,
        {{ run_columns() }}
    from counted
    {{ join_labels('counted', ['study']) }}
)

select * from final
order by study, cycle, step
