with steps as (
    select * from {{ ref('int_cohort_steps') }}
),

osteoporosis as (
    select * from {{ ref('int_study_osteoporosis') }}
),

participants as (
    select * from {{ ref('participants') }}
),

exposures as (
    select
        seqn,
        {% for exposure in ['Pb', 'Cd', 'Hg', 'Se', 'Mn'] -%}
        max(value) filter (where exposure = '{{ exposure }}') as {{ exposure | lower }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ ref('int_exposures') }}
    group by seqn
),

bmd as (
    select
        study,
        seqn,
        {% for site in ['total_femur', 'femoral_neck', 'trochanter', 'intertrochanter', 'total_spine'] -%}
        max(bmd) filter (where site = '{{ site }}') as bmd_{{ site }},
        max(t_score) filter (where site = '{{ site }}') as t_score_{{ site }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ ref('int_study_bmd') }}
    group by study, seqn
),

final as (
    select
        steps.study,
        steps.seqn,
        {{ label_columns(['study']) }},
        steps.cycle,

        -- survey design
        participants.strata,
        participants.psu,
        participants.exam_weight,
        participants.blood_metals_weight,

        -- outcome
        osteoporosis.osteoporosis,
        osteoporosis.lowest_t_score,
        bmd.* exclude (study, seqn),

        -- exposures
        exposures.* exclude (seqn),

        -- covariates
        participants.age_years,
        participants.age_group,
        participants.race_ethnicity,
        participants.education,
        participants.marital_status,
        participants.poverty_income_ratio,
        participants.bmi,
        participants.bmi_group,
        participants.ever_smoked,
        participants.smoking,
        participants.drinking_days_per_year,
        participants.drinking,
        participants.physical_activity,
        participants.diabetes,
        participants.hypertension,
        participants.treated_osteoporosis,
        participants.steroid_use,
        {{ run_columns() }}
    from steps
    left join osteoporosis on steps.study = osteoporosis.study and steps.seqn = osteoporosis.seqn
    inner join participants on steps.seqn = participants.seqn
    left join exposures on steps.seqn = exposures.seqn
    left join bmd on steps.study = bmd.study and steps.seqn = bmd.seqn
    {{ join_labels('steps', ['study']) }}
    where steps.is_eligible
)

select * from final
order by study, seqn
