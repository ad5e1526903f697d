{# As many rows per release as the transport files of the component hold. #}
{% test rows_as_loaded(model, component) %}

with loaded as (
    select cycle, sum(row_count) as expected
    from {{ ref('stg_nhanes_files') }}
    where component = '{{ component }}'
    group by cycle
),

counted as (
    select cycle, count(*) as found
    from {{ model }}
    group by cycle
)

select *
from loaded
full outer join counted using (cycle)
where expected is distinct from found

{% endtest %}
