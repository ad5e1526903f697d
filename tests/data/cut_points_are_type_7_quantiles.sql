{# The cut points written out for any number of groups equal DuckDB's own type-7 quantiles for quartiles. #}

with expected as (
    select
        study,
        exposure,
        unnest(quantile_cont(value, [0.25, 0.5, 0.75])) as cut_point
    from {{ ref('cohort_exposures') }}
    group by study, exposure
)

select expected.study, expected.exposure, expected.cut_point
from expected
inner join {{ ref('studies') }} as studies on expected.study = studies.study
left join {{ ref('exposure_cut_points') }} as found
    on
        expected.study = found.study
        and expected.exposure = found.exposure
        and abs(expected.cut_point - found.cut_point) < 1e-9
where studies.quantile_groups = 4 and studies.quantile_weighting = 'unweighted' and found.study is null
