with source as (
    select * from {{ source('nhanes', 'smq') }}
),

renamed as (
    select
        cast(seqn as integer) as seqn,
        cycle,
        {{ code('SMQ020') }} as smoked_100_cigarettes_code,
        {{ label('SMQ020') }} as smoked_100_cigarettes,
        {{ code('SMQ040') }} as smokes_now_code,
        {{ label('SMQ040') }} as smokes_now
    from source
)

select * from renamed
