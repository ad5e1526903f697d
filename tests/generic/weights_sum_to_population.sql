{# The weights of one release stand for its population, within 2 %; blood metals for ages 1 and over. #}
{% test weights_sum_to_population(model) %}

with weights as (
    select * from {{ ref('int_weights') }}
),

found as (
    select
        weights.cycle,
        weights.weight,
        sum(weights.released_weight) as population
    from weights
    inner join {{ model }} as participants on weights.seqn = participants.seqn
    group by weights.cycle, weights.weight
),

-- pooled, each release counts by its share of the years
expected_pooled as (
    select sum(found.population * cycles.years) / sum(cycles.years) as population
    from found
    inner join {{ ref('nhanes_cycles') }} as cycles on found.cycle = cycles.cycle
    where found.weight = 'exam'
),

pooled as (
    select sum(exam_weight) as population from {{ model }}
)

select
    found.cycle,
    found.weight,
    found.population,
    facts.population as expected
from found
inner join {{ ref('nhanes_cycle_facts') }} as facts on found.cycle = facts.cycle
where
    (found.weight in ('interview', 'exam') and abs(found.population / facts.population - 1) > 0.02)
    or (found.weight = 'blood_metals' and found.population / facts.population not between 0.95 and 1.02)
union all
select
    'all' as cycle,
    'exam' as weight,
    pooled.population,
    expected_pooled.population as expected
from pooled
cross join expected_pooled
where abs(pooled.population / expected_pooled.population - 1) > 1e-9

{% endtest %}
