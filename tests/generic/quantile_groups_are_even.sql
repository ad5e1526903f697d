{# No group is empty, and none is larger than its share by more than its ties explain. #}
{% test quantile_groups_are_even(model) %}

with groups as (
    select study, exposure, quantile_score, count(*) as n
    from {{ model }}
    group by study, exposure, quantile_score
),

sizes as (
    select study, exposure, max(tie_size) as largest_tie, sum(tie_size) as n
    from (
        select study, exposure, value, count(*) as tie_size
        from {{ model }}
        group by study, exposure, value
    )
    group by study, exposure
)

select
    groups.study,
    groups.exposure,
    groups.quantile_score,
    groups.n
from groups
inner join sizes on groups.study = sizes.study and groups.exposure = sizes.exposure
inner join {{ ref('studies') }} as studies on groups.study = studies.study
where
    studies.quantile_weighting = 'unweighted'
    and abs(groups.n - sizes.n / studies.quantile_groups) > sizes.largest_tie + 1

{% endtest %}
