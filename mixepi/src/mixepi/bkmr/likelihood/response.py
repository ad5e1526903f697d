"""What is drawn once r and lambda are known: sigma2, and the normal law of (b, h)."""

from collections.abc import Callable

import numpy as np

from mixepi.arrays import FloatArray
from mixepi.bkmr.likelihood.solver import Joint
from mixepi.bkmr.model.model import Model

# sigma2 stays finite where a draw of 1/sigma2 from a prior of tiny shape underflows.
SMALLEST_PRECISION = 1e-300


def draw_sigma2(model: Model, posterior: Joint, rng: np.random.Generator) -> float:
    """sigma2 given r and lambda, b integrated out (1 for the probit)."""
    if model.family == "binomial":
        return 1.0
    prior = model.priors.sigma2
    if not model.use_likelihood:
        return 1.0 / max(rng.gamma(prior.shape) / prior.rate, SMALLEST_PRECISION)
    shape = prior.shape + 0.5 * (model.size - model.X.shape[1])
    return float((prior.rate + 0.5 * posterior.quadratic) / rng.gamma(shape))


def response_joint(model: Model, posterior: Joint, z_new: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance / sigma2 of (b, h(z_new) + flat intercept)."""
    mean, covariance = posterior.joint(z_new, model.z)
    if model.intercept:
        p = model.X.shape[1]
        mean = mean.copy()
        mean[p:] += mean[0]
        covariance = covariance.copy()
        covariance[p:] += covariance[0]
        covariance[:, p:] += covariance[:, :1]
    return mean, covariance


def response_contrasts(
    model: Model,
    posterior: Joint,
    points: FloatArray,
    combine: Callable[[FloatArray], FloatArray],
    prior: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Means and variances / sigma2 of C (h(points) + flat intercept), both of shape (c,).

    Parameters
    ----------
    model, posterior
    points : ndarray, shape (q, M)
    combine : callable
        C times an array of q rows.
    prior : ndarray, shape (c,)
        Diagonal of C K(points, points) C'.
    """
    covariates = np.zeros((len(prior), model.X.shape[1]))
    if model.intercept:
        covariates[:, 0] = combine(np.ones(len(points)))
    return posterior.contrasts(points, model.z, covariates, combine, prior)


def symmetric_root(covariance: FloatArray) -> FloatArray:
    """The one symmetric square root: eigenvectors alone may turn with the last bit of the covariance."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)
