{# A study, outcome, metal and engine of which no model could be estimated is no result. #}

select study, outcome, metal, engine, count(*) as models
from {{ ref('associations') }}
where subgroup = 'all'
group by study, outcome, metal, engine
having count(*) filter (where converged) = 0
