"""Unweighted estimation by statsmodels; `mixepi.survey.glm` has the design-based one."""

import warnings

import numpy as np

from mixepi.arrays import FloatArray
from mixepi.errors import EstimationError
from mixepi.rank import standardise
from mixepi.regression.result import Estimates
from mixepi.regression.spec import Family


def fit_unweighted(matrix: FloatArray, outcome: FloatArray, family: Family) -> Estimates:
    """Fit by maximum likelihood, every row counting once.

    Parameters
    ----------
    matrix : array, shape (n, k)
    outcome : array, shape (n,)
    family : {"binomial", "gaussian"}

    Raises
    ------
    EstimationError
        No more rows than coefficients, or no convergence.
    """
    if len(matrix) <= matrix.shape[1]:
        raise EstimationError(
            f"expected more records than coefficients, found {len(matrix)} records and "
            f"{matrix.shape[1]} coefficients: use fewer covariates"
        )
    # statsmodels.api would import everything, four seconds of it.
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM
    from statsmodels.regression.linear_model import OLS

    scaled = standardise(matrix)
    if family == "gaussian":
        linear = OLS(outcome, scaled.matrix).fit()
        return Estimates(
            scaled.back @ np.asarray(linear.params),
            scaled.back @ np.asarray(linear.cov_params()) @ scaled.back.T,
            float(linear.df_resid),
            float(linear.llf),
        )
    model = GLM(outcome, scaled.matrix, family=Binomial())
    with warnings.catch_warnings():
        # Separation shows here as a warning; the caller looks for it exactly.
        warnings.simplefilter("ignore")
        logistic = model.fit(tol=1e-12, maxiter=100)
        log_likelihood = float(logistic.llf)  # computed here, when it is asked for
    if not logistic.converged:
        raise EstimationError(
            f"expected the logistic regression to converge in 100 iterations, found that it did not "
            f"({len(matrix)} rows, {matrix.shape[1]} coefficients): look for separation or huge values"
        )
    return Estimates(
        scaled.back @ np.asarray(logistic.params),
        scaled.back @ np.asarray(logistic.cov_params()) @ scaled.back.T,
        np.inf,
        log_likelihood,
    )
