-- Every planned fit of a mixture has its row in the tables that people read, also where it failed.
with planned as (
    select study, method, outcome, covariate_set, engine, direction, procedure, subgroup
    from {{ ref('int_mixture_plan') }}
),

shown as (
    select study, 'wqs' as method, outcome, covariate_set, engine, direction, procedure, subgroup
    from {{ ref('wqs_estimates') }}
    union
    select study, 'wqs', outcome, covariate_set, engine, direction, procedure, subgroup
    from {{ ref('wqs_weights') }}
    where weight is not null or not converged
    union
    select study, 'qgcomp', outcome, covariate_set, engine, null, null, subgroup
    from {{ ref('qgcomp_estimates') }}
    union
    select study, 'bkmr', outcome, covariate_set, 'unweighted', null, null, subgroup
    from {{ ref('bkmr_pips') }}
    intersect
    select study, 'bkmr', outcome, covariate_set, 'unweighted', null, null, subgroup
    from {{ ref('bkmr_response') }}
    intersect
    select study, 'bkmr', outcome, covariate_set, 'unweighted', null, null, subgroup
    from {{ ref('bkmr_single') }}
    intersect
    select study, 'bkmr', outcome, covariate_set, 'unweighted', null, null, subgroup
    from {{ ref('bkmr_overall') }}
)

select * from planned
except
select * from shown
