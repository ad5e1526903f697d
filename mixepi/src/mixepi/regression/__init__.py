"""Regressions of one outcome on exposures and covariates, unweighted or design-based."""

from mixepi.regression.fit import fit_regression
from mixepi.regression.joint_test import JointTest, joint_test, wald_test
from mixepi.regression.result import RegressionFit
from mixepi.regression.spec import RegressionSpec

__all__ = ["JointTest", "RegressionFit", "RegressionSpec", "fit_regression", "joint_test", "wald_test"]
