{% set labelled = ['study', 'exposure'] %}

with cohort as (
    select study, seqn, cycle
    from {{ ref('cohort') }}
),

study_exposures as (
    select * from {{ ref('study_exposures') }}
),

exposures as (
    select * from {{ ref('int_exposures') }}
),

weights as (
    select * from {{ ref('int_weights') }}
),

cut_points as (
    select
        study,
        exposure,
        list(cut_point order by cut_number) as cut_points
    from {{ ref('exposure_cut_points') }}
    group by study, exposure
),

grouped as (
    select
        cohort.study,
        cohort.seqn,
        exposures.exposure,
        exposures.value,
        exposures.ln_value,
        exposures.log2_value,
        exposures.below_detection,
        exposures.weight as weight_name,
        weights.combined_weight as weight,
        {{ quantile_score('exposures.value', 'cut_points.cut_points') }} as quantile_score
    from cohort
    inner join study_exposures on cohort.study = study_exposures.study
    inner join exposures
        on cohort.seqn = exposures.seqn and study_exposures.exposure = exposures.exposure
    inner join cut_points
        on cohort.study = cut_points.study and exposures.exposure = cut_points.exposure
    left join weights on cohort.seqn = weights.seqn and exposures.weight = weights.weight
    where exposures.value is not null
),

final as (
    select
        grouped.study,
        grouped.seqn,
        grouped.exposure,
        {{ label_columns(labelled) }},
        grouped.value,
        grouped.ln_value,
        grouped.log2_value,
        grouped.below_detection,
        grouped.weight_name,
        grouped.weight,
        grouped.quantile_score,
        median(grouped.value) over (partition by grouped.study, grouped.exposure, grouped.quantile_score)
            as quantile_median,
        {{ run_columns() }}
    from grouped
    {{ join_labels('grouped', labelled) }}
)

select * from final
order by study, exposure, seqn
