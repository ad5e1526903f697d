{# The subgroups that a column makes hold everyone of the whole cohort once. #}

with associations as (
    select * from {{ ref('associations') }}
    where contrast = 'per_doubling' and engine = 'unweighted'
),

subgroups as (
    select * from {{ ref('subgroups') }}
),

joined as (
    select
        associations.study,
        associations.outcome,
        associations.metal,
        associations.covariate_set,
        subgroups.subgroup_variable,
        sum(associations.n) as n,
        sum(associations.events) as events
    from associations
    inner join subgroups on associations.subgroup = subgroups.subgroup
    group by all
)

select
    joined.*,
    whole.n as n_of_all,
    whole.events as events_of_all
from joined
inner join associations as whole
    on
        joined.study = whole.study
        and joined.outcome = whole.outcome
        and joined.metal = whole.metal
        and joined.covariate_set = whole.covariate_set
        and whole.subgroup = 'all'
-- a person whose group is not known is in none of them
where
    joined.n > whole.n
    or joined.events > whole.events
    or joined.n < whole.n - (
        select count(*)
        from {{ ref('cohort') }} as cohort
        where cohort.study = joined.study and (cohort.age_group is null or cohort.bmi_group is null)
    )
