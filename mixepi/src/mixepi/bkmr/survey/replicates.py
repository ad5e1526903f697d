"""Replicate refits: standard errors of BKMR's tables from fits to replicate weights.

Slow, and a check of the infinitesimal jackknife: that is what leaving out a PSU would do to first order.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from mixepi.arguments import require_choice, require_integer, require_type
from mixepi.arrays import FloatArray
from mixepi.bkmr import summaries
from mixepi.bkmr.contrasts import LEVEL, Request, answer
from mixepi.bkmr.fit import run
from mixepi.bkmr.results import TABLES, BKMRResult
from mixepi.bkmr.spec import ChainOptions
from mixepi.errors import ConvergenceWarning, SpecificationError
from mixepi.fan_out import fan_out
from mixepi.random_streams import random_stream
from mixepi.survey.design import SamplingUnits, rao_wu_factors, sampling_units

Kind = Literal["jackknife", "bootstrap"]


@dataclass(frozen=True, kw_only=True)
class ReplicateWeights:
    """Factors of PSUs, shape (R, S), and what a squared deviation of each replicate counts, shape (R,)."""

    factors: FloatArray
    coefficients: FloatArray


def jackknife_weights(units: SamplingUnits) -> ReplicateWeights:
    """JKn: each PSU left out in turn, the others of its stratum of m times m / (m - 1)."""
    factors = np.ones((units.strata.size, units.strata.size))
    coefficients = np.empty(units.strata.size)
    for members in units.by_stratum():
        m = members.size
        factors[np.ix_(members, members)] = m / (m - 1)
        factors[members, members] = 0.0
        coefficients[members] = (m - 1) / m
    return ReplicateWeights(factors=factors, coefficients=coefficients)


def bootstrap_weights(units: SamplingUnits, resamples: int, rng: np.random.Generator) -> ReplicateWeights:
    """The rescaled bootstrap of Rao and Wu (1988)."""
    factors = rao_wu_factors(rng, units.strata, resamples)
    return ReplicateWeights(factors=factors, coefficients=np.full(resamples, 1 / resamples))


@dataclass(frozen=True, kw_only=True)
class _Replicate:
    """A fit, the factors of its rows' weights, and the tables that are asked for."""

    result: BKMRResult
    options: ChainOptions
    requests: tuple[tuple[str, dict[str, Any]], ...]
    draws: int

    def estimates(self, factors: FloatArray) -> FloatArray:
        """All estimates of all tables from the fit to `weights` times these factors, shape (n,)."""
        model = self.result.model
        weights = factors * (np.ones(model.n) if model.weights is None else model.weights)
        kept = weights > 0
        weights = weights[kept] * (model.size / weights.sum())
        smaller = replace(
            model, y=model.y[kept], X=model.X[kept], z=model.z[kept], weights=weights, cluster=None
        )
        with warnings.catch_warnings():
            # Refits are as long as they were asked to be.
            warnings.simplefilter("ignore", ConvergenceWarning)
            fit = run(self.result.spec, smaller, self.result.scaler, self.result.seed, self.options)
        tables = answer(fit, _requests(self.result, self.requests), self.draws)
        return np.concatenate([table["estimate"].to_numpy() for table in tables])


def _requests(result: BKMRResult, wanted: Sequence[tuple[str, dict[str, Any]]]) -> list[Request]:
    """Percentiles are those of the whole fit."""
    return [getattr(summaries, name)(result, **options) for name, options in wanted]


def replicate_bkmr(
    result: BKMRResult,
    *requests: tuple[str, dict[str, Any]],
    kind: Kind = "jackknife",
    resamples: int = 200,
    options: ChainOptions | None = None,
    draws: int = 400,
    workers: int | None = None,
) -> list[pd.DataFrame]:
    """Refit a BKMR under replicate weights, for standard errors of its tables.

    Parameters
    ----------
    result : BKMRResult
        Of a fit with strata and PSUs.
    *requests : tuple of str and dict
        Tables and their options, as of `BKMRResult.summaries`.
    kind : {"jackknife", "bootstrap"}
        "jackknife" (default): each PSU left out in turn (JKn), 30 refits for 15 strata of two.
        "bootstrap": `resamples` refits to the rescaled bootstrap of Rao and Wu (1988).
    resamples : int
        200 by default.
    options : ChainOptions, optional
        How long each refit runs; as the fit, by default.
    draws : int
        Draws used of each (400 by default).
    workers : int, optional
        Refits at once; by default as many as there are processors. Results do not depend on it.

    Returns
    -------
    list of DataFrame
        The tables, with `std_error` that of the refits about the estimate, bounds from t with `df` degrees of
        freedom, and `replicates`, their number. The Monte-Carlo error of the refits is part of it: it adds
        R c v / ess to the variance, for R refits that count c each (1 / 2 with two PSUs per stratum), a
        posterior variance of v and an effective number of draws of ess.

    Raises
    ------
    SpecificationError
        The fit has no design, or no table is asked for.
    """
    require_type("result", result, BKMRResult)
    require_choice("kind", kind, ("jackknife", "bootstrap"))
    for name, _ in requests:
        require_choice("a table", name, TABLES)
    if result.design is None or not requests:
        raise SpecificationError(
            "expected a fit with strata and psu, and at least one table, found "
            f"{'no design' if result.design is None else 'no table'}: name them, such as ('overall', {{}})"
        )
    units = sampling_units(result.design)
    if kind == "jackknife":
        replicates = jackknife_weights(units)
    else:
        rng = random_stream(result.seed, "bkmr", "replicates")
        replicates = bootstrap_weights(units, require_integer("resamples", resamples, 2, "200 is usual"), rng)
    chosen = replace(options or result.options, workers=1, progress=False, checkpoint=None)
    rows = units.of_row[np.flatnonzero(result.design.domain)]
    task = _Replicate(result=result, options=chosen, requests=requests, draws=draws)
    found = np.array(
        fan_out(
            partial(_Replicate.estimates, task),
            [factors[rows] for factors in replicates.factors],
            workers=workers,
            description="replicate refits",
        )
    )
    tables = answer(replace(result, design=None), _requests(result, requests), draws)
    centre = np.concatenate([table["estimate"].to_numpy() for table in tables])
    variance = replicates.coefficients @ (found - centre) ** 2
    reach = float(stats.t.ppf(0.5 * (1 + LEVEL), units.df))
    ends = np.cumsum([len(table) for table in tables])[:-1]
    return [
        table.assign(
            std_error=std_error,
            conf_low=table["estimate"] - reach * std_error,
            conf_high=table["estimate"] + reach * std_error,
            df=units.df,
            replicates=len(found),
            method=f"{result.method}; standard errors from {len(found)} refits ({kind})",
        )
        for table, std_error in zip(tables, np.split(np.sqrt(variance), ends), strict=True)
    ]
