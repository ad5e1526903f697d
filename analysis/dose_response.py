"""Dose-response curves by restricted cubic splines, with a test of whether they bend."""

from collections.abc import Hashable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from analysis.cache.cached_fan_out import cached_frames
from analysis.cache.fit_cache import FitCache
from analysis.failures import result_table, rows_or_reason
from analysis.planned_models import PlannedModels, model_spec, planned_models
from analysis.records import ModelRecords, model_records, split_names
from mixepi.arrays import FloatArray
from mixepi.regression import fit_regression, joint_test
from mixepi.splines import restricted_cubic_spline

KEYS = ["study", "outcome", "exposure", "covariate_set", "engine"]
NUMBERS = ("estimate", "std_error", "conf_low", "conf_high")
TESTS = ("df", "p_overall", "p_nonlinear")
TYPES = {
    **dict.fromkeys(KEYS, "str"),
    "grid_point": "int64",
    **dict.fromkeys(["exposure_value", "reference_value", *NUMBERS, *TESTS], "float64"),
    "n": "int64",
    "events": "Int64",
    "converged": "bool",
    "warnings": "str",
}
GRID_POINTS = 41
GRID_ENDS = (0.01, 0.99)


def fit_dose_response(
    *,
    plan: pd.DataFrame,
    cohort: pd.DataFrame,
    exposures: pd.DataFrame,
    outcomes: pd.DataFrame,
    design: pd.DataFrame,
    covariates: pd.DataFrame,
    knots: pd.DataFrame,
    cache: FitCache | None = None,
    workers: int | None = None,
) -> pd.DataFrame:
    """Fit the outcome on a restricted cubic spline of the exposure's natural logarithm.

    Parameters
    ----------
    plan : pandas.DataFrame
        As `analysis.planned_models.planned_models` takes it.
    cohort, exposures, outcomes, design, covariates : pandas.DataFrame
        See there.
    knots : pandas.DataFrame
        One row per study, exposure and knot: ln_value.
    cache, workers
        See `analysis.cache.cached_fan_out.cached_frames`; neither changes the result.

    Returns
    -------
    pandas.DataFrame
        One row per model and grid_point (1 to 41, evenly spaced on the logarithm from the 1st to the 99th
        percentile of the records of study, outcome and exposure), sorted: the keys, exposure_value,
        reference_value (their median), estimate (difference of the linear predictor from the reference),
        std_error, df (null: normal distribution), conf_low, conf_high, p_overall, p_nonlinear, n, events,
        converged, warnings. The tests are those of `mixepi.regression.joint_test`.
    """
    of_exposure = {
        key: np.sort(rows["ln_value"].to_numpy(dtype=np.float64))
        for key, rows in knots.groupby(["study", "exposure"])
    }
    planned = planned_models(
        plan=plan,
        cohort=cohort,
        exposures=exposures,
        outcomes=outcomes,
        design=design,
        covariates=covariates,
    )
    tasks = [(one, of_exposure.get((one.study, one.exposure), np.empty(0))) for one in planned]
    parts = cached_frames(_fit_planned, tasks, cache=cache, workers=workers, description="dose-response")
    return result_table(parts, TYPES).sort_values([*KEYS, "grid_point"], ignore_index=True)


def _fit_planned(task: tuple[PlannedModels, FloatArray]) -> pd.DataFrame:
    planned, knots = task
    rows: list[dict[str, Any]] = []
    values = planned.data.loc[planned.data["in_cohort"], "ln_value"].to_numpy(dtype=np.float64)
    # where nobody has a value there is no grid, and the models below say so
    shares = [GRID_ENDS[0], 0.5, GRID_ENDS[1]]
    low, reference, high = np.quantile(values, shares) if len(values) else np.full(3, np.nan)
    grid = np.array([reference, *np.linspace(low, high, GRID_POINTS)])
    points = [
        {"grid_point": point, "exposure_value": np.exp(value), "reference_value": np.exp(reference)}
        for point, value in enumerate(grid[1:], start=1)
    ]
    for model in planned.models.to_dict("records"):
        records = model_records(planned.data, split_names(model["covariates"]), str(model["engine"]))
        found = rows_or_reason(
            partial(_curve, planned, records, model, knots, grid),
            [dict.fromkeys((*NUMBERS, *TESTS), np.nan)] * GRID_POINTS,
            records.outcome,
            str(model["family"]),
            records.notes,
        )
        key = {name: model[name] for name in KEYS}
        rows += [key | point | row for point, row in zip(points, found, strict=True)]
    return pd.DataFrame(rows)


def _curve(
    planned: PlannedModels,
    records: ModelRecords,
    model: Mapping[Hashable, Any],
    knots: FloatArray,
    grid: FloatArray,
) -> list[dict[str, Any]]:
    basis = restricted_cubic_spline(records.data["ln_value"].to_numpy(dtype=np.float64), knots)
    names = [f"spline_{number}" for number in range(1, basis.shape[1] + 1)]
    spec = model_spec(
        planned.references, records, str(model["family"]), names, split_names(model["covariates"])
    )
    data = records.data.assign(**dict(zip(names, basis.T, strict=True)))
    fit = fit_regression(spec, data)
    curve = restricted_cubic_spline(grid, knots)
    contrast = curve[1:] - curve[0]
    at = slice(1, 1 + len(names))
    estimate = contrast @ fit.coefficients[at]
    std_error = np.sqrt(np.einsum("gi,ij,gj->g", contrast, fit.covariance[at, at], contrast))
    quantile = special.ndtri(0.975) if np.isinf(fit.df) else special.stdtrit(fit.df, 0.975)
    common = {
        "df": fit.df,
        "p_overall": joint_test(fit, data, names).p_value,
        "p_nonlinear": joint_test(fit, data, names[1:]).p_value,
        "n": fit.n,
        "events": fit.events,
        "warnings": fit.warnings,
    }
    numbers = (estimate, std_error, estimate - quantile * std_error, estimate + quantile * std_error)
    return [
        dict(zip(NUMBERS, map(float, point), strict=True)) | common for point in zip(*numbers, strict=True)
    ]
