"""Single-exposure regressions by the hundred: every outcome, exposure, covariate set and engine of a plan."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from analysis.cache.cached_fan_out import cached_frames
from analysis.cache.fit_cache import FitCache
from analysis.exposure_forms import exposure_columns
from analysis.failures import result_table, rows_or_reason
from analysis.planned_models import PlannedModels, model_spec, planned_models
from analysis.records import model_records, split_names
from mixepi import false_discovery_rate
from mixepi.regression import RegressionSpec, fit_regression

KEYS = ["study", "outcome", "exposure", "covariate_set", "engine", "subgroup", "exposure_form"]
NUMBERS = ("estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high", "standardised")
TYPES = {
    **dict.fromkeys([*KEYS, "contrast"], "str"),
    **dict.fromkeys(NUMBERS, "float64"),
    "n": "int64",
    "events": "Int64",
    "warnings": "str",
    "converged": "bool",
}
WHOLE_COHORT = "all"


def fit_associations(
    *,
    plan: pd.DataFrame,
    cohort: pd.DataFrame,
    exposures: pd.DataFrame,
    outcomes: pd.DataFrame,
    design: pd.DataFrame,
    covariates: pd.DataFrame,
    cache: FitCache | None = None,
    workers: int | None = None,
) -> pd.DataFrame:
    """Fit every regression of a plan.

    Parameters
    ----------
    plan : pandas.DataFrame
        As `analysis.planned_models.planned_models` takes it, with exposure_form (``quantile``,
        ``per_doubling``, ``trend_score``, ``trend_median``), subgroup (``all`` for the whole cohort),
        subgroup_variable (a column of the cohort, null for all) and level (its value in the subgroup).
    cohort, exposures, outcomes, design, covariates : pandas.DataFrame
        See there.
    cache, workers
        See `analysis.cache.cached_fan_out.cached_frames`; neither changes the result.

    Returns
    -------
    pandas.DataFrame
        One row per model and contrast, sorted: the keys, contrast (Q2, Q3, ..., or the form's name), n,
        events, estimate, std_error, df (null: normal distribution), statistic, p_value, conf_low,
        conf_high, standardised (null for binary outcomes), q_value (Benjamini-Hochberg 1995 over all
        contrasts of one study, engine and covariate set, the subgroups' apart from those of the whole
        cohort), converged, warnings. A model that cannot be estimated has a row per contrast with the reason
        in warnings and no estimate. Models use the records with all their covariates and, for a survey, a
        positive weight; a subgroup of a survey is a domain.
    """
    planned = planned_models(
        plan=plan,
        cohort=cohort,
        exposures=exposures,
        outcomes=outcomes,
        design=design,
        covariates=covariates,
    )
    parts = cached_frames(_fit_planned, planned, cache=cache, workers=workers, description="associations")
    fitted = result_table(parts, TYPES).sort_values([*KEYS, "contrast"], ignore_index=True)
    in_subgroup = (fitted["subgroup"] != WHOLE_COHORT).rename("in_subgroup")
    by_family = fitted.groupby(["study", "engine", "covariate_set", in_subgroup])["p_value"]
    return fitted.assign(q_value=by_family.transform(false_discovery_rate))


def _fit_planned(planned: PlannedModels) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    # the groups of the whole cohort: a subgroup that lacks one is compared with nothing, and says so
    in_cohort = planned.data[planned.data["in_cohort"]]
    forms = {
        form: exposure_columns(form, in_cohort) for form in map(str, planned.models["exposure_form"].unique())
    }
    for (names, engine, subgroup), models in planned.models.groupby(["covariates", "engine", "subgroup"]):
        covariates = split_names(names)
        first = models.iloc[0]
        member = None if subgroup == WHOLE_COHORT else (first["subgroup_variable"], first["level"])
        records = model_records(planned.data, covariates, str(engine), subgroup=member)
        common = records.data[["value", *covariates, "domain", "weight", "strata", "psu"]]
        for model in models.to_dict("records"):
            columns = forms[str(model["exposure_form"])]
            spec = model_spec(planned.references, records, str(model["family"]), tuple(columns), covariates)
            data = common.assign(**columns)
            found = rows_or_reason(
                partial(_estimated, spec, data),
                [{"contrast": name, **dict.fromkeys(NUMBERS, np.nan)} for name in columns],
                records.outcome,
                spec.family,
                records.notes,
            )
            rows += [{key: model[key] for key in KEYS} | row for row in found]
    return pd.DataFrame(rows)


def _estimated(spec: RegressionSpec, data: pd.DataFrame) -> list[dict[str, Any]]:
    fit = fit_regression(spec, data)
    table = fit.estimates()
    numbers = {name: table[name].tolist()[1:] for name in NUMBERS if name in table}
    numbers["standardised"] = fit.standardised().tolist()
    common = {"n": fit.n, "events": fit.events, "warnings": fit.warnings}
    rows = []
    for position, contrast in enumerate(fit.spec.exposures):
        row = {name: values[position] for name, values in numbers.items()}
        if fit.spec.family == "binomial":
            row["standardised"] = np.nan
        rows.append({"contrast": contrast, **row, **common})
    return rows
