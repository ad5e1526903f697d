"""Intervals under a survey design: the posterior's variance times the design effect of the summary."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from mixepi.arrays import FloatArray
from mixepi.bkmr.survey.jackknife import DesignVariance


@dataclass(frozen=True, kw_only=True)
class SurveyColumns:
    """What tables say besides under a survey design, each of shape (c,) but for `df`.

    Attributes
    ----------
    posterior_std_error : of the pseudo-posterior.
    jackknife_std_error : of the posterior mean over samples of the design.
    design_effect : of the posterior mean: its variance over samples of the design over that of as many rows
        drawn one by one with these weights.
    df : PSUs less strata in the domain.
    """

    posterior_std_error: FloatArray
    jackknife_std_error: FloatArray
    design_effect: FloatArray
    df: float

    def mapped(self, function: Callable[[FloatArray], FloatArray]) -> "SurveyColumns":
        """With every array replaced by a function of it."""
        return SurveyColumns(
            posterior_std_error=function(self.posterior_std_error),
            jackknife_std_error=function(self.jackknife_std_error),
            design_effect=function(self.design_effect),
            df=self.df,
        )

    def columns(self) -> dict[str, Any]:
        """By name."""
        return vars(self)


def design_interval(
    estimate: FloatArray, posterior_sd: FloatArray, variance: DesignVariance, df: float, level: float
) -> tuple[FloatArray, FloatArray, FloatArray, SurveyColumns]:
    """Standard error, lower and upper bound, and further columns.

    The pseudo-posterior of weights that sum to Kish's effective number of rows has the width of as many
    independent rows. What clusters and strata add is the design effect of the summary: its variance over
    samples of the design over that of independent rows, at least 1. Quantiles are those of t, because the
    design effect is known to `df` only.
    """
    std_error = posterior_sd * np.sqrt(np.maximum(variance.design_effect, 1.0))
    reach = float(stats.t.ppf(0.5 * (1 + level), df)) * std_error
    further = SurveyColumns(
        posterior_std_error=posterior_sd,
        jackknife_std_error=np.sqrt(variance.clustered),
        design_effect=variance.design_effect,
        df=df,
    )
    return std_error, estimate - reach, estimate + reach, further
