from analysis.interactions import fit_interactions
from warehouse.dbt.fit_settings import fit_cache


def model(dbt, session):
    dbt.config(materialized="table")
    return fit_interactions(
        plan=dbt.ref("int_interaction_plan").df(),
        cohort=dbt.ref("cohort").df(),
        exposures=dbt.ref("cohort_exposures").df(),
        outcomes=dbt.ref("cohort_outcomes").df(),
        design=dbt.ref("int_survey_design").df(),
        covariates=dbt.ref("covariates").df(),
        cache=fit_cache(),
    )
