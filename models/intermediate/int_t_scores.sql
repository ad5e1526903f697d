with bmd as (
    select * from {{ ref('int_bmd') }}
),

bmd_references as (
    select * from {{ ref('bmd_references') }}
),

final as (
    select
        bmd.seqn,
        bmd.cycle,
        bmd_references.reference_set,
        bmd.site,
        bmd.bmd,
        bmd.is_plausible,
        {{ t_score('bmd.bmd', 'bmd_references.mean', 'bmd_references.sd') }} as t_score
    from bmd
    inner join bmd_references on bmd.site = bmd_references.site
)

select * from final
