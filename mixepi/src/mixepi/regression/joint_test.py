"""Tests of several coefficients at once."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import special

from mixepi.arguments import require_known, require_names
from mixepi.arrays import FloatArray
from mixepi.errors import EstimationError, MixepiWarning, SpecificationError
from mixepi.regression.fit import fit_regression
from mixepi.regression.result import RegressionFit

WALD_F = "Wald F"
LIKELIHOOD_RATIO = "likelihood ratio"


@dataclass(frozen=True)
class JointTest:
    """A test that q coefficients are all zero.

    Attributes
    ----------
    test : str
        ``Wald F`` or ``likelihood ratio``.
    statistic : float
        F, or chi-squared.
    df : int
        q.
    df_residual : float
        Denominator of F; infinite for a likelihood ratio.
    p_value : float
    """

    test: str
    statistic: float
    df: int
    df_residual: float
    p_value: float

    def in_words(self) -> str:
        """Return the test in one line."""
        return (
            f"{self.test} {self.statistic:.3g} on {self.df} and {self.df_residual:g} degrees of freedom, "
            f"p = {self.p_value:.3g}"
        )


def wald_test(fit: RegressionFit, terms: Sequence[str]) -> JointTest:
    """Return the F test b' V^-1 b / q on q and the fit's degrees of freedom.

    For an unweighted linear model it is the partial F test; for a survey, R's ``survey::regTermTest``, with
    the residual degrees of freedom of the design (Korn and Graubard 1990 without their adjustment for q).

    Parameters
    ----------
    fit : RegressionFit
    terms : sequence of str
        Names of the q coefficients.

    Raises
    ------
    SpecificationError
        A name is no coefficient of the fit, or there is none.
    EstimationError
        Their covariance is singular.
    """
    require_known("coefficients", require_names("terms", terms, "coefficients"), fit.terms)
    if not terms:
        raise SpecificationError(f"expected coefficients among {', '.join(fit.terms)}, found none: name some")
    at = [fit.terms.index(name) for name in terms]
    return wald(fit.coefficients[at], fit.covariance[np.ix_(at, at)], fit.df, terms)


def wald(estimate: FloatArray, covariance: FloatArray, df: float, names: Sequence[str]) -> JointTest:
    """Test that estimates, shape (q,), are all zero, given their covariance and degrees of freedom.

    Raises
    ------
    EstimationError
        The covariance is singular; the message names `names`.
    """
    scale = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(scale, scale)
    if np.linalg.cond(correlation) > 1e12:
        raise EstimationError(
            f"expected a covariance of {', '.join(names)} that can be inverted, found it singular: the "
            "design has too few PSUs for this many coefficients"
        )
    z = estimate / scale
    statistic = float(z @ np.linalg.solve(correlation, z)) / len(z)
    return JointTest(WALD_F, statistic, len(z), df, _f_tail(statistic, len(z), df))


def joint_test(fit: RegressionFit, data: pd.DataFrame, exposures: Sequence[str]) -> JointTest:
    """Test that some of the exposure columns have no effect.

    Parameters
    ----------
    fit : RegressionFit
        With these columns.
    data : pandas.DataFrame
        What it was fitted to.
    exposures : sequence of str
        Names of the columns, among the exposures of the fit.

    Returns
    -------
    JointTest
        A likelihood-ratio test for an unweighted logistic model, which is refitted without the columns
        (Wald's loses power where effects are large, Hauck and Donner 1977); `wald_test` for all others.
    """
    require_known("exposures", require_names("exposures", exposures), fit.spec.exposures)
    if fit.log_likelihood is None or fit.spec.family == "gaussian":
        return wald_test(fit, exposures)
    kept = tuple(name for name in fit.spec.exposures if name not in exposures)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MixepiWarning)  # the larger fit has said it
        without = fit_regression(replace(fit.spec, exposures=kept), data)
    if without.log_likelihood is None:
        raise TypeError("an unweighted fit has a likelihood")
    q = len(fit.terms) - len(without.terms)
    statistic = 2 * (fit.log_likelihood - without.log_likelihood)
    return JointTest(LIKELIHOOD_RATIO, statistic, q, np.inf, float(special.chdtrc(q, max(statistic, 0.0))))


def _f_tail(statistic: float, numerator: int, denominator: float) -> float:
    if np.isinf(denominator):
        return float(special.chdtrc(numerator, statistic * numerator))
    return float(special.fdtrc(numerator, denominator, statistic))
