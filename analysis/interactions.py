"""Does an association differ between subgroups? One test per grouping column, not p-values side by side."""

from collections.abc import Hashable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from analysis.cache.cached_fan_out import cached_frames
from analysis.cache.fit_cache import FitCache
from analysis.exposure_forms import exposure_columns
from analysis.failures import result_table, rows_or_reason
from analysis.planned_models import PlannedModels, model_spec, planned_models
from analysis.records import ModelRecords, model_records, split_names
from mixepi import false_discovery_rate
from mixepi.errors import EstimationError
from mixepi.regression import fit_regression, joint_test

KEYS = [
    "study",
    "outcome",
    "exposure",
    "covariate_set",
    "engine",
    "exposure_form",
    "subgroup_variable",
]
NUMBERS = ("statistic", "df", "df_residual", "p_value")
TYPES = {
    **dict.fromkeys([*KEYS, "test"], "str"),
    **dict.fromkeys(NUMBERS, "float64"),
    "levels": "int64",
    "n": "int64",
    "events": "Int64",
    "converged": "bool",
    "warnings": "str",
}


def fit_interactions(
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
    """Test every interaction of a plan: exposure, indicators of the levels, and their products in one model.

    Parameters
    ----------
    plan : pandas.DataFrame
        As `analysis.planned_models.planned_models` takes it, with exposure_form (``per_doubling``,
        ``trend_score`` or ``trend_median``) and subgroup_variable, a column of the cohort. The column is left
        out of the covariates, since its levels are in the model.
    cohort, exposures, outcomes, design, covariates : pandas.DataFrame
        See there.
    cache, workers
        See `analysis.cache.cached_fan_out.cached_frames`; neither changes the result.

    Returns
    -------
    pandas.DataFrame
        One row per model, sorted: the keys, test (``likelihood ratio`` for an unweighted logistic model,
        ``Wald F`` for the others), statistic (chi-squared or F), df (number of products), df_residual (null
        for chi-squared), p_value, q_value (Benjamini-Hochberg over the tests of one study, engine and
        covariate set), levels, n, events, converged, warnings.
    """
    planned = planned_models(
        plan=plan,
        cohort=cohort,
        exposures=exposures,
        outcomes=outcomes,
        design=design,
        covariates=covariates,
    )
    parts = cached_frames(_fit_planned, planned, cache=cache, workers=workers, description="interactions")
    fitted = result_table(parts, TYPES).sort_values(KEYS, ignore_index=True)
    by_family = fitted.groupby(["study", "engine", "covariate_set"])["p_value"]
    return fitted.assign(q_value=by_family.transform(false_discovery_rate))


def _fit_planned(planned: PlannedModels) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for model in planned.models.to_dict("records"):
        variable = str(model["subgroup_variable"])
        covariates = tuple(name for name in split_names(model["covariates"]) if name != variable)
        records = model_records(planned.data, [*covariates, variable], str(model["engine"]))
        levels = sorted(records.data.loc[records.data["domain"], variable].unique())
        found = rows_or_reason(
            partial(_tested, planned, records, model, covariates, levels),
            [{"test": None, **dict.fromkeys(NUMBERS, np.nan)}],
            records.outcome,
            str(model["family"]),
            records.notes,
        )
        rows += [{key: model[key] for key in KEYS} | {"levels": len(levels)} | row for row in found]
    return pd.DataFrame(rows)


def _tested(
    planned: PlannedModels,
    records: ModelRecords,
    model: Mapping[Hashable, Any],
    covariates: tuple[str, ...],
    levels: list[str],
) -> list[dict[str, Any]]:
    variable = str(model["subgroup_variable"])
    if len(levels) < 2:
        raise EstimationError(
            f"expected at least two levels of {variable!r} to compare, found {', '.join(levels) or 'none'}"
        )
    ((name, exposure),) = exposure_columns(str(model["exposure_form"]), records.data).items()
    members = {level: (records.data[variable] == level).astype(float) for level in levels[1:]}
    products = {f"{name} x {level}": exposure * member for level, member in members.items()}
    columns = {name: exposure, **members, **products}
    spec = model_spec(planned.references, records, str(model["family"]), tuple(columns), covariates)
    data = records.data.assign(**columns)
    fit = fit_regression(spec, data)
    test = joint_test(fit, data, tuple(products))
    return [
        {
            "test": test.test,
            "statistic": test.statistic,
            "df": test.df,
            "df_residual": test.df_residual,
            "p_value": test.p_value,
            "n": fit.n,
            "events": fit.events,
            "warnings": fit.warnings,
        }
    ]
