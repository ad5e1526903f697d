from analysis.cache.of_build import fit_cache
from analysis.dose_response import fit_dose_response


def model(dbt, session):
    dbt.config(materialized="table")
    return fit_dose_response(
        plan=dbt.ref("int_dose_response_plan").df(),
        cohort=dbt.ref("int_analysed_people").df(),
        exposures=dbt.ref("cohort_exposures").df(),
        outcomes=dbt.ref("cohort_outcomes").df(),
        design=dbt.ref("int_survey_design").df(),
        covariates=dbt.ref("covariates").df(),
        knots=dbt.ref("dose_response_knots").df(),
        cache=fit_cache(),
    )
