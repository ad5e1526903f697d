-- The weights of an index sum to 1.
select study, outcome, covariate_set, engine, direction, procedure, subgroup, sum(weight) as total
from {{ ref('wqs_weights') }}
where weight is not null
group by all
having abs(total - 1) > 1e-9
