with plan as (
    select distinct study, people, exposure
    from {{ ref('int_sensitivity_plan') }}
),

studies as (
    select * from {{ ref('studies') }}
),

people as (
    select * from {{ ref('int_sensitivity_people') }}
),

exposures as (
    select * from {{ ref('int_exposures') }}
),

weights as (
    select * from {{ ref('int_weights') }}
),

measured as (
    select
        plan.study,
        plan.people,
        plan.exposure,
        people.seqn,
        exposures.value,
        exposures.ln_value,
        exposures.log2_value,
        exposures.weight as weight_name,
        weights.combined_weight as weight,
        studies.quantile_groups,
        studies.quantile_weighting
    from plan
    inner join studies on plan.study = studies.study
    inner join people on plan.study = people.study and plan.people = people.people
    inner join exposures on people.seqn = exposures.seqn and plan.exposure = exposures.exposure
    left join weights on people.seqn = weights.seqn and exposures.weight = weights.weight
    where exposures.value is not null
),

cut_points as (
    {{ cut_points('measured', ['study', 'people', 'exposure']) }}
),

cut_point_lists as (
    select
        study,
        people,
        exposure,
        list(cut_point order by cut_number) as cut_points
    from cut_points
    group by study, people, exposure
),

grouped as (
    select
        measured.*,
        {{ quantile_score('measured.value', 'cut_point_lists.cut_points') }} as quantile_score
    from measured
    inner join cut_point_lists
        on
            measured.study = cut_point_lists.study
            and measured.people = cut_point_lists.people
            and measured.exposure = cut_point_lists.exposure
),

final as (
    select
        study,
        people,
        exposure,
        seqn,
        ln_value,
        log2_value,
        quantile_score,
        median(value) over (partition by study, people, exposure, quantile_score) as quantile_median,
        weight_name,
        weight
    from grouped
)

select * from final
