{% set labelled = ['study', 'outcome', 'exposure', 'choice', 'level'] %}

with specifications as (
    select * from {{ ref('sensitivity') }}
),

study_choices as (
    select * from {{ ref('study_choices') }}
),

by_choice as (
    unpivot specifications
    on
        menopause, exclusion, covariates_required, scans, plausibility, bone_sites, reference_set, cutoff,
        missing_covariates, covariate_set, weighting, exposure_form
    into name choice value level
),

summarised as (
    select
        by_choice.study,
        by_choice.outcome,
        by_choice.exposure,
        by_choice.contrast,
        by_choice.choice,
        by_choice.level,
        count(*) as specifications,
        count(*) filter (where not by_choice.converged) as not_estimated,
        median(by_choice.estimate) as median_estimate,
        min(by_choice.estimate) as lowest_estimate,
        max(by_choice.estimate) as highest_estimate,
        case when bool_or(by_choice.ratio is not null) then exp(median(by_choice.estimate)) end as median_ratio,
        avg(cast(by_choice.p_value < 0.05 as integer)) as share_significant,
        avg(cast(by_choice.estimate > 0 as integer)) as share_positive
    from by_choice
    group by
        by_choice.study, by_choice.outcome, by_choice.exposure, by_choice.contrast, by_choice.choice, by_choice.level
),

final as (
    select
        summarised.study,
        summarised.outcome,
        summarised.exposure,
        summarised.contrast,
        summarised.choice,
        summarised.level,
        {{ label_columns(labelled) }},
        summarised.level = study_choices.level as is_published,
        cast(summarised.specifications as integer) as specifications,
        cast(summarised.not_estimated as integer) as not_estimated,
        summarised.median_estimate,
        summarised.lowest_estimate,
        summarised.highest_estimate,
        summarised.median_ratio,
        summarised.share_significant,
        summarised.share_positive,
        {{ run_columns() }}
    from summarised
    inner join study_choices
        on summarised.study = study_choices.study and summarised.choice = study_choices.choice
    {{ join_labels('summarised', labelled) }}
)

select * from final
order by study, outcome, exposure, contrast, choice_order, level_order
