{#
    A person whose answer is known has a group in either release, and both releases have every group: marital
    status, drinking, smoking, education, diabetes, hypertension.
#}
{% set covariates = ['marital_status', 'drinking', 'smoking', 'education', 'diabetes', 'hypertension'] %}

with covariates as (
    select * from {{ ref('int_covariates') }}
),

demographics as (
    select * from {{ ref('stg_demographics') }}
)

select 'marital_status' as covariate, demographics.cycle, count(*) as problem
from demographics
inner join covariates on demographics.seqn = covariates.seqn
where
    coalesce(demographics.marital_status_six, demographics.marital_status_three) is not null
    and covariates.marital_status is null
group by demographics.cycle
{% for covariate in covariates %}
union all
select '{{ covariate }}' as covariate, cycle, count(distinct {{ covariate }}) as problem
from covariates
group by cycle
having count(distinct {{ covariate }}) != (select count(distinct everyone.{{ covariate }}) from covariates as everyone)
{% endfor %}
