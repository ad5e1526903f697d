"""The quantile g-computations of a study."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from analysis.cache.fit_cache import FitCache
from analysis.mixtures.plan import MIXTURE_KEYS, StudyTables, check_events, mixture_tasks
from analysis.run_plan import Fitted, run_plan, table_field
from mixepi import QGComp, fit_qgcomp

NUMBER = pa.float64()
ESTIMATES = ("term", "estimate", "std_error", "df", "p_value", "conf_low", "conf_high")
SCHEMA = pa.schema(
    [
        table_field("estimates", term=pa.string(), **dict.fromkeys(ESTIMATES[1:], NUMBER)),
        table_field(
            "weights",
            exposure=pa.string(),
            direction=pa.string(),
            coefficient=NUMBER,
            std_error=NUMBER,
            weight=NUMBER,
        ),
    ]
)


def fit_qgcomp_plan(
    plan: pd.DataFrame, tables: StudyTables, *, cache: FitCache | None = None, workers: int | None = None
) -> pa.Table:
    """Fit the quantile g-computation rows of a plan of mixtures.

    Parameters
    ----------
    plan : pandas.DataFrame
        One row per fit: the columns that `analysis.mixtures.plan.mixture_tasks` reads.
    tables : StudyTables
    cache, workers
        See `analysis.run_plan.run_plan`.

    Returns
    -------
    pyarrow.Table
        As `run_plan` returns it, with the lists ``estimates`` (psi1, all exposures up by one quantile;
        psi_positive and psi_negative, the sums of the coefficients of each sign, without standard errors
        because the same data choose the signs) and ``weights`` (exposure, direction, coefficient, std_error,
        weight: share of the sum of its sign).
    """
    tasks = mixture_tasks("quantile g-computation", plan, tables, fit_one_qgcomp, SCHEMA, ())
    return run_plan(plan, [*MIXTURE_KEYS, "engine"], tasks, SCHEMA, cache=cache, workers=workers)


def fit_one_qgcomp(specification: Mapping[str, Any], records: pd.DataFrame) -> Fitted:
    """Fit one quantile g-computation."""
    n, events = check_events(specification, records)
    is_survey = "weight" in records
    spec = QGComp(
        outcome=specification["outcome"],
        exposures=tuple(specification["exposures"]),
        covariates=tuple(specification["covariates"]),
        family=specification["family"],
        weights="weight" if is_survey else None,
        strata="strata" if is_survey else None,
        psu="psu" if is_survey else None,
        domain="domain",
        identifier="seqn",
    )
    fit = fit_qgcomp(spec, records)
    psi = fit.estimates()
    estimates = pd.concat([psi[psi["term"] == "psi1"], fit.partial_effects()], ignore_index=True)
    coefficients = fit.coefficients_table()[["term", "std_error"]]
    weights = fit.weights().merge(coefficients, left_on="exposure", right_on="term", validate="one_to_one")
    return Fitted(
        n=n,
        events=events,
        tables={"estimates": estimates[list(ESTIMATES)], "weights": weights},
        warnings=fit.warnings,
    )
