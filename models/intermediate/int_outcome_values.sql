{# Outcomes that are an expression over a person. #}

with people as (
    select * from {{ ref('int_people') }}
),

outcomes as (
    select outcome from {{ ref('outcomes') }}
),

final as (
    {% for outcome in compiled('outcomes') if outcome.value -%}
    select
        people.seqn,
        '{{ outcome.outcome }}' as outcome,
        cast((
            {{ outcome.value }}
        ) as double) as value
    from people
    union all
    {% endfor -%}
    -- without such an outcome
    select people.seqn, outcomes.outcome, cast(null as double) as value
    from people
    inner join outcomes on false
)

select * from final
where value is not null
