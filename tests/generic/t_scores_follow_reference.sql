{# Women of 50 and over lie somewhat below young adults, and spread a little more: a wrong unit, site or
   reference does not look like that. #}
{% test t_scores_follow_reference(model) %}

select
    scores.reference_set,
    scores.site,
    avg(scores.t_score) as mean,
    stddev(scores.t_score) as sd
from {{ model }} as scores
inner join {{ ref('int_covariates') }} as covariates on scores.seqn = covariates.seqn
inner join {{ ref('stg_demographics') }} as demographics on scores.seqn = demographics.seqn
where demographics.sex = 'Female' and covariates.age_years >= 50 and scores.is_plausible
group by scores.reference_set, scores.site
having avg(scores.t_score) not between -2 and 0 or stddev(scores.t_score) not between 0.8 and 1.8

{% endtest %}
