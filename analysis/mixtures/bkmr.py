"""The BKMR fits of a study."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from analysis.cache.checkpoints import working_folder
from analysis.cache.fit_cache import FitCache
from analysis.mixtures.plan import MIXTURE_KEYS, StudyTables, check_events, mixture_tasks
from analysis.run_plan import Fitted, run_plan, table_field
from mixepi import BKMR, BKMRResult, ChainOptions, DamagedCheckpointError, fit_bkmr
from mixepi.errors import QuantileWarning
from mixepi.model_frame import covariate_columns

NUMBER, TEXT = pa.float64(), pa.string()
POSTERIOR = dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high"), NUMBER)
SCHEMA = pa.schema(
    [
        table_field("draws", parameter=TEXT, chain=pa.int32(), draw=pa.int32(), value=NUMBER),
        table_field(
            "diagnostics",
            parameter=TEXT,
            **POSTERIOR,
            **dict.fromkeys(("r_hat", "ess_bulk", "ess_tail", "mcse"), NUMBER),
            judged=pa.bool_(),
        ),
        table_field("pips", exposure=TEXT, pip=NUMBER, prior_pip=NUMBER, mcse=NUMBER),
        table_field(
            "response", exposure=TEXT, scale=TEXT, quantile=NUMBER, exposure_value=NUMBER, **POSTERIOR
        ),
        table_field(
            "response_bivariate",
            exposure=TEXT,
            other_exposure=TEXT,
            scale=TEXT,
            exposure_value=NUMBER,
            other_value=NUMBER,
            **POSTERIOR,
        ),
        table_field("overall", scale=TEXT, quantile=NUMBER, **POSTERIOR),
        table_field("single", exposure=TEXT, scale=TEXT, fixed_quantile=NUMBER, **POSTERIOR),
        table_field("interactions", exposure=TEXT, scale=TEXT, **POSTERIOR),
    ]
)
SETTINGS = ("seed", "chains", "warmup", "draws", "max_draws", "summary_draws", "grid", "bivariate_grid")


def fit_bkmr_plan(
    plan: pd.DataFrame, tables: StudyTables, *, cache: FitCache | None = None, workers: int | None = None
) -> pa.Table:
    """Fit the BKMR rows of a plan of mixtures.

    Parameters
    ----------
    plan : pandas.DataFrame
        One row per fit: the columns that `mixture_tasks` reads, and seed, chains, warmup, draws,
        max_draws, summary_draws (how many of the kept draws responses are computed from), grid and
        bivariate_grid (points along an exposure; 0 for no bivariate response).
    tables : StudyTables
    cache, workers
        See `analysis.run_plan.run_plan`. A fit that was stopped goes on from its checkpoint in the cache,
        and gives the same result as one that was not.

    Returns
    -------
    pyarrow.Table
        As `run_plan` returns it, with the lists ``draws``, ``diagnostics``, ``pips``, ``response``,
        ``response_bivariate``, ``overall``, ``single`` and ``interactions``. Responses are on the link scale
        and, for a binary outcome, as probabilities too. converged is false, and warnings says which quantity
        is at fault, where R-hat or ESS miss their limits.
    """
    tasks = mixture_tasks("BKMR", plan, tables, fit_one_bkmr, SCHEMA, SETTINGS)
    if cache:
        cache.remove_stale()
        tasks = [
            replace(task, fit=partial(fit_one_bkmr, checkpoint=cache.checkpoint(task.digest)))
            for task in tasks
        ]
    return run_plan(plan, MIXTURE_KEYS, tasks, SCHEMA, cache=cache, workers=workers)


def fit_one_bkmr(
    specification: Mapping[str, Any], records: pd.DataFrame, checkpoint: Path | None = None
) -> Fitted:
    """Fit one BKMR on logarithms of the exposures, from its checkpoint if there is one; summarise it."""
    n, events = check_events(specification, records)
    covariates = covariate_columns(records, specification["covariates"])
    exposures = list(specification["exposures"])
    data = pd.DataFrame(covariates.matrix, columns=list(covariates.names)).assign(
        **{name: records[name].to_numpy() for name in [specification["outcome"], *exposures]}
    )
    spec = BKMR(
        outcome=specification["outcome"],
        exposures=tuple(exposures),
        covariates=covariates.names,
        family=specification["family"],
        log=True,
    )
    options = ChainOptions(
        chains=specification["chains"],
        warmup=specification["warmup"],
        draws=specification["draws"],
        max_draws=specification["max_draws"],
        workers=1,
        progress=False,
    )
    with working_folder(checkpoint) as folder:
        result = _fit(spec, data, specification["seed"], replace(options, checkpoint=folder))
    converged = result.status == "converged"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", QuantileWarning)
        tables = _tables(result, specification, data)
    refused = [str(item.message) for item in caught if issubclass(item.category, QuantileWarning)]
    return Fitted(
        n=n,
        events=events,
        tables=tables,
        converged=converged,
        warnings=(*(() if converged else (result.status,)), *dict.fromkeys(refused)),
    )


def _fit(spec: BKMR, data: pd.DataFrame, seed: int, options: ChainOptions) -> BKMRResult:
    try:
        return fit_bkmr(spec, data, seed=seed, options=options)
    except DamagedCheckpointError:
        assert options.checkpoint
        for path in options.checkpoint.glob("*.pickle"):
            path.unlink()
        return fit_bkmr(spec, data, seed=seed, options=options)


def _tables(
    result: BKMRResult, specification: Mapping[str, Any], data: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    scales = ("link", "probability") if specification["family"] == "binomial" else ("link",)
    options = {"univariate": {"grid": specification["grid"]}, "overall": {}, "single": {}, "interactions": {}}
    requests = [(name, {**given, "scale": scale}) for name, given in options.items() for scale in scales]
    if specification["bivariate_grid"]:
        requests.append(("bivariate", {"grid": specification["bivariate_grid"]}))
    answers = result.summaries(*requests, draws=specification["summary_draws"])
    by_name: dict[str, list[pd.DataFrame]] = {}
    for (name, _), table in zip(requests, answers, strict=True):
        by_name.setdefault(name, []).append(table)
    found = {name: pd.concat(parts, ignore_index=True) for name, parts in by_name.items()}
    response = found["univariate"].rename(columns={"value": "exposure_value"})
    tables = {
        "draws": result.draws(),
        "diagnostics": result.estimates().rename(columns={"term": "parameter"}),
        "pips": result.pips(),
        "response": response.assign(quantile=_shares_at_most(response, data)),
        "overall": found["overall"],
        "single": found["single"].rename(columns={"fixed": "fixed_quantile"}),
        "interactions": found["interactions"],
    }
    if "bivariate" in found:
        names = {
            "exposure_1": "exposure",
            "exposure_2": "other_exposure",
            "value_1": "exposure_value",
            "value_2": "other_value",
        }
        tables["response_bivariate"] = found["bivariate"].rename(columns=names)
    return tables


def _shares_at_most(response: pd.DataFrame, data: pd.DataFrame) -> np.ndarray:
    """Return the share of participants at or below each exposure value, to a relative error of 1e-9."""
    shares = [
        np.mean(data[name].to_numpy() <= value * (1 + 1e-9))
        for name, value in zip(response["exposure"], response["exposure_value"], strict=True)
    ]
    return np.array(shares)
