{#
    Unweighted: type-7 quantiles, as R's default, numpy's and DuckDB's quantile_cont, written out because the
    number of groups is a study's choice. Survey: the smallest value at which the cumulative share of the
    weights reaches the probability. With many equal values several cut points are equal; a group between two
    equal ones is empty, and the others keep their names.
#}

with studies as (
    select * from {{ ref('studies') }}
),

measured as (
    select
        steps.study,
        exposures.exposure,
        exposures.value,
        weights.combined_weight as weight,
        row_number() over (
            partition by steps.study, exposures.exposure
            order by exposures.value, steps.seqn
        ) - 1 as position,
        count(*) over (partition by steps.study, exposures.exposure) as n
    from {{ ref('int_cohort_steps') }} as steps
    inner join {{ ref('study_exposures') }} as study_exposures on steps.study = study_exposures.study
    inner join {{ ref('int_exposures') }} as exposures
        on steps.seqn = exposures.seqn and study_exposures.exposure = exposures.exposure
    left join {{ ref('int_weights') }} as weights
        on exposures.seqn = weights.seqn and exposures.weight = weights.weight
    where steps.is_eligible and exposures.value is not null
),

shares as (
    select
        *,
        sum(weight) over (partition by study, exposure order by position)
        / sum(weight) over (partition by study, exposure) as weight_share
    from measured
),

probabilities as (
    select
        study,
        quantile_weighting,
        cut_number,
        cut_number / quantile_groups as probability
    from (select *, unnest(generate_series(1, quantile_groups - 1)) as cut_number from studies) as numbered
),

cut_points as (
    select
        shares.study,
        shares.exposure,
        probabilities.cut_number,
        case
            when probabilities.quantile_weighting = 'survey'
                then min(shares.value) filter (where shares.weight_share >= probabilities.probability - 1e-12)
            else
                -- lower + (upper - lower) * share: exact where the two are tied
                max(shares.value) filter (where shares.position = floor((shares.n - 1) * probabilities.probability))
                + (
                    max(shares.value) filter (where shares.position = ceil((shares.n - 1) * probabilities.probability))
                    - max(shares.value) filter (
                        where shares.position = floor((shares.n - 1) * probabilities.probability)
                    )
                ) * ((max(shares.n - 1) * probabilities.probability) % 1)
        end as cut_point
    from shares
    inner join probabilities on shares.study = probabilities.study
    group by
        shares.study, shares.exposure, probabilities.cut_number, probabilities.probability,
        probabilities.quantile_weighting
),

final as (
    select
        study,
        exposure,
        cast(cut_number as integer) as cut_number,
        cut_point,
        {{ run_columns() }}
    from cut_points
)

select * from final
order by study, exposure, cut_number
