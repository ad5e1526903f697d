-- The posterior inclusion probability of an exposure is the share of the kept draws in which it is in the model.
with pips as (
    select * from {{ ref('bkmr_pips') }}
    where pip is not null
),

draws as (
    select study, outcome, covariate_set, subgroup, parameter, avg(value) as share
    from {{ ref('bkmr_draws') }}
    group by all
)

select pips.*, draws.share
from pips
left join draws
    on
        pips.study = draws.study
        and pips.outcome = draws.outcome
        and pips.covariate_set = draws.covariate_set
        and pips.subgroup = draws.subgroup
        and draws.parameter = 'delta[' || pips.exposure || ']'
where draws.share is null or abs(pips.pip - draws.share) > 1e-12
