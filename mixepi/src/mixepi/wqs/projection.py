"""A test of the WQS index that needs no split and no permutation, under a survey design too.

With theta_j = b1 * w_j an index of one sign exists exactly when the coefficients of the exposures lie in the
cone of that sign. All rows give all coefficients, with the covariance of the design; their projection on the
cone, in the metric of that covariance, is the index. How far it reaches from zero has a known law.
"""

from dataclasses import dataclass, replace
from typing import Any
from warnings import warn

import numpy as np
import pandas as pd
from scipy import optimize, special

from mixepi.arguments import require_seed, require_type
from mixepi.arrays import FloatArray, IntArray
from mixepi.errors import EstimationError, SpecificationError
from mixepi.glm.constrained import fit_glm
from mixepi.glm.families import FREE_DISPERSION
from mixepi.random_streams import random_stream
from mixepi.results import charts
from mixepi.results.base import Result
from mixepi.wqs.data import WQSData, wqs_data
from mixepi.wqs.results import index_name
from mixepi.wqs.spec import WQS

PROJECTION_COLUMNS = ("term", "estimate", "statistic", "df", "p_value")
# Their Monte-Carlo error in a p value is at most 0.5 / sqrt(10,000) = 0.005, and 0.001 where p is near 0.05.
DRAWS = 10_000


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class ProjectionResult(Result):
    """Projection of the coefficients of all exposures on the cone of one sign, and its test.

    Attributes
    ----------
    spec : WQS
        With `validation` 0.
    seed : int
    components : tuple of str, length K
    coefficients : array, shape (K,)
        Of all exposures in one regression, without a constraint.
    projected : array, shape (K,)
        The nearest coefficients of the wanted sign.
    statistic : float
        Squared length of the projection in the metric of the covariance; under a design divided by
        1 + squared distance to it / `df` (Perlman's U times `df`).
    df : float
        Degrees of freedom of the covariance: PSUs - strata under a design, else those of the residuals, or
        infinite.
    mixture : array, shape (K + 1,)
        Probability under the null that 0, 1, ..., K projected coefficients differ from 0.
    p_value : float
    n : int
    warnings : tuple of str
    """

    spec: WQS
    seed: int
    components: tuple[str, ...]
    coefficients: FloatArray
    projected: FloatArray
    statistic: float
    df: float
    mixture: FloatArray
    p_value: float
    n: int
    warnings: tuple[str, ...]

    def estimates(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row with the columns `PROJECTION_COLUMNS`; there is no interval at any level."""
        return pd.DataFrame(
            [["wqs", float(self.projected.sum()), self.statistic, self.df, self.p_value]],
            columns=list(PROJECTION_COLUMNS),
        )

    def weights(self) -> pd.DataFrame:
        """Return coefficients and index weights, largest first; weights are missing if there is no index."""
        total = self.projected.sum()
        weight = self.projected / total if total else np.full(self.projected.size, np.nan)
        table = pd.DataFrame(
            {
                "direction": self.spec.direction,
                "exposure": list(self.components),
                "coefficient": self.coefficients,
                "weight": weight,
            }
        )
        return table.sort_values("weight", ascending=False, kind="stable", ignore_index=True)

    def plot_weights(self) -> Any:
        """Return an altair chart of the index weights with the line of equal weights.

        Raises
        ------
        MissingPackageError
            Altair is not installed.
        """
        return charts.plot_weights(self.weights(), "Index weights", self.headline())

    def tables_shown(self, level: float = 0.95) -> dict[str, pd.DataFrame]:
        """Return the tables of the summary."""
        return {"Estimates": self.estimates(level), "Index weights": self.weights()}

    def headline(self) -> str:
        """Return in one line what was tested."""
        design = ", design-based" if self.spec.is_survey else ""
        return (
            f"projection test of WQS, {index_name(self.spec)}, {self.spec.family} {self.spec.outcome}, "
            f"{self.n} rows{design}"
        )

    def remarks(self) -> tuple[str, ...]:
        """Return the warnings of the test."""
        return self.warnings


def projection_test_wqs(spec: WQS, data: pd.DataFrame, *, seed: int) -> ProjectionResult:
    """Test the index on all rows at once, under a survey design if there is one.

    All exposures enter one regression, in quantile scores, with the covariates. The index is the projection
    of their coefficients on the cone of the direction, in the metric of their covariance.

    Parameters
    ----------
    spec : WQS
        `validation` is set to 0; one direction, no interaction. Bootstraps and signal play no part.
    data : DataFrame
        One row per participant, without missing values in the columns that `spec` names.
    seed : int
        Of the Monte-Carlo weights of the null distribution.

    Returns
    -------
    ProjectionResult

    Raises
    ------
    SpecificationError
        For two directions or an interaction.
    EstimationError
        The regression cannot be estimated, or the design has fewer degrees of freedom than exposures.

    Notes
    -----
    Under the null the squared length is a mixture of chi-squares, one for each number of coefficients that
    the projection keeps (chi-bar-square; Kudo 1963), whose weights depend on the covariance and are found by
    simulation. An estimated covariance turns the chi-squares into ratios: with a common unknown variance
    chi2(k) / (chi2(v) / v), with a whole covariance of v degrees of freedom, as of a survey design,
    chi2(k) / chi2(v - K + 1) of U (Perlman 1969).

    References
    ----------
    Kudo A (1963). A multivariate analogue of the one-sided test. Biometrika 50:403-418.
    Perlman MD (1969). One-sided testing problems in multivariate analysis. Ann Math Stat 40:549-567.
    """
    require_type("spec", spec, WQS)
    require_seed(seed)
    if spec.direction == "both" or spec.interaction is not None:
        raise SpecificationError(
            f"expected one direction and no interaction, found direction={spec.direction!r}, "
            f"interaction={spec.interaction!r}: test one index at a time"
        )
    whole = replace(spec, validation=0.0)
    arrays = wqs_data(whole, data)
    for note in arrays.notes:
        warn(note, stacklevel=2)
    coefficients, covariance, df = _all_exposures(whole, arrays)
    sign = 1.0 if spec.direction == "positive" else -1.0
    mixture = kept_at_random(covariance, random_stream(seed, "wqs", "projection"))
    found = law(sign * coefficients, covariance, mixture, df, is_design=arrays.units is not None)
    return ProjectionResult(
        spec=whole,
        seed=seed,
        components=arrays.components.names,
        coefficients=coefficients,
        projected=sign * found.projected,
        statistic=found.statistic,
        df=df,
        mixture=mixture,
        p_value=found.p_value,
        n=arrays.outcome.size,
        warnings=tuple(map(str, arrays.notes)),
    )


@dataclass(frozen=True, kw_only=True)
class Projected:
    """The projection (K,) on the positive orthant, its statistic and p value."""

    projected: FloatArray
    statistic: float
    p_value: float


def law(
    coefficients: FloatArray, covariance: FloatArray, mixture: FloatArray, df: float, *, is_design: bool
) -> Projected:
    """Return the test that coefficients (K,) are zero, against all being at least zero.

    Parameters
    ----------
    coefficients : array, shape (K,)
    covariance : array, shape (K, K)
    mixture : array, shape (K + 1,)
        See `kept_at_random`.
    df : float
        Degrees of freedom of the covariance, infinite if it is known.
    is_design : bool
        Whether all of the covariance is estimated; otherwise a common factor is.
    """
    projected = project(coefficients[None], covariance)[0]
    inverse = np.linalg.inv(covariance)
    K, statistic, denominator = coefficients.size, float(projected @ inverse @ projected), df
    if is_design:
        beyond = coefficients - projected
        statistic /= 1 + float(beyond @ inverse @ beyond) / df
        denominator = df - K + 1
    tails = ratio_tail(np.arange(1, K + 1), statistic, df, denominator)
    return Projected(
        projected=projected,
        statistic=statistic,
        p_value=float(mixture[0] * (statistic <= 0) + mixture[1:] @ tails),
    )


def ratio_tail(k: IntArray, statistic: float, df: float, denominator: float) -> FloatArray:
    """Return the probability that chi2(k) / chi2(denominator) * df exceeds the statistic."""
    if np.isinf(df):
        return np.asarray(special.chdtrc(k, statistic))
    return np.asarray(special.fdtrc(k, denominator, statistic * denominator / df / k))


def project(coefficients: FloatArray, covariance: FloatArray) -> FloatArray:
    """Return the points of the positive orthant nearest to the rows of `coefficients` (R, K).

    Distances are those of the inverse of `covariance` (K, K).
    """
    root = np.linalg.cholesky(np.linalg.inv(covariance)).T
    return np.array([optimize.nnls(root, root @ row)[0] for row in coefficients])


def kept_at_random(covariance: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Return how probable it is, shape (K + 1,), that a projection of N(0, covariance) keeps 0, 1, ..., K."""
    K = covariance.shape[0]
    drawn = generator.normal(size=(DRAWS, K)) @ np.linalg.cholesky(covariance).T
    kept = (project(drawn, covariance) > 0).sum(axis=1)
    return np.asarray(np.bincount(kept, minlength=K + 1) / DRAWS)


def _all_exposures(spec: WQS, arrays: WQSData) -> tuple[FloatArray, FloatArray, float]:
    """Return coefficients (K,) and covariance (K, K) of the index columns, and its degrees of freedom."""
    K = arrays.index_columns.shape[1]
    design = np.column_stack([np.ones(arrays.outcome.size), arrays.index_columns, arrays.covariates.matrix])
    names = ("intercept", *arrays.components.names, *arrays.covariates.names)
    fit = fit_glm(
        design,
        names,
        arrays.outcome,
        family=spec.family,
        weights=arrays.weights,
        offset=arrays.offset,
    )
    own = slice(1, 1 + K)
    if arrays.survey is None or arrays.units is None:
        df = fit.residual_df if spec.family in FREE_DISPERSION else np.inf
        return fit.coefficients[own], fit.covariance[own, own], df
    survey = arrays.survey_fit(arrays.survey, design, names, family=spec.family, size=fit.size)
    df = arrays.units.df
    if df < K:
        raise EstimationError(
            f"expected at least as many degrees of freedom as exposures, found {df:g} for {K}: the design "
            "cannot tell so many coefficients apart; test fewer, or the sum of all by fit_qgcomp"
        )
    return survey.coefficients[own], survey.covariance[own, own], df
