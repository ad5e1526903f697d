"""The probit's importance density where the kernel is of too high a rank for features.

With the probit likelihood replaced by a gaussian with pseudo-outcomes y* and weights W, the linear
predictors eta = h + X b have a gaussian posterior that one Cholesky factor of V = lambda K + W^-1 gives.
Draws are by Matheron's rule: (h0, e0) from the prior, then eta = mean(y*) + h0 - mean(h0 + e0).

Importance weights have heavy tails where a prior variance is large beside 1 / W. Of a kernel close to the
identity, the part delta I (delta its smallest eigenvalue) is therefore noise like that of the probit
itself: rows are divided by sqrt(1 + lambda delta), and only the rest is sampled.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.linalg import blas, lapack

from mixepi.arrays import FloatArray
from mixepi.bkmr.likelihood import dense
from mixepi.bkmr.likelihood.kernel import kernel_between, kernel_upper
from mixepi.bkmr.model.model import Model
from mixepi.bkmr.model.point import Point
from mixepi.bkmr.model.projected_data import ProjectedData
from mixepi.bkmr.probit.sites import Sites
from mixepi.errors import EstimationError

# Relative to the kernel's diagonal: some ten times what rounding takes away.
RIDGE = 1e-9
RIDGE_AT = 1000
# What was tried, "smallest eigenvalue of every kernel": of squares beside the diagonal, in all.
NEARLY_IDENTITY = 0.3
# Of the smallest eigenvalue, so that what is left of the kernel stays positive definite.
SHARE = 0.999
# Rows that tell a kernel close to the identity from others: enough for a mean, a fifteenth of the work at n =
# 905.
LOOKED_AT = 64


@dataclass(frozen=True, kw_only=True)
class DenseProposal:
    """The gaussian posterior of the linear predictors under pseudo-outcomes.

    Attributes
    ----------
    fit : DensePosterior
        Of the pseudo-outcomes.
    prior_root : ndarray, shape (n, n)
        Upper Cholesky factor of lambda K (+ lambda_2 T T'); only its upper triangle is meaningful.
    sites : Sites
        y* and the diagonal of W.
    mean : ndarray, shape (n,)
        Of eta.
    log_constant : float
        log Z.
    """

    fit: dense.DensePosterior
    prior_root: FloatArray
    sites: Sites
    mean: FloatArray
    log_constant: float

    @property
    def dimension(self) -> int:
        return 2 * len(self.mean)

    def deviations(self, normals: FloatArray) -> FloatArray:
        """See `mixepi.bkmr.probit.importance.ImportanceDensity`."""
        n = len(self.mean)
        h = blas.dtrmm(1.0, self.prior_root, np.asfortranarray(normals[:, :n].T), lower=0, trans_a=1)
        noise = normals[:, n:].T / np.sqrt(self.sites.weights)[:, None]
        return np.asarray((h - _posterior_mean(self.fit, h + noise, self.sites.weights)[0]).T)


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


def _ridge(n: int) -> float:
    return RIDGE * max(1.0, (n / RIDGE_AT) ** 2)


def _root(covariance: FloatArray) -> FloatArray:
    """Upper Cholesky factor of a covariance, which it overwrites."""
    root, info = lapack.dpotrf(covariance, lower=0, clean=0, overwrite_a=1)
    if info != 0:
        raise EstimationError(
            f"expected a positive definite kernel, but its Cholesky factor failed at row {info}: rescale the "
            "exposures, or check them for extreme values"
        )
    return np.asarray(root)


def _nugget(model: Model, r: FloatArray) -> float:
    """A little less than the smallest eigenvalue of a kernel close to the identity, 0 of others.

    0 where rows are weighted: a normal noise in a Phi that is raised to a power gives no such Phi again.
    """
    if model.weights is not None:
        return 0.0
    rows = np.unique(np.linspace(0, model.n - 1, LOOKED_AT).astype(int))
    # Mean over some rows of the squares beside the diagonal: the eigenvalues are asked for rarely.
    beside = float(np.sum(kernel_between(model.z[rows], model.z, r) ** 2)) / len(rows) - 1.0
    if beside > NEARLY_IDENTITY:
        return 0.0
    kernel = kernel_upper(model.zt, r)
    smallest = linalg.eigvalsh(kernel, lower=False, subset_by_index=[0, 0], check_finite=False)[0]
    return max(0.0, SHARE * float(smallest))


def average_covariance(model: Model, points: Sequence[Point], count: int) -> tuple[FloatArray, float]:
    """Prior covariance of the linear predictors, less their covariates, averaged over states.

    Parameters
    ----------
    model : Model
    points : sequence of Point
        Those of the states that have a kernel.
    count : int
        How many states there are; h is 0 in the others.

    Returns
    -------
    covariance : ndarray, shape (n, n)
        Its upper triangle, divided by the noise's variance.
    noise : float
        1 and what the kernels' parts delta I add to the probit's noise.
    """
    total, noise = np.zeros((model.n, model.n), order="F"), 1.0
    for point in points:
        scale, nugget = point.lambda_ / count, _nugget(model, point.r)
        ridge = scale * (_ridge(model.n) - nugget)
        total += np.triu(kernel_upper(model.zt, point.r, scale=scale, ridge=ridge))
        noise += scale * nugget
    _add_cluster(total, model, points[-1].cluster_variance)
    total /= noise
    return total, noise


def _add_cluster(covariance: FloatArray, model: Model, variance: float) -> None:
    if model.cluster is not None and variance > 0:
        covariance[model.cluster[:, None] == model.cluster[None, :]] += variance


def propose(
    model: Model, r: FloatArray, lambda_: float, cluster_variance: float, sites: Sites
) -> tuple[DenseProposal, FloatArray | None]:
    """The importance density at one point, and what rows were divided by (None: nothing).

    Raises
    ------
    EstimationError
        If a Cholesky factor fails.
    """
    nugget = _nugget(model, r)
    scale = 1.0 + lambda_ * nugget
    data = ProjectedData(
        y=sites.pseudo,
        X=model.X / np.sqrt(scale),
        noise=model.noise,
        root_weights=np.sqrt(sites.weights),
        cluster=model.cluster,
        cluster_variance=cluster_variance / scale,
    )
    # The same ridge in both factors: draws and density are of one law.
    left_out = nugget - _ridge(model.n)
    fit = dense.posterior(model.zt, r, lambda_ / scale, data, left_out)
    mean, quadratic = _posterior_mean(fit, sites.pseudo[:, None], sites.weights)
    log_density = float(model.noise.log_density(quadratic, np.array(fit.log_determinant), data.degrees)[0])
    constant = 0.5 * (model.n * np.log(2 * np.pi) - float(np.sum(np.log(sites.weights))))
    covariance = kernel_upper(model.zt, r, scale=lambda_ / scale, ridge=-lambda_ / scale * left_out)
    _add_cluster(covariance, model, cluster_variance / scale)
    proposal = DenseProposal(
        fit=fit,
        prior_root=_root(covariance),
        sites=sites,
        mean=mean[:, 0],
        log_constant=log_density + constant,
    )
    return proposal, None if nugget == 0 else np.full(model.n, np.sqrt(scale))
