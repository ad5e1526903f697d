{#
    2013-2014: everyone with blood metals has the subsample weight, its zeros kept, and nobody else has one.
    2017-2020: everyone has the examination weight.
#}

with weights as (
    select * from {{ ref('int_weights') }}
    where weight = 'blood_metals'
),

metals as (
    select * from {{ ref('stg_blood_metals') }}
),

demographics as (
    select * from {{ ref('stg_demographics') }}
)

select demographics.seqn, weights.released_weight
from demographics
left join weights on demographics.seqn = weights.seqn
left join metals on demographics.seqn = metals.seqn
where
    (
        demographics.cycle = '2013-2014'
        and weights.released_weight is distinct from metals.blood_metals_subsample_weight
    )
    or (demographics.cycle = '2017-2020' and weights.released_weight is distinct from demographics.exam_weight)
