{# A study with the plausibility rule holds no implausible BMD, and one exists for it to remove. #}

select study_bmd.study, study_bmd.seqn, study_bmd.site
from {{ ref('int_study_bmd') }} as study_bmd
inner join {{ ref('studies') }} as studies on study_bmd.study = studies.study
inner join {{ ref('int_bmd') }} as bmd on study_bmd.seqn = bmd.seqn and study_bmd.site = bmd.site
where studies.plausible_bmd_only and not bmd.is_plausible
