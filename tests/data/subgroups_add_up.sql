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
        associations.exposure,
        associations.covariate_set,
        subgroups.subgroup_variable,
        sum(associations.n) as n,
        sum(associations.events) as events
    from associations
    inner join subgroups on associations.subgroup = subgroups.subgroup
    group by all
),

-- a person whose group is not known is in none of them
not_known as (
    select
        cohort.study,
        variables.subgroup_variable,
        count(*) as n
    from {{ ref('cohort') }} as cohort
    cross join (select distinct subgroup_variable from subgroups) as variables
    left join {{ ref('int_person_values') }} as person_values
        on cohort.seqn = person_values.seqn and variables.subgroup_variable = person_values.variable
    where person_values.value is null
    group by cohort.study, variables.subgroup_variable
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
        and joined.exposure = whole.exposure
        and joined.covariate_set = whole.covariate_set
        and whole.subgroup = 'all'
left join not_known
    on joined.study = not_known.study and joined.subgroup_variable = not_known.subgroup_variable
where
    joined.n > whole.n
    or joined.events > whole.events
    or joined.n < whole.n - coalesce(not_known.n, 0)
