from analysis.associations import fit_associations
from analysis.cache.of_build import fit_cache


def model(dbt, session):
    dbt.config(materialized="table")
    return fit_associations(
        plan=dbt.ref("int_association_plan").df(),
        cohort=dbt.ref("int_analysed_people").df(),
        exposures=dbt.ref("cohort_exposures").df(),
        outcomes=dbt.ref("cohort_outcomes").df(),
        design=dbt.ref("int_survey_design").df(),
        covariates=dbt.ref("covariates").df(),
        cache=fit_cache(),
    )
