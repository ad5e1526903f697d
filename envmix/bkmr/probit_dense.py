"""The probit's importance density where the kernel is of too high a rank for features.

With the probit likelihood replaced by a gaussian with pseudo-outcomes y* and weights W, the linear
predictors eta = h + X b have a gaussian posterior that one Cholesky factor of V = lambda K + W^-1 gives.
It is q(eta) = exp(-(eta - y*)' W (eta - y*) / 2) p(eta) / Z, so that in the importance weight
p(y | eta) p(eta) / q(eta) the prior cancels: what remains is a sum over observations, and Z.
Draws are by Matheron's rule: (h0, e0) from the prior, then eta = mean(y*) + h0 - mean(h0 + e0).
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.linalg import blas, lapack

from envmix.arrays import FloatArray
from envmix.bkmr.kernel import kernel_upper
from envmix.bkmr.model import Model
from envmix.bkmr.probit_likelihood import derivatives, linearise
from envmix.bkmr.solvers import dense
from envmix.bkmr.working import WorkingData
from envmix.errors import EstimationError

STEPS = 20
SMALLEST_GAIN = 1e-3
# Added to the kernel's diagonal: some ten times what rounding takes away.
RIDGE = 1e-9
RIDGE_AT = 1000


@dataclass(frozen=True)
class DenseProposal:
    """The gaussian posterior of the linear predictors under pseudo-outcomes.

    Attributes
    ----------
    fit : DensePosterior
        Of the pseudo-outcomes.
    prior_root : ndarray, shape (n, n)
        Upper Cholesky factor of lambda K (+ lambda_2 T T'); only its upper triangle is meaningful.
    pseudo, weights, mean : ndarray, shape (n,)
        y*, the diagonal of W, the mean of eta.
    log_constant : float
        log Z.
    """

    fit: dense.DensePosterior
    prior_root: FloatArray
    pseudo: FloatArray
    weights: FloatArray
    mean: FloatArray
    log_constant: float

    @property
    def dimension(self) -> int:
        return 2 * len(self.mean)

    def draw(self, normals: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See `envmix.bkmr.probit.Proposal`."""
        n = len(self.mean)
        h = blas.dtrmm(1.0, self.prior_root, np.asfortranarray(normals[:, :n].T), lower=0, trans_a=1)
        noise = normals[:, n:].T / np.sqrt(self.weights)[:, None]
        shift = (h - _posterior_mean(self.fit, h + noise, self.weights)[0]).T
        eta = np.concatenate([self.mean + shift, self.mean - shift])
        return eta, 0.5 * ((eta - self.pseudo) ** 2 @ self.weights) + self.log_constant


def _posterior_mean(
    fit: dense.DensePosterior, outcomes: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Mean of eta for each column of `outcomes`, and (y - X b)' V^-1 (y - X b).

    The mean is y - W^-1 V^-1 (y - X b), b by generalised least squares.
    """
    half, _ = lapack.dtrtrs(fit.root, outcomes, lower=0, trans=1)
    if fit.half_x.shape[1]:
        beta = linalg.cho_solve((fit.gram_root, False), fit.half_x.T @ half, check_finite=False)
        half -= fit.half_x @ beta
    whole, _ = lapack.dtrtrs(fit.root, half, lower=0)
    return outcomes - whole / weights[:, None], np.sum(half**2, axis=0)


def _prior_root(model: Model, r: FloatArray, lambda_: float, cluster_variance: float) -> FloatArray:
    ridge = RIDGE * max(1.0, (model.n / RIDGE_AT) ** 2)
    covariance = kernel_upper(model.zt, r, scale=lambda_, ridge=lambda_ * ridge)
    if model.cluster is not None and cluster_variance > 0:
        covariance[model.cluster[:, None] == model.cluster[None, :]] += cluster_variance
    root, info = lapack.dpotrf(covariance, lower=0, clean=0, overwrite_a=1)
    if info != 0:
        raise EstimationError(
            "expected a positive definite kernel, but its Cholesky factor failed at "
            f"row {info} with r={np.array2string(r)}: check the exposures for values that are not finite"
        )
    return np.asarray(root)


def propose(
    model: Model,
    r: FloatArray,
    lambda_: float,
    cluster_variance: float,
    signs: FloatArray,
    eta: FloatArray,
) -> DenseProposal:
    """The importance density at one point, centred at the mode of the integrand.

    Parameters
    ----------
    signs : ndarray, shape (n,)
        +1 for y = 1, -1 for y = 0.
    eta : ndarray, shape (n,)
        Where the curvature is taken; the search for the mode starts there too. It decides how good the
        density is, not whether the estimate is unbiased.

    Raises
    ------
    EstimationError
        If a Cholesky factor fails, or the mode is not found.
    """
    start = eta
    for _ in range(STEPS):
        pseudo, weights = linearise(signs, start)
        data = WorkingData(
            pseudo,
            model.X,
            model.noise,
            root_weights=np.sqrt(weights),
            cluster=model.cluster,
            cluster_variance=cluster_variance,
        )
        fit = dense.posterior(model.zt, r, lambda_, data)
        mode, close = _search(fit, signs, pseudo, weights)
        if close:
            break
        start = mode
    else:
        raise EstimationError(
            f"expected the probit mode within {STEPS} factorisations, found none at r={np.array2string(r)}, "
            f"lambda={lambda_:.6g}: a covariate probably predicts the outcome perfectly"
        )
    _, gradient, _ = derivatives(signs, mode)
    pseudo = mode + gradient / weights
    mean, quadratic = _posterior_mean(fit, pseudo[:, None], weights)
    log_density = float(model.noise.log_density(quadratic, np.array(fit.log_determinant), data.degrees)[0])
    constant = 0.5 * (model.n * np.log(2 * np.pi) - float(np.sum(np.log(weights))))
    prior_root = _prior_root(model, r, lambda_, cluster_variance)
    return DenseProposal(fit, prior_root, pseudo, weights, mean[:, 0], log_density + constant)


def _search(
    fit: dense.DensePosterior, signs: FloatArray, pseudo: FloatArray, weights: FloatArray
) -> tuple[FloatArray, bool]:
    """The mode by steps that keep the curvature; False where that does not lead there."""
    mode = _posterior_mean(fit, pseudo[:, None], weights)[0][:, 0]
    size = np.inf
    for _ in range(STEPS):
        _, gradient, _ = derivatives(signs, mode)
        new = _posterior_mean(fit, (mode + gradient / weights)[:, None], weights)[0][:, 0]
        before, size = size, float(weights @ (new - mode) ** 2)
        mode = new
        if size < SMALLEST_GAIN:
            return mode, True
        if size > 0.5 * before:
            break
    return mode, False
