"""Index weights: one sign-constrained fit per bootstrap, averaged by signal."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mixepi.arrays import BoolArray, FloatArray, IntArray
from mixepi.errors import (
    ConvergenceWarning,
    DirectionError,
    DirectionWarning,
    MixepiWarning,
    SeparationError,
    SeparationWarning,
)
from mixepi.glm.constrained import ConstrainedFits, fit_constrained
from mixepi.wqs.data import WQSData
from mixepi.wqs.spec import WQS

KKT_TOLERANCE = 1e-6
# A linear predictor beyond this is a probability within 1e-7 of 0 or 1.
CERTAIN = 16.0


@dataclass(frozen=True, kw_only=True)
class BootstrapFits:
    """All bootstrap fits of one training set: D directions, B bootstraps, K index columns.

    Attributes
    ----------
    weights : array, shape (D, B, K)
        Index weights of each fit, summing to 1; missing where the fit has no index in that direction.
    coefficients, std_errors, tolerances : array, shape (D, B)
        b1, its standard error given the weights, and 1/VIF of the index.
    signals : array, shape (D, B)
        Weight of the bootstrap in the average; 0 where it does not count.
    used : bool array, shape (D, B)
        The bootstrap counts in the average.
    preferred : bool array, shape (D, B)
        The direction fits better than the other one (two indices: it is not empty).
    deviances, kkt_violations : array, shape (B,)
    iterations : array, shape (B,)
    converged, separated : bool array, shape (B,)
    """

    weights: FloatArray
    coefficients: FloatArray
    std_errors: FloatArray
    tolerances: FloatArray
    signals: FloatArray
    used: BoolArray
    preferred: BoolArray
    deviances: FloatArray
    kkt_violations: FloatArray
    iterations: IntArray
    converged: BoolArray
    separated: BoolArray

    @property
    def failed(self) -> BoolArray:
        """Bootstraps, shape (B,), that count for nothing because they are separated or did not converge."""
        return np.asarray(~self.used.any(axis=0) & (self.separated | ~self.converged))

    def average(self) -> FloatArray:
        """Return the final index weights, shape (D, K): the signal-weighted mean over bootstraps."""
        rows = np.where(self.used[..., None], self.weights, 0.0)
        total = self.signals.sum(axis=1, keepdims=True)
        return np.asarray(np.einsum("dbk,db->dk", rows, self.signals) / total)


def draw_subsets(generator: np.random.Generator, spec: WQS, columns: int) -> BoolArray:
    """Return which index columns each random-subset fit uses, shape (B, K)."""
    exposures = len(spec.exposures)
    asked = spec.random_subset
    size = max(1, round(float(np.sqrt(exposures)))) if asked == "sqrt" or asked is None else asked
    order = np.argsort(generator.random((spec.bootstraps, exposures)), axis=1)
    included = np.zeros((spec.bootstraps, exposures), dtype=np.bool_)
    np.put_along_axis(included, order[:, :size], True, axis=1)
    return np.tile(included, (1, columns // exposures))


def fit_bootstraps(
    spec: WQS, arrays: WQSData, rows: BoolArray, counts: FloatArray, included: BoolArray | None = None
) -> BootstrapFits:
    """Fit every bootstrap of the training `rows` (mask over the analysed rows) to its global optimum.

    For a specification without interaction; `mixepi.wqs.interaction` fits the others.

    Parameters
    ----------
    counts : array, shape (B, m)
        How often each of the m training rows is drawn; (1, m) with `included`.
    included : bool array, shape (B, K), optional
        Exposures of each random-subset fit.
    """
    K = arrays.index_columns.shape[1]
    if included is not None:
        counts = np.broadcast_to(counts, (included.shape[0], counts.shape[1]))
    parameters = 1 + arrays.covariates.matrix.shape[1] + len(spec.directions)

    def fit(sign: int) -> ConstrainedFits:
        signs = np.full(K, sign) if included is None else np.where(included, sign, 2)
        return fit_constrained(
            arrays.index_columns[rows],
            arrays.covariates.matrix[rows],
            arrays.outcome[rows],
            counts * arrays.weights[rows],
            signs,
            family=spec.family,
            offset=arrays.offset[rows],
            residual_df=float(rows.sum() - parameters),
        )

    if spec.direction == "both":
        # Any theta is a positive index minus a negative one, so the model with two indices is the
        # unconstrained fit; its parts by sign are the representation with the smallest coefficients.
        both = fit(0)
        return collect(spec, both, [0, 1], both.index_coefficients.T != 0, float(arrays.index_columns.max()))
    return choose_sign(spec, arrays, fit)


def choose_sign(spec: WQS, arrays: WQSData, fit: Callable[[int], ConstrainedFits]) -> BootstrapFits:
    """Fit both signs; keep the one asked for, or fit by fit the better one if the sign is free."""
    side, sign = (0, 1) if spec.direction == "positive" else (1, -1)
    wanted, other = fit(sign), fit(-sign)
    preferred = (wanted.deviances < other.deviances) & (wanted.index_coefficients[:, side] != 0)
    fits = wanted if spec.constrain_sign else better_of(wanted, other)
    return collect(spec, fits, [side], preferred[None], float(np.abs(arrays.index_columns).max()))


def better_of(wanted: ConstrainedFits, other: ConstrainedFits) -> ConstrainedFits:
    """Return, fit by fit, the one with the smaller deviance; `wanted` in a tie."""
    pick = other.deviances < wanted.deviances
    columns = pick[:, None]
    return ConstrainedFits(
        np.where(columns, other.coefficients, wanted.coefficients),
        np.where(columns, other.index_coefficients, wanted.index_coefficients),
        np.where(columns, other.index_std_errors, wanted.index_std_errors),
        np.where(columns, other.index_tolerances, wanted.index_tolerances),
        np.where(pick, other.deviances, wanted.deviances),
        np.where(pick, other.kkt_violations, wanted.kkt_violations),
        np.where(pick, other.iterations, wanted.iterations),
        np.where(pick, other.converged, wanted.converged),
        np.where(pick, other.separated, wanted.separated),
        np.where(pick, other.sizes, wanted.sizes),
    )


def collect(
    spec: WQS, fits: ConstrainedFits, sides: list[int], preferred: BoolArray, largest_score: float
) -> BootstrapFits:
    """Turn coefficients into index weights and signals, for each wanted side (0 positive, 1 negative)."""
    weights, coefficients, errors, tolerances, used = [], [], [], [], []
    other_way = np.abs(fits.index_coefficients).sum(axis=1)
    for side in sides:
        part = np.maximum(fits.coefficients if side == 0 else -fits.coefficients, 0)
        total = fits.index_coefficients[:, side]
        with np.errstate(invalid="ignore", divide="ignore"):
            weights.append(part / np.abs(total)[:, None])
        coefficients.append(total if len(sides) == 2 else fits.index_coefficients.sum(axis=1))
        # A fit in the other direction is reported with its own coefficient and standard error.
        own = side if len(sides) == 2 else np.where(total != 0, side, 1 - side)
        errors.append(
            np.take_along_axis(fits.index_std_errors, np.broadcast_to(own, (total.size,))[:, None], 1)[:, 0]
        )
        tolerances.append(
            np.take_along_axis(fits.index_tolerances, np.broadcast_to(own, (total.size,))[:, None], 1)[:, 0]
        )
        runaway = fits.separated & (other_way * largest_score > 2 * CERTAIN)
        used.append((total != 0) & fits.converged & ~runaway & np.isfinite(errors[-1]))
    stacked = np.array(errors)
    flags = np.array(used)
    with np.errstate(invalid="ignore", divide="ignore"):
        statistic = np.array(tolerances) if len(sides) == 2 else np.array(coefficients) / stacked
    signals = signal_weights(spec.signal, statistic)
    return BootstrapFits(
        weights=np.array(weights),
        coefficients=np.array(coefficients),
        std_errors=stacked,
        tolerances=np.array(tolerances),
        signals=np.where(flags, signals, 0.0),
        used=flags,
        preferred=preferred,
        deviances=fits.deviances,
        kkt_violations=fits.kkt_violations,
        iterations=fits.iterations,
        converged=fits.converged,
        separated=fits.separated,
    )


def signal_weights(signal: str, statistic: FloatArray) -> FloatArray:
    """Return the weight of each bootstrap in the average, from its t statistic (two indices: its
    tolerance)."""
    t = np.abs(statistic)
    choices = {"t2": t**2, "t3": t**3, "abst": t, "expt": np.expm1(t), "one": np.ones_like(t)}
    return choices[signal]


def require_direction(spec: WQS, fits: BootstrapFits) -> None:
    """Raise `DirectionError` if no bootstrap has the index, `SeparationError` if none is finite."""
    for d, direction in enumerate(spec.directions):
        if fits.signals[d].sum() > 0:
            continue
        B = fits.used.shape[1]
        separated = int(fits.separated.sum())
        if separated > B / 2:
            raise SeparationError(
                f"expected a finite index in {B} bootstraps, found the outcome predicted with certainty in "
                f"{separated}: use fewer exposures, random_subset, or more rows"
            )
        other = int(np.sum(~fits.preferred[d]))
        raise DirectionError(
            f"expected bootstraps with a {direction} index, found none of {B} ({other} fit better the "
            "other way): "
            "fit the other direction, or both; the data do not support this one"
        )


def fit_notes(spec: WQS, fits: BootstrapFits) -> list[MixepiWarning]:
    """Return warnings about the bootstraps: other sign, separation, convergence."""
    notes: list[MixepiWarning] = []
    B = fits.used.shape[1]
    for d, direction in enumerate(spec.directions):
        kept = int(fits.preferred[d].sum())
        if kept < B / 2:
            notes.append(
                DirectionWarning(
                    f"expected most of {B} bootstraps to fit a {direction} index better than the other sign, "
                    f"found {kept}: no effect, or a stronger one the other way; see direction='both'"
                )
            )
    separated = int(fits.separated.sum())
    if separated:
        notes.append(
            SeparationWarning(
                f"expected finite fits in {B} bootstraps, found separation in {separated} (some rows are "
                "predicted "
                "with certainty): merge rare categories or use fewer covariates"
            )
        )
    wrong = int(np.sum(~fits.converged | (fits.kkt_violations > KKT_TOLERANCE)))
    if wrong:
        notes.append(
            ConvergenceWarning(
                f"expected {B} bootstraps to meet the optimality conditions to {KKT_TOLERANCE:g}, found "
                f"{wrong} "
                "that do not: check for extreme values"
            )
        )
    return notes
