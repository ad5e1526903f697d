{# Monotone, excluded is the difference, releases add up to all, and the last step is the cohort. #}
{% test flow_adds_up(model) %}

with flow as (
    select
        *,
        lag(n) over (partition by study, cycle order by step) as before,
        max(step) over (partition by study) as last_step
    from {{ model }}
),

cohort as (
    select
        study,
        cycle,
        count(*) as n,
        count(*) filter (where osteoporosis) as cases
    from {{ ref('cohort') }}
    group by study, cycle
)

select study, cycle, step, 'not monotone, or excluded is not the difference' as problem
from flow
where n > before or excluded != coalesce(before - n, 0)
union all
select study, 'all' as cycle, step, 'releases do not add up to all' as problem
from flow
group by study, step
having
    sum(n) filter (where cycle != 'all') != sum(n) filter (where cycle = 'all')
    or sum(osteoporosis_cases) filter (where cycle != 'all') != sum(osteoporosis_cases) filter (where cycle = 'all')
union all
select flow.study, flow.cycle, flow.step, 'the last step is not the cohort' as problem
from flow
left join cohort on flow.study = cohort.study and flow.cycle = cohort.cycle
where
    flow.step = flow.last_step
    and flow.cycle != 'all'
    and (flow.n != coalesce(cohort.n, 0) or flow.osteoporosis_cases != coalesce(cohort.cases, 0))

{% endtest %}
