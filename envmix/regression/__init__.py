"""Regressions of one outcome on exposures and covariates, unweighted or design-based."""

from envmix.regression.fit import fit_regression
from envmix.regression.result import RegressionFit
from envmix.regression.spec import RegressionSpec

__all__ = ["RegressionFit", "RegressionSpec", "fit_regression"]
