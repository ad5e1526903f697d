"""The WQS fits of a study."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from analysis.cache.fit_cache import FitCache
from analysis.mixtures.plan import MIXTURE_KEYS, StudyTables, check_events, mixture_tasks
from analysis.run_plan import Fitted, run_plan, table_field
from mixepi import (
    WQS,
    HoldoutOptions,
    PermutationOptions,
    fit_repeated_holdout_wqs,
    fit_wqs,
    permutation_test_wqs,
)
from mixepi.errors import SpecificationError

NUMBER = pa.float64()
ESTIMATES = ("term", "estimate", "std_error", "df", "p_value", "conf_low", "conf_high")
WEIGHTS = ("exposure", "weight", "conf_low", "conf_high", "share_above_equal")
SCHEMA = pa.schema(
    [
        table_field("estimates", term=pa.string(), **dict.fromkeys(ESTIMATES[1:], NUMBER)),
        table_field("weights", exposure=pa.string(), **dict.fromkeys(WEIGHTS[1:], NUMBER)),
    ]
)
SETTINGS = ("direction", "procedure", "seed", "bootstraps", "holdouts", "permutations")


def fit_wqs_plan(
    plan: pd.DataFrame, tables: StudyTables, *, cache: FitCache | None = None, workers: int | None = None
) -> pa.Table:
    """Fit the WQS rows of a plan of mixtures.

    Parameters
    ----------
    plan : pandas.DataFrame
        One row per fit: the columns that `analysis.mixtures.plan.mixture_tasks` reads, and direction
        ("positive" or "negative"), procedure ("single_split", "repeated_holdout" or "permutation"), seed,
        bootstraps, holdouts, permutations.
    tables : StudyTables
    cache, workers
        See `analysis.run_plan.run_plan`.

    Returns
    -------
    pyarrow.Table
        As `run_plan` returns it, with the lists ``estimates`` (the index alone: term, estimate, std_error,
        df, p_value, conf_low, conf_high) and ``weights`` (exposure, weight, conf_low, conf_high,
        share_above_equal). A permutation test has an estimate and a p-value only, and no weights' interval;
        repeated holdout has no p-value, because the spread over splits is not a sampling distribution, and
        under the survey design no interval. There whole strata are split, and no permutation test exists.
    """
    tasks = mixture_tasks("WQS", plan, tables, fit_one_wqs, SCHEMA, SETTINGS)
    keys = [*MIXTURE_KEYS, "engine", "direction", "procedure"]
    return run_plan(plan, keys, tasks, SCHEMA, cache=cache, workers=workers)


def fit_one_wqs(specification: Mapping[str, Any], records: pd.DataFrame) -> Fitted:
    """Fit one WQS regression by the procedure that its specification names."""
    n, events = check_events(specification, records)
    is_survey = "weight" in records
    spec = WQS(
        outcome=specification["outcome"],
        exposures=tuple(specification["exposures"]),
        covariates=tuple(specification["covariates"]),
        family=specification["family"],
        direction=specification["direction"],
        bootstraps=specification["bootstraps"],
        weights="weight" if is_survey else None,
        strata="strata" if is_survey else None,
        psu="psu" if is_survey else None,
        domain="domain",
        identifier="seqn",
    )
    seed = specification["seed"]
    procedure = specification["procedure"]
    if procedure == "single_split":
        single = fit_wqs(spec, records, seed=seed)
        return Fitted(
            n=n,
            events=events,
            tables={"estimates": _index(single.estimates()), "weights": single.weights()},
            converged=single.converged,
            warnings=single.warnings,
        )
    if procedure == "repeated_holdout":
        repeated = fit_repeated_holdout_wqs(
            spec,
            records,
            seed=seed,
            options=HoldoutOptions(holdouts=specification["holdouts"], workers=1, progress=False),
        )
        estimates = _index(repeated.estimates()).reindex(columns=ESTIMATES)
        return Fitted(
            n=n,
            events=events,
            tables={"estimates": estimates, "weights": repeated.weights()},
            converged=repeated.converged,
            warnings=repeated.warnings,
        )
    if procedure == "permutation":
        tested = permutation_test_wqs(
            spec,
            records,
            seed=seed,
            options=PermutationOptions(permutations=specification["permutations"], workers=1, progress=False),
        )
        weights = pd.DataFrame({"exposure": list(spec.exposures), "weight": tested.index_weights})
        return Fitted(
            n=n,
            events=events,
            tables={
                "estimates": tested.estimates().reindex(columns=ESTIMATES),
                "weights": weights.reindex(columns=WEIGHTS),
            },
            converged=tested.converged,
            warnings=tested.warnings,
        )
    raise SpecificationError(
        f"expected procedure single_split, repeated_holdout or permutation, found {procedure!r}"
    )


def _index(estimates: pd.DataFrame) -> pd.DataFrame:
    return estimates[estimates["term"] == "wqs"]
