with source as (
    select * from {{ source('nhanes', 'pbcd') }}
),

renamed as (
    select
        cast(seqn as integer) as seqn,
        cycle,

        -- concentrations as CDC stores them, non-detects filled in by CDC
        lbxbpb as blood_lead,
        lbxbcd as blood_cadmium,
        lbxthg as blood_mercury,
        lbxbse as blood_selenium,
        lbxbmn as blood_manganese,

        -- 1 = below the limit of detection
        {{ code('LBDBPBLC') }} as blood_lead_comment_code,
        {{ label('LBDBPBLC') }} as blood_lead_comment,
        {{ code('LBDBCDLC') }} as blood_cadmium_comment_code,
        {{ label('LBDBCDLC') }} as blood_cadmium_comment,
        {{ code('LBDTHGLC') }} as blood_mercury_comment_code,
        {{ label('LBDTHGLC') }} as blood_mercury_comment,
        {{ code('LBDBSELC') }} as blood_selenium_comment_code,
        {{ label('LBDBSELC') }} as blood_selenium_comment,
        {{ code('LBDBMNLC') }} as blood_manganese_comment_code,
        {{ label('LBDBMNLC') }} as blood_manganese_comment,

        wtsh2yr as blood_metals_subsample_weight
    from source
)

select * from renamed
