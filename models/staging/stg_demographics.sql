with source as (
    select * from {{ source('nhanes', 'demo') }}
),

renamed as (
    select
        -- person
        cast(seqn as integer) as seqn,
        cycle,
        {{ code('RIDSTATR') }} as exam_status_code,
        {{ label('RIDSTATR') }} as exam_status,
        {{ code('RIAGENDR') }} as sex_code,
        {{ label('RIAGENDR') }} as sex,
        cast(ridageyr as integer) as age_years,
        {{ code('RIDRETH1') }} as race_ethnicity_code,
        {{ label('RIDRETH1') }} as race_ethnicity,
        {{ code('RIDRETH3') }} as race_ethnicity_asian_code,
        {{ label('RIDRETH3') }} as race_ethnicity_asian,
        {{ code('RIDEXPRG') }} as pregnancy_code,
        {{ label('RIDEXPRG') }} as pregnancy,

        -- household
        {{ code('DMDEDUC2') }} as education_code,
        {{ label('DMDEDUC2') }} as education,
        {{ code('DMDMARTL') }} as marital_status_six_code,
        {{ label('DMDMARTL') }} as marital_status_six,
        {{ code('DMDMARTZ') }} as marital_status_three_code,
        {{ label('DMDMARTZ') }} as marital_status_three,
        indfmpir as poverty_income_ratio,

        -- survey design
        cast(sdmvstra as integer) as strata,
        cast(sdmvpsu as integer) as psu,
        wtint as interview_weight,
        wtmec as exam_weight
    from source
)

select * from renamed
