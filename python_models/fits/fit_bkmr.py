from analysis.cache.of_build import fit_cache
from analysis.mixtures.bkmr import fit_bkmr_plan
from analysis.mixtures.plan import StudyTables


def model(dbt, session):
    dbt.config(materialized="table")
    tables = StudyTables(
        cohort=dbt.ref("int_analysed_people").df(),
        exposures=dbt.ref("cohort_exposures").df(),
        outcomes=dbt.ref("cohort_outcomes").df(),
        design=dbt.ref("int_survey_design").df(),
    )
    plan = dbt.ref("int_mixture_plan").filter("method = 'bkmr'").df()
    return fit_bkmr_plan(plan, tables, cache=fit_cache())
