with source as (
    select * from {{ source('nhanes', 'bmx') }}
),

renamed as (
    select
        cast(seqn as integer) as seqn,
        cycle,
        {{ code('BMDSTATS') }} as body_measures_status_code,
        {{ label('BMDSTATS') }} as body_measures_status,
        bmxwt as weight_kg,
        bmxht as height_cm,
        bmxbmi as bmi,
        bmxwaist as waist_cm
    from source
)

select * from renamed
