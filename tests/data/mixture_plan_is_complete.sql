-- Every planned fit of a mixture has its rows in each of the tables that people read, also where it failed.
{% set bkmr_tables = [
    'bkmr_pips', 'bkmr_diagnostics', 'bkmr_response', 'bkmr_single', 'bkmr_overall', 'bkmr_interactions',
    'bkmr_draws', 'bkmr_response_bivariate'
] %}

with tables (method, shown_in) as (
    values
    {% for table in bkmr_tables %}
        ('bkmr', '{{ table }}'),
    {% endfor %}
    ('wqs', 'wqs_estimates'),
    ('wqs', 'wqs_weights'),
    ('qgcomp', 'qgcomp_estimates'),
    ('qgcomp', 'qgcomp_weights')
),

bkmr_failed as (
    select distinct
        study,
        'bkmr' as method,
        outcome,
        covariate_set,
        subgroup
    from {{ ref('bkmr_pips') }}
    where pip is null
),

wanted as (
    select
        plan.study,
        plan.method,
        plan.outcome,
        plan.covariate_set,
        plan.engine,
        plan.direction,
        plan.procedure,
        plan.subgroup,
        tables.shown_in
    from {{ ref('int_mixture_plan') }} as plan
    inner join tables on plan.method = tables.method
    left join bkmr_failed
        on
            plan.study = bkmr_failed.study
            and plan.method = bkmr_failed.method
            and plan.outcome = bkmr_failed.outcome
            and plan.covariate_set = bkmr_failed.covariate_set
            and plan.subgroup = bkmr_failed.subgroup
    where
        -- these two have no rows of a fit that failed
        (tables.shown_in not in ('bkmr_draws', 'bkmr_response_bivariate') or bkmr_failed.study is null)
        and (tables.shown_in <> 'bkmr_response_bivariate' or plan.bivariate_grid > 0)
),

shown as (
    select study, 'wqs', outcome, covariate_set, engine, direction, procedure, subgroup, 'wqs_estimates'
    from {{ ref('wqs_estimates') }}
    union all
    select study, 'wqs', outcome, covariate_set, engine, direction, procedure, subgroup, 'wqs_weights'
    from {{ ref('wqs_weights') }}
    where weight is not null or not converged
    union all
    select study, 'qgcomp', outcome, covariate_set, engine, null, null, subgroup, 'qgcomp_estimates'
    from {{ ref('qgcomp_estimates') }}
    union all
    select study, 'qgcomp', outcome, covariate_set, engine, null, null, subgroup, 'qgcomp_weights'
    from {{ ref('qgcomp_weights') }}
    where coefficient is not null or not converged
    {% for table in bkmr_tables %}
        union all
        select study, 'bkmr', outcome, covariate_set, 'unweighted', null, null, subgroup, '{{ table }}'
        from {{ ref(table) }}
    {% endfor %}
)

select * from wanted
except
select * from shown
