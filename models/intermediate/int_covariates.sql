with demographics as (
    select * from {{ ref('stg_demographics') }}
),

body_measures as (
    select * from {{ ref('stg_body_measures') }}
),

smoking as (
    select * from {{ ref('stg_smoking') }}
),

drinking as (
    select * from {{ ref('int_drinking') }}
),

physical_activity as (
    select
        *,
        [
            vigorous_work_code, moderate_work_code, walk_or_bicycle_code,
            vigorous_recreation_code, moderate_recreation_code
        ] as answers
    from {{ ref('stg_physical_activity') }}
),

diabetes as (
    select * from {{ ref('stg_diabetes') }}
),

blood_pressure as (
    select * from {{ ref('stg_blood_pressure') }}
),

osteoporosis as (
    select * from {{ ref('stg_osteoporosis') }}
),

final as (
    select
        demographics.seqn,
        demographics.cycle,

        -- demographics
        demographics.age_years,
        case
            when demographics.age_years >= 70 then '70 and over'
            when demographics.age_years >= 60 then '60-69'
            when demographics.age_years >= 50 then '50-59'
        end as age_group,
        coalesce(
            {{ answer_group('race_ethnicity', 'RIDRETH3', 'demographics.race_ethnicity_asian_code') }},
            {{ answer_group('race_ethnicity', 'RIDRETH1', 'demographics.race_ethnicity_code') }}
        ) as race_ethnicity,
        {{ answer_group('education', 'DMDEDUC2', 'demographics.education_code') }} as education,
        coalesce(
            {{ answer_group('marital_status', 'DMDMARTL', 'demographics.marital_status_six_code') }},
            {{ answer_group('marital_status', 'DMDMARTZ', 'demographics.marital_status_three_code') }}
        ) as marital_status,
        demographics.poverty_income_ratio,

        -- body
        body_measures.bmi,
        case
            when body_measures.bmi >= 30 then '30 and over'
            when body_measures.bmi >= 25 then '25-30'
            when body_measures.bmi > 0 then 'under 25'
        end as bmi_group,

        -- habits
        case smoking.smoked_100_cigarettes_code when 1 then true when 2 then false end as ever_smoked,
        case
            when smoking.smoked_100_cigarettes_code = 2 then 'never'
            when smoking.smoked_100_cigarettes_code = 1
                then {{ answer_group('smoking_now', 'SMQ040', 'smoking.smokes_now_code') }}
        end as smoking,
        coalesce(drinking.drinking_frequency_answered, false) as drinking_frequency_answered,
        drinking.drinking_days_per_year,
        drinking.drinking,
        case
            when list_contains(physical_activity.answers, 1) then 'active'
            when list_count(list_filter(physical_activity.answers, lambda answer: answer = 2)) = 5 then 'inactive'
        end as physical_activity,

        -- health
        {{ answer_group('diabetes', 'DIQ010', 'diabetes.diabetes_code') }} as diabetes,
        {{ answer_group('hypertension', 'BPQ020', 'blood_pressure.hypertension_code') }} as hypertension,
        case
            when osteoporosis.told_osteoporosis_code = 2 then false
            when osteoporosis.treated_osteoporosis_code in (1, 2) then osteoporosis.treated_osteoporosis_code = 1
        end as treated_osteoporosis,
        case osteoporosis.steroid_use_code when 1 then true when 2 then false end as steroid_use
    from demographics
    left join body_measures on demographics.seqn = body_measures.seqn
    left join smoking on demographics.seqn = smoking.seqn
    left join drinking on demographics.seqn = drinking.seqn
    left join physical_activity on demographics.seqn = physical_activity.seqn
    left join diabetes on demographics.seqn = diabetes.seqn
    left join blood_pressure on demographics.seqn = blood_pressure.seqn
    left join osteoporosis on demographics.seqn = osteoporosis.seqn
)

select * from final
