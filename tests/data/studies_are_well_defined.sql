{# What a study's rows must agree on before its numbers mean anything. #}

select studies.study, 'no reference value for site ' || sites.site as problem
from {{ ref('studies') }} as studies
inner join {{ ref('study_osteoporosis_sites') }} as sites on studies.study = sites.study
left join {{ ref('bmd_references') }} as bmd_references
    on studies.reference_set = bmd_references.reference_set and sites.site = bmd_references.site
where bmd_references.site is null
union all
select study, 'steps are not numbered 1, 2, 3, ...' as problem
from {{ ref('study_cohort_rules') }}
group by study
having min(step) != 1 or max(step) != count(*) or count(distinct step) != count(*)
union all
select studies.study, 'has no row in study_cohort_rules' as problem
from {{ ref('studies') }} as studies
left join {{ ref('study_cohort_rules') }} as rules on studies.study = rules.study
where rules.study is null
union all
select sets.covariate_set as study, 'covariate ' || covariate || ' is not in the seed covariates' as problem
from (
    select covariate_set, unnest(string_split(covariates, ';')) as covariate
    from {{ ref('covariate_sets') }}
    where covariates is not null
) as sets
where sets.covariate not in (select covariates.covariate from {{ ref('covariates') }} as covariates)
union all
select covariates.covariate as study, 'is not a column of cohort' as problem
from {{ ref('covariates') }} as covariates
where
    covariates.covariate not in (
        select columns.column_name
        from information_schema.columns as columns
        where columns.table_name = '{{ ref("cohort").identifier }}'
    )
union all
select conditions.rule as study, 'no one has a value of ' || conditions.variable as problem
from {{ ref('cohort_conditions') }} as conditions
where conditions.variable not in (select person_values.variable from {{ ref('int_person_values') }} as person_values)
union all
select
    subgroups.subgroup as study,
    subgroups.subgroup_variable || ' is not a column of cohort' as problem
from {{ ref('subgroups') }} as subgroups
where subgroups.subgroup_variable not in (
    select columns.column_name
    from information_schema.columns as columns
    where columns.table_name = '{{ ref("cohort").identifier }}'
)
