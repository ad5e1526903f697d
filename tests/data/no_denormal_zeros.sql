{# pandas.read_sas turns a stored 0 into 5.4e-79; no NHANES value lies between 0 and 1e-60. #}
{% set components = [
    'demo', 'pbcd', 'dxxfem', 'dxxspn', 'bmx', 'rhq', 'smq', 'alq', 'diq', 'bpq', 'paq', 'osq', 'mcq', 'cot',
    'biopro', 'vid'
] %}

{% for component in components -%}
select '{{ component }}' as component, variable, answer
from (
    unpivot (select columns(* exclude (file, cycle))::varchar from {{ source('nhanes', component) }})
    on columns(*) into name variable value answer
)
where abs(try_cast(answer as double)) > 0 and abs(try_cast(answer as double)) < 1e-60
{{ "union all" if not loop.last }}
{% endfor %}
