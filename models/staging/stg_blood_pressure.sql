with source as (
    select * from {{ source('nhanes', 'bpq') }}
),

renamed as (
    select
        cast(seqn as integer) as seqn,
        cycle,
        {{ code('BPQ020') }} as hypertension_code,
        {{ label('BPQ020') }} as hypertension
    from source
)

select * from renamed
