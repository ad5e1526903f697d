with source as (
    select * from {{ source('nhanes', 'dxxfem') }}
),

renamed as (
    select
        cast(seqn as integer) as seqn,
        cycle,
        {{ code('DXAFMRST') }} as femur_scan_status_code,
        {{ label('DXAFMRST') }} as femur_scan_status,
        {{ code('DXXFMBCC') }} as femur_invalidity_code,
        {{ label('DXXFMBCC') }} as femur_invalidity,
        coalesce(dxafmrst = 1, false) as femur_scan_valid,

        -- bone mineral density
        dxxofbmd as total_femur,
        dxxnkbmd as femoral_neck,
        dxxtrbmd as trochanter,
        dxxinbmd as intertrochanter,
        dxxwdbmd as wards_triangle
    from source
)

select * from renamed
