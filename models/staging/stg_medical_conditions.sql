with source as (
    select * from {{ source('nhanes', 'mcq') }}
),

renamed as (
    select
        cast(seqn as integer) as seqn,
        cycle,
        {{ code('MCQ160A') }} as arthritis_code,
        {{ label('MCQ160A') }} as arthritis,
        {{ code('MCQ160C') }} as coronary_heart_disease_code,
        {{ label('MCQ160C') }} as coronary_heart_disease,
        {{ code('MCQ160E') }} as heart_attack_code,
        {{ label('MCQ160E') }} as heart_attack,
        {{ code('MCQ160F') }} as stroke_code,
        {{ label('MCQ160F') }} as stroke,
        {{ code('MCQ160L') }} as liver_condition_code,
        {{ label('MCQ160L') }} as liver_condition,
        {{ code('MCQ160M') }} as thyroid_problem_code,
        {{ label('MCQ160M') }} as thyroid_problem,
        {{ code('MCQ220') }} as cancer_code,
        {{ label('MCQ220') }} as cancer
    from source
)

select * from renamed
