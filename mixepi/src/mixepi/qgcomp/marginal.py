"""Quantile g-computation by a marginal structural model: curved effects, interactions, risk ratios."""

from dataclasses import dataclass
from typing import Any
from warnings import warn

import numpy as np
import pandas as pd

from mixepi.arguments import require_integer, require_seed
from mixepi.arrays import FloatArray
from mixepi.errors import ConvergenceWarning, MixepiWarning, SeparationWarning
from mixepi.glm.constrained import fit_glm, fit_resamples
from mixepi.qgcomp.data import QGCompData, qgcomp_data
from mixepi.qgcomp.fit import mixture_name
from mixepi.qgcomp.spec import QGComp
from mixepi.qgcomp.structural import (
    curvature,
    fit_structural,
    inverse_link,
    link_name,
    powers,
    require_settled,
    score_factor,
)
from mixepi.quantile_scores import QuantileScores
from mixepi.random_streams import random_stream
from mixepi.replicates import NEEDED_FOR_VARIANCE, enough, few_replicates, settled
from mixepi.resampling import draw_counts
from mixepi.results import charts
from mixepi.results.base import IntervalResult
from mixepi.survey.design import rao_wu_factors, sampling_units, total_covariance
from mixepi.tables import check_level, estimate_table, with_counts

OUTCOME_LINKS = {"gaussian": "identity", "binomial": "logit", "poisson": "log"}
OVERALL_COLUMNS = ("joint_quantile", "mean_outcome", "structural_model", "std_error", "conf_low", "conf_high")


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class QGCompMarginalResult(IntervalResult):
    """A fitted marginal structural model of degree d over v joint exposure levels.

    Attributes
    ----------
    spec : QGComp
    seed : int or None
        None for sandwich standard errors.
    scores : QuantileScores
    link : {"identity", "logit", "log"}
    psi : array, shape (d + 1,)
        Intercept and slopes of the joint quantile.
    covariance : array, shape (d + 1, d + 1)
        Missing if too few resamples have finite fits.
    df, interval_df : float
    levels, mean_outcomes : array, shape (v,)
        Joint exposure levels and the standardised mean outcome under each.
    outcome_terms, outcome_coefficients : length k
        The outcome model behind the predictions.
    draws : array, shape (B, d + 1)
        Bootstrap replicates of psi with finite fits; empty for the sandwich.
    resamples : int
        Replicates asked for; 0 for the sandwich.
    n : int
    events : int or None
    inference : str
    warnings : tuple of str
    """

    spec: QGComp
    seed: int | None
    scores: QuantileScores
    link: str
    psi: FloatArray
    covariance: FloatArray
    df: float
    interval_df: float
    levels: FloatArray
    mean_outcomes: FloatArray
    outcome_terms: tuple[str, ...]
    outcome_coefficients: FloatArray
    draws: FloatArray
    resamples: int
    n: int
    events: int | None
    inference: str
    warnings: tuple[str, ...]

    @property
    def converged(self) -> bool:
        """Whether failed resamples leave an interval; true for the sandwich."""
        return settled(len(self.draws), self.resamples, NEEDED_FOR_VARIANCE) if self.resamples else True

    def estimates(self, level: float = 0.95) -> pd.DataFrame:
        """Return intercept, psi1, psi2, ... with the columns of `QGCompResult.estimates`."""
        terms = ("intercept", *(f"psi{k}" for k in range(1, self.psi.size)))
        errors = np.sqrt(np.diag(self.covariance))
        table = estimate_table(terms, self.psi, errors, self.df, level, self.interval_df)
        return with_counts(table, self.n, self.events)

    def overall(self, level: float = 0.95) -> pd.DataFrame:
        """Return mean outcomes by joint quantile: `OVERALL_COLUMNS`, intervals of the structural model."""
        check_level(level)
        P = powers(self.levels, self.psi.size - 1)
        eta = P @ self.psi
        errors = np.sqrt(np.einsum("va,ab,vb->v", P, self.covariance, P))
        band = estimate_table(list(map(str, self.levels)), eta, errors, self.interval_df, level)
        return pd.DataFrame(
            {
                "joint_quantile": self.levels,
                "mean_outcome": self.mean_outcomes,
                "structural_model": inverse_link(self.link, eta),
                "std_error": errors,
                "conf_low": inverse_link(self.link, band["conf_low"].to_numpy(dtype=np.float64)),
                "conf_high": inverse_link(self.link, band["conf_high"].to_numpy(dtype=np.float64)),
            }
        )

    def plot_overall(self, level: float = 0.95) -> Any:
        """Return an altair chart of the mean outcomes by joint quantile.

        Raises
        ------
        MissingPackageError
            Altair is not installed.
        """
        return charts.plot_joint(self.overall(level), self.spec.outcome, self.headline())

    def headline(self) -> str:
        """Return in one line what was fitted."""
        seed = "" if self.seed is None else f", seed {self.seed}"
        return (
            f"quantile g-computation by a marginal structural model ({self.inference}), "
            f"{mixture_name(self.spec, self.n, self.events)}{seed}"
        )

    def tables_shown(self, level: float = 0.95) -> dict[str, pd.DataFrame]:
        """Return the tables of the summary."""
        return {"Estimates": self.estimates(level), "Overall effect": self.overall(level)}

    def remarks(self) -> tuple[str, ...]:
        """Return the warnings of the fit."""
        return self.warnings

    def effect_label(self) -> str:
        """Return what psi measures."""
        if self.link == "log" and self.spec.family == "binomial":
            return f"log risk ratio of {self.spec.outcome}"
        return charts.effect_label(self.spec.family, self.spec.outcome)

    def outcome_model(self) -> pd.DataFrame:
        """Return the outcome model's coefficients: columns term and estimate."""
        return pd.DataFrame({"term": list(self.outcome_terms), "estimate": self.outcome_coefficients})


def fit_qgcomp_bootstrap(
    spec: QGComp, data: pd.DataFrame, *, seed: int, resamples: int = 200
) -> QGCompMarginalResult:
    """Quantile g-computation with bootstrap standard errors.

    The outcome model predicts every participant's outcome with all exposures set to each joint quantile; the
    marginal structural model regresses the mean predictions on powers of the joint quantile. Rows are
    resampled (with a survey design: whole PSUs within strata, with the rescaled weights of Rao and Wu
    1988); cut points stay as they are.

    Parameters
    ----------
    spec : QGComp
    data : DataFrame
    seed : int
    resamples : int
        200 by default, as in the R package.

    Returns
    -------
    QGCompMarginalResult

    Raises
    ------
    DataError, SpecificationError, EstimationError, SeparationError

    Warns
    -----
    ConvergenceWarning
        If resamples without a finite fit were left out, or too few are left for an interval, which is then
        missing.
    SeparationWarning
        If resamples predict some rows with certainty; their predictions have reached the limit and count.
    """
    require_seed(seed)
    require_integer("resamples", resamples, 2, "200 is usual")
    arrays = qgcomp_data(spec, data, interventions=True)
    coefficients = _outcome_fit(spec, arrays)
    generator = random_stream(seed, "qgcomp", "bootstrap")
    if arrays.survey is None:
        counts = draw_counts(generator, arrays.outcome.size, resamples)
        df = np.inf
    else:
        units = sampling_units(arrays.survey)
        factors, df = rao_wu_factors(generator, units.strata, resamples), units.df
        counts = factors[:, units.of_row[arrays.positions]]
    weights = counts * arrays.weights
    fits, converged, separated = fit_resamples(
        arrays.design, arrays.outcome, weights, family=spec.family, offset=arrays.offset
    )
    link = link_name(spec.family, spec.risk_ratio)
    P = powers(arrays.levels, spec.degree)
    finite = converged & np.isfinite(fits).all(axis=1)
    draws = fit_structural(
        mean_predictions(spec, arrays, fits[finite], weights[finite]), P, spec.family, link
    )
    draws = draws[np.isfinite(draws).all(axis=1)]
    notes: list[MixepiWarning] = list(arrays.notes)
    if len(draws) < resamples:
        notes.append(
            ConvergenceWarning(
                f"expected {resamples} resamples with finite fits, found {len(draws)}: "
                "the others are left out"
            )
        )
    if separated.any():
        notes.append(
            SeparationWarning(
                f"expected no resample to predict rows with certainty, found {int(separated.sum())} of "
                f"{resamples}: their predictions are at the limit; merge rare categories or leave terms out"
            )
        )
    covariance = np.full((P.shape[1], P.shape[1]), np.nan)
    if enough(len(draws), resamples, NEEDED_FOR_VARIANCE):
        covariance = np.atleast_2d(np.cov(draws, rowvar=False))
    else:
        notes.append(
            ConvergenceWarning(few_replicates("resamples", len(draws), resamples, NEEDED_FOR_VARIANCE))
        )
    return _result(
        spec, seed, arrays, coefficients, covariance, df, "bootstrap", notes, draws=draws, resamples=resamples
    )


def fit_qgcomp_sandwich(spec: QGComp, data: pd.DataFrame) -> QGCompMarginalResult:
    """Quantile g-computation with the sandwich variance of the stacked estimating equations.

    Same estimates as `fit_qgcomp_bootstrap`; the derivatives are analytic, so it costs one fit. With a
    survey design the equations are totalled by PSU, which gives the linearised design-based variance.

    Parameters
    ----------
    spec : QGComp
    data : DataFrame

    Returns
    -------
    QGCompMarginalResult

    Raises
    ------
    DataError, SpecificationError, EstimationError, SeparationError
    """
    arrays = qgcomp_data(spec, data, interventions=True)
    coefficients = _outcome_fit(spec, arrays)
    link = link_name(spec.family, spec.risk_ratio)
    P = powers(arrays.levels, spec.degree)
    w, X = arrays.weights, arrays.design
    own_link = OUTCOME_LINKS[spec.family]
    mean = inverse_link(own_link, X @ coefficients + arrays.offset)
    predicted = inverse_link(own_link, arrays.interventions @ coefficients + arrays.offset)
    averages = (predicted @ w / w.sum())[None]
    psi = require_settled(fit_structural(averages, P, spec.family, link))[0]
    fitted = inverse_link(link, P @ psi)
    factor = score_factor(spec.family, link, fitted)
    k = coefficients.size
    score = np.empty((w.size, k + psi.size))
    score[:, :k] = (w * (arrays.outcome - mean))[:, None] * X
    score[:, k:] = w[:, None] * (((predicted - fitted[:, None]) * factor[:, None]).T @ P)
    A = np.zeros((k + psi.size, k + psi.size))
    A[:k, :k] = (X * (w * curvature(spec.family, own_link, mean))[:, None]).T @ X
    slopes = curvature(spec.family, own_link, predicted) * w * factor[:, None]
    A[k:, :k] = -np.einsum("va,vi,vij->aj", P, slopes, arrays.interventions)
    # The sum over v of (predicted mean - fitted) x factor also moves with psi through the factor; at the
    # solution of the log-binomial score that term does not vanish, so it is kept.
    change = _factor_slope(spec.family, link, fitted) * (averages[0] - fitted) - factor * _mean_slope(
        link, fitted
    )
    A[k:, k:] = -w.sum() * (P * change[:, None]).T @ P
    B, df = score.T @ score, np.inf
    if arrays.survey is not None:
        B, df = total_covariance(score, arrays.survey, arrays.positions)
    inverse = np.linalg.inv(A)
    covariance = (inverse @ B @ inverse.T)[k:, k:]
    return _result(spec, None, arrays, coefficients, covariance, df, "sandwich", arrays.notes)


def mean_predictions(spec: QGComp, arrays: QGCompData, fits: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the weighted mean outcome (B, v) under each joint level.

    Takes coefficients (B, k) and weights (B, n).
    """
    totals = weights.sum(axis=1)
    means = np.empty((fits.shape[0], arrays.levels.size))
    # A resample whose fit runs away overflows here and ends as missing.
    with np.errstate(all="ignore"):
        for v, design in enumerate(arrays.interventions):
            means[:, v] = _totals(spec, arrays, fits @ design.T, weights)
    return np.asarray(means / totals[:, None])


def _totals(spec: QGComp, arrays: QGCompData, eta: FloatArray, weights: FloatArray) -> FloatArray:
    """Return weighted totals of the mean outcome (B,); the linear predictors (B, n) are overwritten."""
    if np.any(arrays.offset):
        eta += arrays.offset
    # In place: these arrays are the largest of the analysis.
    if spec.family == "binomial":
        np.negative(eta, out=eta)
        np.exp(eta, out=eta)
        eta += 1.0
        np.divide(weights, eta, out=eta)
    else:
        if spec.family == "poisson":
            np.exp(eta, out=eta)
        eta *= weights
    return np.asarray(eta.sum(axis=1))


def _outcome_fit(spec: QGComp, arrays: QGCompData) -> FloatArray:
    return fit_glm(
        arrays.design,
        arrays.names,
        arrays.outcome,
        family=spec.family,
        weights=arrays.weights,
        offset=arrays.offset,
    ).coefficients


def _factor_slope(family: str, link: str, fitted: FloatArray) -> FloatArray:
    return fitted / (1 - fitted) ** 2 if family == "binomial" and link == "log" else np.zeros_like(fitted)


def _mean_slope(link: str, fitted: FloatArray) -> FloatArray:
    if link == "identity":
        return np.ones_like(fitted)
    return fitted if link == "log" else fitted * (1 - fitted)


def _result(
    spec: QGComp,
    seed: int | None,
    arrays: QGCompData,
    coefficients: FloatArray,
    covariance: FloatArray,
    df: float,
    inference: str,
    notes: list[MixepiWarning] | tuple[MixepiWarning, ...],
    *,
    draws: FloatArray | None = None,
    resamples: int = 0,
) -> QGCompMarginalResult:
    for note in notes:
        warn(note, stacklevel=3)
    link = link_name(spec.family, spec.risk_ratio)
    means = mean_predictions(spec, arrays, coefficients[None], arrays.weights[None])
    P = powers(arrays.levels, spec.degree)
    psi = require_settled(fit_structural(means, P, spec.family, link))[0]
    n, k = arrays.design.shape
    interval_df = df
    if spec.family == "gaussian" and arrays.survey is None:
        df = interval_df = float(n - k)
        if spec.inference == "qgcomp":
            df, interval_df = float(n - k - spec.degree), np.inf
    return QGCompMarginalResult(
        spec=spec,
        seed=seed,
        scores=arrays.scores,
        link=link,
        psi=psi,
        covariance=covariance,
        df=df,
        interval_df=interval_df,
        levels=arrays.levels,
        mean_outcomes=means[0],
        outcome_terms=arrays.names,
        outcome_coefficients=coefficients,
        draws=np.empty((0, psi.size)) if draws is None else draws,
        resamples=resamples,
        n=n,
        events=int(arrays.outcome.sum()) if spec.family == "binomial" else None,
        inference=inference if arrays.survey is None else f"{inference}, design",
        warnings=tuple(map(str, notes)),
    )
