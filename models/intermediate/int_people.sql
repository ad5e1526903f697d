{# Everything that a condition of a study may ask about a person, a column each. #}

{%- set exposures = compiled('exposures') | map(attribute='exposure') | list %}

with people as (
    select * from {{ ref('int_person_variables') }}
),

exposures as (
    select
        seqn
        {%- for exposure in exposures %},
        max(value) filter (where exposure = '{{ exposure }}') as "{{ exposure }}"
        {%- endfor %}
    from {{ ref('int_exposures') }}
    group by seqn
),

bmd as (
    select
        seqn
        {%- for site in bmd_sites() %},
        max(bmd) filter (where site = '{{ site }}') as {{ site }},
        max(bmd) filter (where site = '{{ site }}' and is_plausible) as plausible_{{ site }}
        {%- endfor %}
    from {{ ref('int_bmd') }}
    group by seqn
),

final as (
    select
        people.*,
        exposures.* exclude (seqn),
        bmd.* exclude (seqn)
    from people
    left join exposures on people.seqn = exposures.seqn
    left join bmd on people.seqn = bmd.seqn
)

select * from final
