{# A cohort rule asks for what somebody has; `python -m ingest check` says whether the seeds agree otherwise. #}

select conditions.rule, 'no one has a value of ' || conditions.variable as problem
from {{ ref('cohort_conditions') }} as conditions
where conditions.variable not in (select person_values.variable from {{ ref('int_person_values') }} as person_values)
