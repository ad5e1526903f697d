{# A femur BMD needs DXAFMRST = 1; a total spine BMD needs all four vertebrae valid (DXASPNST = 1). #}

select bmd.seqn, bmd.site
from {{ ref('int_bmd') }} as bmd
left join {{ ref('stg_dxa_femur') }} as femur on bmd.seqn = femur.seqn
left join {{ ref('stg_dxa_spine') }} as spine on bmd.seqn = spine.seqn
where
    (
        bmd.site in ('total_femur', 'femoral_neck', 'trochanter', 'intertrochanter', 'wards_triangle')
        and femur.femur_scan_status_code is distinct from 1
    )
    or (bmd.site = 'total_spine' and spine.spine_scan_status_code is distinct from 1)
