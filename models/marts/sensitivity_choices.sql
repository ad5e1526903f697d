{# What each choice does: its share of the variance, and what changing it alone changes. #}

{% set labelled = ['study', 'outcome', 'exposure', 'choice'] %}

with shares as (
    select * from {{ ref('fit_sensitivity_choices') }}
),

specifications as (
    select * from {{ ref('sensitivity') }}
    where converged
),

plan as (
    select * from {{ ref('int_sensitivity_plan') }}
),

choices as (
    select * from {{ ref('choices') }}
),

levels as (
    select
        specifications.study,
        specifications.outcome,
        specifications.exposure,
        specifications.contrast,
        choices.choice,
        plan.levels[choices.choice] as level,
        array_to_string(
            list_filter(plan.departures, lambda departure: split_part(departure, '=', 1) != choices.choice), ', '
        ) as all_else,
        specifications.estimate,
        specifications.p_value < 0.05 as is_significant
    from specifications
    inner join plan
        on
            specifications.study = plan.study
            and specifications.outcome = plan.outcome
            and specifications.exposure = plan.exposure
            and specifications.specification = plan.specification
    cross join choices
),

pairs as (
    select
        one.study,
        one.outcome,
        one.exposure,
        one.contrast,
        one.choice,
        count(*) as pairs,
        median(abs(one.estimate - other.estimate)) as median_change,
        max(abs(one.estimate - other.estimate)) as largest_change,
        avg(cast(one.is_significant != other.is_significant as integer)) as share_changing_significance
    from levels as one
    inner join levels as other
        on
            one.study = other.study
            and one.outcome = other.outcome
            and one.exposure = other.exposure
            and one.contrast = other.contrast
            and one.choice = other.choice
            and one.all_else = other.all_else
            and one.level < other.level
    group by one.study, one.outcome, one.exposure, one.contrast, one.choice
),

final as (
    select
        shares.study,
        shares.outcome,
        shares.exposure,
        shares.contrast,
        shares.choice,
        {{ label_columns(labelled) }},
        cast(shares.levels as integer) as levels,
        cast(shares.specifications as integer) as specifications,
        shares.share_of_variance,
        shares.share_explained,
        cast(coalesce(pairs.pairs, 0) as integer) as pairs,
        pairs.median_change,
        pairs.largest_change,
        pairs.share_changing_significance,
        {{ run_columns() }}
    from shares
    left join pairs
        on
            shares.study = pairs.study
            and shares.outcome = pairs.outcome
            and shares.exposure = pairs.exposure
            and shares.contrast = pairs.contrast
            and shares.choice = pairs.choice
    {{ join_labels('shares', labelled) }}
)

select * from final
order by study, outcome, exposure, contrast, choice_order
