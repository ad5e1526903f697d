"""Single-exposure regressions by the hundred: every outcome, exposure, covariate set and engine of a plan."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from analysis.cache.cached_fan_out import cached_frames
from analysis.cache.fit_cache import FitCache
from analysis.records import (
    PlannedModels,
    model_records,
    model_spec,
    planned_models,
    rows_or_reason,
    split_names,
)
from mixepi import false_discovery_rate
from mixepi.errors import SpecificationError
from mixepi.regression import RegressionSpec, fit_regression

KEYS = ["study", "outcome", "exposure", "covariate_set", "engine", "subgroup", "exposure_form"]
NUMBERS = ("estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high", "standardised")
WHOLE_COHORT = "all"


def fit_associations(
    plan: pd.DataFrame,
    cohort: pd.DataFrame,
    exposures: pd.DataFrame,
    outcomes: pd.DataFrame,
    design: pd.DataFrame,
    covariates: pd.DataFrame,
    *,
    cache: FitCache | None = None,
    workers: int | None = None,
) -> pd.DataFrame:
    """Fit every regression of a plan.

    Parameters
    ----------
    plan : pandas.DataFrame
        As `analysis.records.planned_models` takes it, with exposure_form (``quantile``,
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
    planned = planned_models(plan, cohort, exposures, outcomes, design, covariates)
    fitted = pd.concat(
        cached_frames(_fit_planned, planned, cache=cache, workers=workers, description="associations"),
        ignore_index=True,
    ).sort_values([*KEYS, "contrast"], ignore_index=True)
    fitted = fitted.astype({"events": "Int64", "warnings": "str"})
    in_subgroup = (fitted["subgroup"] != WHOLE_COHORT).rename("in_subgroup")
    by_family = fitted.groupby(["study", "engine", "covariate_set", in_subgroup])["p_value"]
    return fitted.assign(q_value=by_family.transform(false_discovery_rate))


def _fit_planned(planned: PlannedModels) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    in_cohort = planned.data[planned.data["in_cohort"]]
    for (names, engine, subgroup), models in planned.models.groupby(["covariates", "engine", "subgroup"]):
        covariates = split_names(names)
        first = models.iloc[0]
        member = None if subgroup == WHOLE_COHORT else (first["subgroup_variable"], first["level"])
        records = model_records(planned, covariates, str(engine), subgroup=member)
        for model in models.to_dict("records"):
            # the groups of the whole cohort: a subgroup that lacks one is compared with nothing, and says so
            columns = exposure_columns(str(model["exposure_form"]), in_cohort)
            spec = model_spec(planned, records, str(model["family"]), tuple(columns), covariates)
            data = records.data.assign(**columns)
            found = rows_or_reason(
                partial(_estimated, spec, data),
                [{"contrast": name, **dict.fromkeys(NUMBERS, np.nan)} for name in columns],
                records,
                spec.family,
            )
            rows += [{key: model[key] for key in KEYS} | row for row in found]
    return pd.DataFrame(rows)


def exposure_columns(form: str, data: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the columns by which an exposure enters a model, by contrast.

    Parameters
    ----------
    form : {"quantile", "per_doubling", "trend_score", "trend_median"}
        Indicators of the second and higher quantile groups (contrasts Q2, Q3, ...); log2 of the value; the
        group's number from 0; the median value of the person's group.
    data : pandas.DataFrame
        Columns log2_value, quantile_score, quantile_median.
    """
    if form == "quantile":
        # the lowest group is the reference; with all values in one group, Q2 is a column of zeros and its
        # model fails and says so
        groups = sorted(int(score) for score in data["quantile_score"].unique() if score > 0) or [1]
        return {f"Q{group + 1}": (data["quantile_score"] == group).astype(float) for group in groups}
    source = {
        "per_doubling": "log2_value",
        "trend_score": "quantile_score",
        "trend_median": "quantile_median",
    }
    if form not in source:
        raise SpecificationError(
            f"expected exposure_form quantile or one of {', '.join(source)}, found {form!r}"
        )
    return {form: data[source[form]].astype(float)}


def _estimated(spec: RegressionSpec, data: pd.DataFrame) -> list[dict[str, Any]]:
    fit = fit_regression(spec, data)
    table = fit.estimates()
    numbers = {name: table[name].tolist()[1:] for name in NUMBERS if name in table}
    numbers["df"] = [df if np.isfinite(df) else np.nan for df in numbers["df"]]
    numbers["standardised"] = fit.standardised().tolist()
    common = {"n": fit.n, "events": fit.events, "warnings": fit.warnings}
    rows = []
    for position, contrast in enumerate(fit.spec.exposures):
        row = {name: values[position] for name, values in numbers.items()}
        if fit.spec.family == "binomial":
            row["standardised"] = np.nan
        rows.append({"contrast": contrast, **row, **common})
    return rows
