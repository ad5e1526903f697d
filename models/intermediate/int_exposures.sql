-- depends_on: {{ ref('int_person_variables') }}

with exposures as (
    select * from {{ ref('exposures') }}
),

laboratory as (
    select seqn, cycle, variable, value from {{ ref('int_laboratory_values') }}
    {%- for variable in compiled('person_variables') if not variable.levels %}
    union all
    select seqn, cycle, '{{ variable.variable }}' as variable, cast({{ variable.variable }} as double) as value
    from {{ ref('int_person_variables') }}
    where {{ variable.variable }} is not null
    {%- endfor %}
),

detection_limits as (
    select * from {{ ref('detection_limits') }}
),

measured as (
    select
        laboratory.seqn,
        laboratory.cycle,
        exposures.exposure,
        exposures.weight,
        laboratory.value as reported_value,
        coalesce(comment.value = 1, false) as below_detection,
        detection_limits.limit_of_detection
    from laboratory
    inner join exposures on laboratory.variable = exposures.variable
    left join laboratory as comment
        on laboratory.seqn = comment.seqn and exposures.comment_variable = comment.variable
    left join detection_limits
        on laboratory.cycle = detection_limits.cycle and exposures.exposure = detection_limits.exposure
),

refilled as (
    select
        *,
        {{ refill_non_detect('reported_value', 'below_detection', 'limit_of_detection') }} as value
    from measured
),

final as (
    select
        seqn,
        cycle,
        exposure,
        weight,
        reported_value,
        below_detection,
        limit_of_detection,
        value,
        case when value > 0 then ln(value) end as ln_value,
        case when value > 0 then log2(value) end as log2_value
    from refilled
)

select * from final
