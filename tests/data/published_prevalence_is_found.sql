{#
    The outside check: weighted prevalence of osteoporosis and low bone mass among women of 50 and over with a
    neck BMD and at least two valid vertebrae, within two published standard errors, from the same number of
    women. Synthetic data are not held to it.
#}

with people as (
    select
        demographics.seqn,
        demographics.cycle,
        demographics.exam_weight
    from {{ ref('stg_demographics') }} as demographics
    inner join {{ ref('int_bmd') }} as neck on demographics.seqn = neck.seqn and neck.site = 'femoral_neck'
    inner join {{ ref('int_bmd') }} as spine
        on demographics.seqn = spine.seqn and spine.site = 'spine_valid_vertebrae'
    where demographics.sex = 'Female' and demographics.age_years >= 50
),

found as (
    select
        published.estimate,
        published.published_percent,
        published.published_standard_error,
        published.published_n,
        count(scores.seqn) as n,
        100 * sum(people.exam_weight) filter (
            scores.t_score > published.lowest_t_score and scores.t_score <= published.highest_t_score
        ) / sum(people.exam_weight) as percent
    from {{ ref('published_prevalence') }} as published
    left join people on published.cycle = people.cycle
    left join {{ ref('int_t_scores') }} as scores
        on
            people.seqn = scores.seqn
            and published.site = scores.site
            and published.reference_set = scores.reference_set
    group by all
)

select found.*
from found
where
    (select bool_and(source = 'nhanes') from {{ ref('stg_nhanes_files') }})
    and (
        found.n != found.published_n
        or found.percent is null
        or abs(found.percent - found.published_percent) > 2 * found.published_standard_error
    )
