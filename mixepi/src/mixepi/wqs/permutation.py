"""Permutation p value of a WQS index fitted without a split (Day et al. 2022)."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from warnings import warn

import numpy as np
import pandas as pd

from mixepi.arguments import require_seed, require_type
from mixepi.arrays import FloatArray
from mixepi.errors import ConvergenceWarning, DirectionError, SpecificationError
from mixepi.fan_out import fan_out
from mixepi.glm.constrained import fit_glm
from mixepi.random_streams import random_stream
from mixepi.replicates import Failure, attempted, settled
from mixepi.results import charts
from mixepi.results.base import Result
from mixepi.tables import check_level
from mixepi.wqs.bootstraps import require_direction
from mixepi.wqs.data import WQSData, wqs_data
from mixepi.wqs.fit import draw_and_fit
from mixepi.wqs.results import index_name
from mixepi.wqs.spec import WQS, PermutationOptions

PERMUTATION_COLUMNS = (
    "term",
    "estimate",
    "p_value",
    "permutations",
    "p_value_error",
    "null_median",
    "null_high",
)


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class PermutationResult(Result):
    """Observed index coefficient and its permutation distribution.

    Attributes
    ----------
    spec : WQS
        With `validation` 0.
    seed : int
    estimate : float
        Index coefficient with weights and coefficient from all rows.
    index_weights : array, shape (K,)
    null_estimates : array, shape (P,)
        Coefficients under permutation; 0 where no bootstrap had the direction, missing where the permuted
        data could not be fitted.
    p_value : float
        One-sided: (1 + number at least as extreme in the direction) / (1 + P). Permutations that could not be
        fitted count as more extreme, so that they never make a p value smaller.
    warnings : tuple of str
    """

    spec: WQS
    seed: int
    estimate: float
    index_weights: FloatArray
    null_estimates: FloatArray
    p_value: float
    warnings: tuple[str, ...]

    @property
    def converged(self) -> bool:
        """Whether most permutations could be fitted."""
        return settled(self._completed.size, self.null_estimates.size, 1)

    @property
    def _completed(self) -> FloatArray:
        return self.null_estimates[np.isfinite(self.null_estimates)]

    def estimates(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row with the columns `PERMUTATION_COLUMNS`.

        `p_value_error` is the Monte-Carlo error; `null_high` is the quantile of the permutations that only
        1 - `level` of them exceed in the direction.
        """
        check_level(level)
        P, completed = self.null_estimates.size, self._completed
        tail = level if self.spec.direction == "positive" else 1 - level
        median, high = np.quantile(completed, [0.5, tail]) if self.converged else (np.nan, np.nan)
        return pd.DataFrame(
            [
                {
                    "term": "wqs",
                    "estimate": self.estimate,
                    "p_value": self.p_value,
                    "permutations": P,
                    "p_value_error": float(np.sqrt(self.p_value * (1 - self.p_value) / P)),
                    "null_median": float(median),
                    "null_high": float(high),
                }
            ],
            columns=list(PERMUTATION_COLUMNS),
        )

    def headline(self) -> str:
        """Return in one line what was tested."""
        spec = self.spec
        return (
            f"permutation test of WQS, {index_name(spec)}, {spec.family} {spec.outcome}, "
            f"{self.null_estimates.size} permutations, seed {self.seed}"
        )

    def remarks(self) -> tuple[str, ...]:
        """Return the warnings of the test."""
        return self.warnings

    def plot_permutations(self) -> Any:
        """Return an altair histogram of the coefficients under permutation and the observed one.

        Raises
        ------
        MissingPackageError
            Altair is not installed.
        """
        return charts.plot_null(
            pd.DataFrame({"estimate": self._completed}),
            self.estimate,
            charts.effect_label(self.spec.family, self.spec.outcome),
            f"{self.headline()}: p = {self.p_value:.3g}",
        )


def permutation_test_wqs(
    spec: WQS,
    data: pd.DataFrame,
    *,
    seed: int,
    options: PermutationOptions | None = None,
) -> PermutationResult:
    """Test the index without splitting the data.

    Weights and coefficient come from all rows, which alone would bias the test; the same procedure on
    permuted data gives the null distribution. Gaussian: residuals of the outcome on the covariates are
    permuted and added back to the fitted values. Other families: the scores are regressed on the
    covariates, and the rows of their residuals are permuted together, which keeps their correlation
    and keeps the outcome with its covariates.

    Parameters
    ----------
    spec : WQS
        `validation` is set to 0; one direction, no interaction, no survey design.
    data : DataFrame
    seed : int
        Permutation k depends on (seed, k) only.
    options : PermutationOptions, optional

    Returns
    -------
    PermutationResult

    Raises
    ------
    SpecificationError
        For two directions, an interaction, or a survey design, under which rows cannot be exchanged.
    DirectionError
        If the observed data have no index in the direction.

    Warns
    -----
    ConvergenceWarning
        If permuted data could not be fitted.

    References
    ----------
    Day DB, Sathyanarayana S, LeWinn KZ, et al. (2022). A permutation test-based approach to strengthening
    inference on the effects of environmental mixtures. Environ Health Perspect 130:87010.
    """
    require_type("spec", spec, WQS)
    require_seed(seed)
    if spec.direction == "both" or spec.interaction is not None:
        raise SpecificationError(
            f"expected one direction and no interaction, found direction={spec.direction!r}, "
            f"interaction={spec.interaction!r}: test one index at a time"
        )
    if spec.is_survey:
        raise SpecificationError(
            f"expected no survey design, found strata={spec.strata!r} and psu={spec.psu!r}: people of "
            "unequal weights in PSUs that are alike cannot be exchanged, so permuting them gives no null "
            "distribution; use fit_qgcomp, or fit_wqs with its split by whole PSUs, or leave the "
            "design out and test the sample as it is"
        )
    options = PermutationOptions() if options is None else options
    require_type("options", options, PermutationOptions)
    whole = replace(spec, validation=0.0)
    arrays = wqs_data(whole, data)
    arrays.require_rows(np.ones(arrays.outcome.size, dtype=np.bool_), "analysed")
    observed, weights = _coefficient(whole, arrays, random_stream(seed, "wqs", "permutation", "observed"))
    if weights is None:
        raise DirectionError(
            f"expected bootstraps with a {spec.direction} index in the observed data, found none: "
            "there is no index to test; fit the other direction"
        )
    residuals = _residuals(whole, arrays)
    found = fan_out(
        partial(attempted, partial(_permuted, whole, arrays, residuals, seed)),
        range(options.permutations),
        workers=options.workers,
        description="WQS permutations" if options.progress else None,
        backend="threads",
    )
    null = np.array([np.nan if isinstance(one, Failure) else one for one in found])
    reasons = [one.reason for one in found if isinstance(one, Failure)]
    notes = list(arrays.notes)
    if reasons:
        notes.append(
            ConvergenceWarning(
                f"expected {options.permutations} permutations with finite fits, found "
                f"{options.permutations - len(reasons)}: the others count as more extreme; the first: "
                f"{reasons[0]}"
            )
        )
    for note in notes:
        warn(note, stacklevel=2)
    extreme = ~(null < observed) if spec.direction == "positive" else ~(null > observed)
    return PermutationResult(
        spec=whole,
        seed=seed,
        estimate=observed,
        index_weights=weights,
        null_estimates=null,
        p_value=float((1 + extreme.sum()) / (1 + options.permutations)),
        warnings=tuple(map(str, notes)),
    )


def _coefficient(
    spec: WQS, arrays: WQSData, generator: np.random.Generator
) -> tuple[float, FloatArray | None]:
    rows = np.ones(arrays.outcome.size, dtype=np.bool_)
    fits = draw_and_fit(spec, arrays, rows, generator)
    try:
        require_direction(spec, fits)
    except DirectionError:
        return 0.0, None
    weights = fits.average()[0]
    n = rows.size
    design = np.column_stack([np.ones(n), arrays.index_columns @ weights, arrays.covariates.matrix])
    names = ("intercept", "wqs", *arrays.covariates.names)
    model = fit_glm(
        design, names, arrays.outcome, family=spec.family, weights=arrays.weights, offset=arrays.offset
    )
    return float(model.coefficients[1]), weights


def _residuals(spec: WQS, arrays: WQSData) -> FloatArray:
    """Return residuals on the covariates of the outcome (n, 1) for gaussian, of the scores (n, K)
    otherwise."""
    Z = np.column_stack([np.ones(arrays.outcome.size), arrays.covariates.matrix])
    wanted = (arrays.outcome - arrays.offset)[:, None] if spec.family == "gaussian" else arrays.index_columns
    root = np.sqrt(arrays.weights)[:, None]
    fitted = Z @ np.linalg.lstsq(Z * root, wanted * root, rcond=None)[0]
    return np.asarray(wanted - fitted)


def _permuted(spec: WQS, arrays: WQSData, residuals: FloatArray, seed: int, number: int) -> float:
    generator = random_stream(seed, "wqs", "permutation", number)
    order = generator.permutation(residuals.shape[0])
    if spec.family == "gaussian":
        fitted = arrays.outcome - residuals[:, 0]
        shuffled = replace(arrays, outcome=fitted + residuals[order, 0])
    else:
        shuffled = replace(arrays, index_columns=residuals[order])
    return _coefficient(spec, shuffled, generator)[0]
