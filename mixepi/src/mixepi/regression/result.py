"""What a fit returns."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mixepi.arrays import FloatArray
from mixepi.regression.spec import RegressionSpec
from mixepi.results.base import IntervalResult
from mixepi.results.charts import effect_label
from mixepi.tables import estimate_table


@dataclass(frozen=True)
class Estimates:
    """Coefficients, shape (k,), their covariance, shape (k, k), degrees of freedom and log-likelihood."""

    coefficients: FloatArray
    covariance: FloatArray
    df: float
    log_likelihood: float


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class RegressionFit(IntervalResult):
    """Coefficients of one regression and their covariance.

    Attributes
    ----------
    spec : RegressionSpec
        What was fitted.
    terms : tuple of str
        Names of the k coefficients: ``(Intercept)``, the exposures, the covariates.
    coefficients : ndarray, shape (k,)
        On the link scale: log odds, or units of the outcome.
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
    coefficients: FloatArray
    covariance: FloatArray
    df: float
    n: int
    events: int | None
    exposure_sd: FloatArray
    outcome_sd: float
    log_likelihood: float | None
    warnings: tuple[str, ...]

    def estimates(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row per coefficient: `ESTIMATE_COLUMNS`, with two-sided p values."""
        std_errors = np.sqrt(np.diag(self.covariance))
        return estimate_table(self.terms, self.coefficients, std_errors, self.df, level)

    def standardised(self) -> FloatArray:
        """Return the exposures' coefficients in standard deviations of outcome per one of exposure."""
        first = 1
        last = first + len(self.spec.exposures)
        return self.coefficients[first:last] * self.exposure_sd / self.outcome_sd

    def headline(self) -> str:
        """Return in one line what was fitted."""
        spec = self.spec
        kind = "logistic" if spec.family == "binomial" else "linear"
        events = "" if self.events is None else f", {self.events} events"
        inference = ", design-based" if spec.is_survey else ""
        return f"{kind} regression of {spec.outcome}, {self.n} records{events}{inference}"

    def remarks(self) -> tuple[str, ...]:
        """Return the warnings of the fit."""
        return self.warnings

    def effect_label(self) -> str:
        """Return what the coefficients measure."""
        return effect_label(self.spec.family, self.spec.outcome)
