"""FITC (Snelson and Ghahramani 2006): an approximation, for n of tens of thousands.

K is replaced by G G' + diag(K - G G'), with G the pivoted Cholesky factor stopped at a fixed number
of columns: the diagonal is exact, the covariance between observations far from every pivot is not.
"""

from dataclasses import replace

import numpy as np

from mixepi.bkmr.likelihood import low_rank
from mixepi.bkmr.model.projected_data import ProjectedData


def effective_data(factor: low_rank.Factor, data: ProjectedData, lambda_: float) -> ProjectedData:
    """The outcome with the variance that the factor leaves out added to its noise."""
    variance = 1.0 if data.root_weights is None else 1.0 / np.square(data.root_weights)
    return replace(data, root_weights=1.0 / np.sqrt(variance + lambda_ * factor.residual))


def log_likelihood(factor: low_rank.Factor, data: ProjectedData, lambda_: float) -> float:
    """Log density of the outcome under the approximation."""
    complete = replace(factor, complete=True)
    return low_rank.likelihood(complete, effective_data(factor, data, lambda_)).at(lambda_)


def posterior(factor: low_rank.Factor, data: ProjectedData, lambda_: float) -> low_rank.FeaturePosterior:
    """Posterior of b and of the features' weights under the approximation."""
    return low_rank.posterior(factor, effective_data(factor, data, lambda_), lambda_)
