{# Strata and primary sampling units per release as CDC documents them; pooled: 39 strata, 79 psus, 40 df. #}
{% test design_as_documented(model) %}

with found as (
    select
        cycle,
        count(distinct strata) as found_strata,
        count(distinct (strata, psu)) as found_psus
    from {{ model }}
    group by cycle
)

select *
from found
left join {{ ref('nhanes_cycle_facts') }} as facts on found.cycle = facts.cycle
where
    found.found_strata is distinct from facts.strata
    or found.found_psus is distinct from facts.psus

{% endtest %}
