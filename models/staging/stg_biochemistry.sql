with source as (
    select * from {{ source('nhanes', 'biopro') }}
),

renamed as (
    select
        cast(seqn as integer) as seqn,
        cycle,
        lbxsal as serum_albumin,
        lbxsapsi as serum_alkaline_phosphatase,
        lbxsca as serum_calcium,
        lbxsph as serum_phosphorus,
        lbxscr as serum_creatinine
    from source
)

select * from renamed
