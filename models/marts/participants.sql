with demographics as (
    select * from {{ ref('stg_demographics') }}
),

covariates as (
    select * from {{ ref('int_covariates') }}
),

menopause as (
    select * from {{ ref('int_menopause') }}
),

weights as (
    select
        seqn,
        max(combined_weight) filter (where weight = 'interview') as interview_weight,
        max(combined_weight) filter (where weight = 'exam') as exam_weight,
        max(combined_weight) filter (where weight = 'blood_metals') as blood_metals_weight
    from {{ ref('int_weights') }}
    group by seqn
),

eligibility as (
    select
        seqn,
        map_from_entries(list((rule, is_met) order by rule)) as eligibility
    from {{ ref('int_eligibility') }}
    group by seqn
),

studies as (
    select
        seqn,
        list(study order by study) as studies
    from {{ ref('int_cohort_steps') }}
    where is_eligible
    group by seqn
),

final as (
    select
        demographics.seqn,
        demographics.cycle,

        -- survey design
        demographics.strata,
        demographics.psu,
        weights.interview_weight,
        weights.exam_weight,
        weights.blood_metals_weight,

        -- person
        demographics.exam_status_code = 2 as is_examined,
        demographics.sex,
        covariates.age_years,
        covariates.age_group,
        covariates.race_ethnicity,
        covariates.education,
        covariates.marital_status,
        covariates.poverty_income_ratio,
        covariates.bmi,
        covariates.bmi_group,
        covariates.ever_smoked,
        covariates.smoking,
        covariates.drinking_days_per_year,
        covariates.drinking,
        covariates.physical_activity,
        covariates.diabetes,
        covariates.hypertension,
        covariates.treated_osteoporosis,
        covariates.steroid_use,
        menopause.menopause_or_hysterectomy,
        menopause.menopause_natural,

        -- eligibility
        eligibility.eligibility,
        coalesce(studies.studies, []) as studies,
        {{ run_columns() }}
    from demographics
    left join weights on demographics.seqn = weights.seqn
    left join covariates on demographics.seqn = covariates.seqn
    left join menopause on demographics.seqn = menopause.seqn
    left join eligibility on demographics.seqn = eligibility.seqn
    left join studies on demographics.seqn = studies.seqn
)

select * from final
order by seqn
