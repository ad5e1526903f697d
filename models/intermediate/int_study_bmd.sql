{# The BMD and T-score that a study uses: its reference set, and its choice about implausible values. #}

with studies as (
    select * from {{ ref('studies') }}
),

bmd as (
    select * from {{ ref('int_bmd') }}
),

t_scores as (
    select * from {{ ref('int_t_scores') }}
),

final as (
    select
        studies.study,
        bmd.seqn,
        bmd.site,
        bmd.bmd,
        t_scores.t_score
    from studies
    inner join bmd on bmd.is_plausible or not coalesce(studies.plausible_bmd_only, true)
    left join t_scores
        on
            bmd.seqn = t_scores.seqn
            and bmd.site = t_scores.site
            and studies.reference_set = t_scores.reference_set
)

select * from final
