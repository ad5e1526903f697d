{% set labelled = ['study', 'exposure'] %}

with measured as (
    select
        steps.study,
        steps.seqn,
        exposures.exposure,
        exposures.value,
        weights.combined_weight as weight,
        studies.quantile_groups,
        studies.quantile_weighting
    from {{ ref('int_cohort_steps') }} as steps
    inner join {{ ref('studies') }} as studies on steps.study = studies.study
    inner join {{ ref('study_exposures') }} as study_exposures on steps.study = study_exposures.study
    inner join {{ ref('int_exposures') }} as exposures
        on steps.seqn = exposures.seqn and study_exposures.exposure = exposures.exposure
    left join {{ ref('int_weights') }} as weights
        on exposures.seqn = weights.seqn and exposures.weight = weights.weight
    where steps.is_eligible and exposures.value is not null
),

cut_points as (
    {{ cut_points('measured', ['study', 'exposure']) }}
),

final as (
    select
        cut_points.study,
        cut_points.exposure,
        cast(cut_points.cut_number as integer) as cut_number,
        {{ label_columns(labelled) }},
        cut_points.cut_point,
        {{ run_columns() }}
    from cut_points
    {{ join_labels('cut_points', labelled) }}
)

select * from final
order by study, exposure, cut_number
