with femur as (
    select * from {{ ref('stg_dxa_femur') }}
),

spine as (
    select * from {{ ref('stg_dxa_spine') }}
),

sites as (
    select * from {{ ref('bmd_sites') }}
),

vertebrae as (
    {% for vertebra in ['l1', 'l2', 'l3', 'l4'] -%}
    select seqn, cycle, {{ vertebra }}_bmc as bmc, {{ vertebra }}_area as area
    from spine
    where {{ vertebra }}_invalidity_code = 0 and {{ vertebra }}_area > 0
    {{ "union all" if not loop.last }}
    {% endfor %}
),

valid_vertebrae as (
    select
        seqn,
        cycle,
        {{ exact_sum('bmc') }} / {{ exact_sum('area') }} as spine_valid_vertebrae
    from vertebrae
    group by seqn, cycle
    having count(*) >= 2
),

measured as (
    unpivot (
        select seqn, cycle, total_femur, femoral_neck, trochanter, intertrochanter, wards_triangle
        from femur
        where femur_scan_valid
    ) on columns(* exclude (seqn, cycle)) into name site value bmd
    union all
    select seqn, cycle, 'total_spine' as site, total_spine as bmd
    from spine
    where spine_scan_valid and total_spine is not null
    union all
    select seqn, cycle, 'spine_valid_vertebrae' as site, spine_valid_vertebrae as bmd
    from valid_vertebrae
),

final as (
    select
        measured.seqn,
        measured.cycle,
        measured.site,
        measured.bmd,
        measured.bmd between sites.lowest_plausible and sites.highest_plausible as is_plausible
    from measured
    inner join sites on measured.site = sites.site
)

select * from final
