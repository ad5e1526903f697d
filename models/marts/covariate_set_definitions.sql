with members as (
    select
        covariate_set,
        unnest(string_split(covariates, ';')) as covariate,
        generate_subscripts(string_split(covariates, ';'), 1) as position
    from {{ ref('covariate_sets') }}
),

named as (
    select
        members.covariate_set,
        string_agg(covariates.name, '; ' order by members.position) as covariates
    from members
    inner join {{ ref('covariates') }} as covariates on members.covariate = covariates.covariate
    group by members.covariate_set
)

select
    sets.covariate_set,
    sets.name as covariate_set_name,
    sets.covariate_set_order,
    named.covariates,
    {{ run_columns() }}
from {{ ref('covariate_sets') }} as sets
left join named on sets.covariate_set = named.covariate_set
order by sets.covariate_set_order
