with source as (
    select * from {{ source('nhanes', 'dxxspn') }}
),

renamed as (
    select
        cast(seqn as integer) as seqn,
        cycle,
        {{ code('DXASPNST') }} as spine_scan_status_code,
        {{ label('DXASPNST') }} as spine_scan_status,
        {{ code('DXXOSBCC') }} as spine_invalidity_code,
        {{ label('DXXOSBCC') }} as spine_invalidity,
        coalesce(dxaspnst = 1, false) as spine_scan_valid,

        -- all four lumbar vertebrae
        dxxosbmd as total_spine,
        dxxosbmc as total_spine_bmc,
        dxxosa as total_spine_area,

        -- one vertebra each: bone mineral density, content and area
        {% for vertebra in ['L1', 'L2', 'L3', 'L4'] -%}
        {{ code('DXX' ~ vertebra ~ 'BCC') }} as {{ vertebra | lower }}_invalidity_code,
        {{ label('DXX' ~ vertebra ~ 'BCC') }} as {{ vertebra | lower }}_invalidity,
        dxx{{ vertebra | lower }}bmd as {{ vertebra | lower }}_bmd,
        dxx{{ vertebra | lower }}bmc as {{ vertebra | lower }}_bmc,
        dxx{{ vertebra | lower }}a as {{ vertebra | lower }}_area{{ "," if not loop.last }}
        {% endfor %}
    from source
)

select * from renamed
