"""What a fit returns."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from mixepi.arrays import FloatArray
from mixepi.regression.spec import RegressionSpec


@dataclass(frozen=True)
class Estimates:
    """Coefficients, shape (k,), their covariance, shape (k, k), degrees of freedom and log-likelihood."""

    coefficients: FloatArray
    covariance: FloatArray
    df: float
    log_likelihood: float


@dataclass(frozen=True)
class RegressionFit:
    """Coefficients of one regression and their covariance.

    Attributes
    ----------
    spec : RegressionSpec
        What was fitted.
    terms : tuple of str
        Names of the k coefficients: ``(Intercept)``, the exposures, the covariates.
    estimate : ndarray, shape (k,)
        Coefficients on the link scale: log odds, or units of the outcome.
    covariance : ndarray, shape (k, k)
        Their covariance: model-based when unweighted, Taylor linearisation for a survey.
    df : float
        Degrees of freedom of the t distribution: n - k (gaussian, unweighted); psus minus strata with
        records in the domain, plus 1, minus k (survey); infinity, a normal distribution, for an
        unweighted logistic regression.
    n : int
        Records in the fit.
    events : int or None
        Of these, with outcome 1 (binomial only).
    exposure_sd : ndarray, shape (number of exposures,)
        Standard deviation of each exposure column among these records, weighted for a survey.
    outcome_sd : float
        The same for the outcome.
    log_likelihood : float or None
        At the maximum; None for a survey, which has no likelihood.
    warnings : tuple of str
        What to know before trusting the numbers; empty when there is nothing.
    """

    spec: RegressionSpec
    terms: tuple[str, ...]
    estimate: FloatArray
    covariance: FloatArray
    df: float
    n: int
    events: int | None
    exposure_sd: FloatArray
    outcome_sd: float
    log_likelihood: float | None
    warnings: tuple[str, ...]

    def table(self) -> pd.DataFrame:
        """Return one row per coefficient.

        Returns
        -------
        pandas.DataFrame
            Columns term, estimate, std_error, statistic, df, p_value, conf_low, conf_high; the p-value
            is two-sided.
        """
        std_error = np.sqrt(np.diag(self.covariance))
        statistic = self.estimate / std_error
        # with infinitely many degrees of freedom, stdtr and stdtrit are the normal distribution's
        half_width = special.stdtrit(self.df, (1 + self.spec.confidence) / 2) * std_error
        return pd.DataFrame(
            {
                "term": self.terms,
                "estimate": self.estimate,
                "std_error": std_error,
                "statistic": statistic,
                "df": self.df,
                "p_value": 2 * special.stdtr(self.df, -np.abs(statistic)),
                "conf_low": self.estimate - half_width,
                "conf_high": self.estimate + half_width,
            }
        )

    def standardised(self) -> FloatArray:
        """Return the exposures' coefficients in standard deviations of outcome per one of exposure."""
        first = 1
        last = first + len(self.spec.exposures)
        return self.estimate[first:last] * self.exposure_sd / self.outcome_sd
