from analysis.sensitivity import fit_sensitivity_plan
from warehouse.dbt.fit_settings import fit_cache


def model(dbt, session):
    dbt.config(materialized="table")
    return fit_sensitivity_plan(
        plan=dbt.ref("int_sensitivity_plan").df(),
        participants=dbt.ref("participants").df(),
        exposures=dbt.ref("int_sensitivity_exposures").df(),
        outcomes=dbt.ref("int_sensitivity_outcomes").df(),
        design=dbt.ref("int_survey_design").df(),
        covariates=dbt.ref("covariates").df(),
        cache=fit_cache(),
    )
