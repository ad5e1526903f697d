{# Every primary sampling unit of the sample, by the weight that an exposure calls for. #}

with demographics as (
    select * from {{ ref('stg_demographics') }}
),

weights as (
    select * from {{ ref('int_weights') }}
),

final as (
    select distinct
        weights.weight as weight_name,
        demographics.strata,
        demographics.psu
    from weights
    inner join demographics on weights.seqn = demographics.seqn
    where weights.combined_weight > 0
)

select * from final
