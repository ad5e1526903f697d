"""Regressions of one outcome on exposures and covariates, unweighted or design-based."""

from envmix.regression.fit import fit_regression
from envmix.regression.joint_test import JointTest, joint_test, wald_test
from envmix.regression.result import RegressionFit
from envmix.regression.spec import RegressionSpec

__all__ = ["JointTest", "RegressionFit", "RegressionSpec", "fit_regression", "joint_test", "wald_test"]
