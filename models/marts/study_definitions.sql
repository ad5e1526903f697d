select
    -- which study
    study,
    title as study_title,
    study_order,

    -- by which rules
    description,
    reference_set,
    t_score_cutoff,
    cutoff_is_osteoporosis,
    plausible_bmd_only,
    quantile_groups,
    quantile_weighting,
    {{ run_columns() }}
from {{ ref('studies') }}
order by study_order
