with studies as (
    select * from {{ ref('studies') }}
),

study_sites as (
    select
        *,
        count(*) over (partition by study) as sites_needed
    from {{ ref('study_osteoporosis_sites') }}
),

study_bmd as (
    select * from {{ ref('int_study_bmd') }}
),

judged as (
    select
        studies.study,
        study_bmd.seqn,
        {{ osteoporosis(
            'study_bmd.t_score', 'studies.t_score_cutoff', 'studies.cutoff_is_osteoporosis', 'study_sites.sites_needed'
        ) }} as osteoporosis,
        min(study_bmd.t_score) as lowest_t_score
    from studies
    inner join study_sites on studies.study = study_sites.study
    inner join study_bmd on study_sites.study = study_bmd.study and study_sites.site = study_bmd.site
    group by studies.study, study_bmd.seqn
),

final as (
    select * from judged
    where osteoporosis is not null
)

select * from final
