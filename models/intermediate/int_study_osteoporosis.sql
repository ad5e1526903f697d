with studies as (
    select * from {{ ref('studies') }}
),

study_sites as (
    select * from {{ ref('study_osteoporosis_sites') }}
),

study_bmd as (
    select * from {{ ref('int_study_bmd') }}
),

final as (
    select
        studies.study,
        study_bmd.seqn,
        bool_or(
            study_bmd.t_score < studies.t_score_cutoff
            or (studies.cutoff_is_osteoporosis and study_bmd.t_score = studies.t_score_cutoff)
        ) as osteoporosis,
        min(study_bmd.t_score) as lowest_t_score,
        count(*) as site_count
    from studies
    inner join study_sites on studies.study = study_sites.study
    inner join study_bmd on study_sites.study = study_bmd.study and study_sites.site = study_bmd.site
    where study_bmd.t_score is not null
    group by studies.study, study_bmd.seqn
)

select * from final
