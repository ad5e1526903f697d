{# Where the curves may bend: unweighted type-7 percentiles of the exposure in the study's cohort. #}

{% set labelled = ['study', 'exposure'] %}

with exposures as (
    select * from {{ ref('cohort_exposures') }}
),

knots as (
    select * from {{ ref('spline_knots') }}
),

sorted as (
    select
        study,
        exposure,
        list(ln_value order by ln_value) as ln_values
    from exposures
    group by study, exposure
),

positions as (
    select
        sorted.*,
        knots.knot,
        knots.percentile,
        1 + (len(sorted.ln_values) - 1) * knots.percentile / 100 as at_position
    from sorted
    cross join knots
),

neighbours as (
    select
        *,
        ln_values[cast(floor(at_position) as integer)] as lower_value,
        ln_values[cast(ceil(at_position) as integer)] as upper_value
    from positions
),

placed as (
    select
        *,
        lower_value + (upper_value - lower_value) * (at_position - floor(at_position)) as ln_value
    from neighbours
),

final as (
    select
        placed.study,
        placed.exposure,
        placed.knot,
        {{ label_columns(labelled) }},
        placed.percentile,
        exp(placed.ln_value) as exposure_value,
        placed.ln_value,
        {{ run_columns() }}
    from placed
    {{ join_labels('placed', labelled) }}
)

select * from final
order by study, exposure, knot
