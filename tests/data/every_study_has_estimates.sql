{# A study, outcome, exposure and engine of which no model could be estimated is no result. #}

select study, outcome, exposure, engine, count(*) as models
from {{ ref('associations') }}
where subgroup = 'all'
group by study, outcome, exposure, engine
having count(*) filter (where converged) = 0
