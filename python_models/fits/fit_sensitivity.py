from analysis.cache.of_build import fit_cache
from analysis.sensitivity import fit_sensitivity_plan


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
