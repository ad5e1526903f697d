"""Gaussian sites that stand in for the probit likelihood, by expectation propagation.

Each factor Phi(s_i eta_i) is replaced by a gaussian in eta_i such that the posterior keeps the mean and
variance of eta_i that the factor itself would give (Minka 2001; Rasmussen and Williams 2006, section 3.6).
As an importance density this is far closer to the posterior than Laplace's approximation, whose curvature
at the mode is too large: at rank 905 the log estimate's sd, from 75 pairs, falls from 0.4-0.9 to
0.06-0.26.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg, special
from scipy.linalg import lapack

from mixepi.arrays import FloatArray
from mixepi.bkmr.probit.likelihood import linearise

# Matching every site at once overshoots where sites are strongly correlated, and a fifth of the old site
# stops that. A change of 0.02 in weights of at most 1, and ten passes, are far within what the sites can fit:
# whatever comes out is a valid importance density.
MAX_PASSES = 10
DAMPING = 0.8
SMALLEST_CHANGE = 2e-2
# A site tells nothing at a smaller weight, and the importance density needs positive ones.
SMALLEST_WEIGHT = 1e-6
# Against rounding, where a site is all that is known of a linear predictor, or nothing is left to know.
SMALLEST_VARIANCE, SMALLEST_PRECISION = 1e-12, 1e-9
LOG_ROOT_TWO_PI = 0.9189385332046727  # log sqrt(2 pi)
# Nodes for Phi^w: moments to 1e-6 for a cavity of variance 1, to 1e-3 for one of 10.
QUADRATURE = 32


@dataclass(frozen=True)
class Sites:
    """exp(-weights_i (eta_i - pseudo_i)^2 / 2) in place of Phi(s_i eta_i)^power_i, up to a constant.

    Attributes
    ----------
    pseudo, weights : ndarray, shape (n,)
    power : ndarray, shape (n,), or None
        Sampling weights; None: 1 each.
    """

    pseudo: FloatArray
    weights: FloatArray
    power: FloatArray | None = None

    @classmethod
    def at(cls, signs: FloatArray, eta: FloatArray, power: FloatArray | None = None) -> "Sites":
        """Sites with the likelihood's slope and curvature at `eta`: a start."""
        pseudo, weights = linearise(signs, eta)
        return cls(pseudo, weights if power is None else weights * power, power)


# Mean and variance of every linear predictor, given the sites' weights and weights x pseudo-outcomes.
Marginals = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]


def feature_marginals(design: FloatArray, p: int) -> Marginals:
    """Marginals where h has features.

    Parameters
    ----------
    design : ndarray, shape (n, p + k)
        Covariates (flat prior), then columns whose weights have standard normal priors.
    p : int
        Number of covariates.
    """
    q = design.shape[1]

    def marginals(weights: FloatArray, natural: FloatArray) -> tuple[FloatArray, FloatArray]:
        precision = design.T @ (design * weights[:, None])
        precision[np.arange(p, q), np.arange(p, q)] += 1.0
        root = linalg.cholesky(precision, lower=False, check_finite=False, overwrite_a=True)
        half = linalg.solve_triangular(root, design.T, trans="T", lower=False, check_finite=False)
        return half.T @ (half @ natural), np.sum(half**2, axis=0)

    return marginals


def covariance_marginals(covariance: FloatArray, X: FloatArray) -> Marginals:
    """Marginals where h has a covariance of full rank: a Cholesky factor and its inverse a pass.

    With V = covariance + W^-1 and P = V^-1 - V^-1 X (X' V^-1 X)^-1 X' V^-1, the posterior of the linear
    predictors has the mean y* - W^-1 P y* and the covariance W^-1 - W^-1 P W^-1.

    Parameters
    ----------
    covariance : ndarray, shape (n, n)
        Of h; only its upper triangle is read.
    X : ndarray, shape (n, p)
        Covariates (flat prior).
    """
    n = len(X)

    def marginals(weights: FloatArray, natural: FloatArray) -> tuple[FloatArray, FloatArray]:
        v = np.array(covariance, order="F")
        v[np.arange(n), np.arange(n)] += 1.0 / weights
        root, info = lapack.dpotrf(v, lower=0, clean=1, overwrite_a=1)
        if info != 0:
            raise np.linalg.LinAlgError(f"the Cholesky factor of a covariance failed at row {info}")
        inverse, _ = lapack.dtrtri(root, lower=0, overwrite_c=1)
        half = inverse.T @ np.column_stack([X, natural / weights])
        diagonal = np.einsum("ij,ij->i", inverse, inverse)
        residual = half[:, -1]
        if X.shape[1]:
            basis = linalg.qr(half[:, :-1], mode="economic")[0]
            residual = residual - basis @ (basis.T @ residual)
            diagonal -= np.sum((inverse @ basis) ** 2, axis=1)
        return (natural - inverse @ residual) / weights, (1.0 - diagonal / weights) / weights

    return marginals


def expectation_propagation(marginals: Marginals, signs: FloatArray, start: Sites) -> Sites:
    """Match every site, all at once and damped, until none changes much.

    Whatever comes out is a valid importance density, so that a pass too few costs variance, not exactness.

    Parameters
    ----------
    marginals : Marginals
    signs : ndarray, shape (n,)
    start : Sites
    """
    weights, natural = start.weights, start.weights * start.pseudo
    for _ in range(MAX_PASSES):
        mean, variance = marginals(weights, natural)
        variance = np.maximum(variance, SMALLEST_VARIANCE)
        # The cavity: the posterior without this site.
        cavity_variance = 1.0 / np.maximum(1.0 / variance - weights, SMALLEST_PRECISION)
        cavity_mean = cavity_variance * (mean / variance - natural)
        if start.power is None:
            new_weights, new_natural = _matched(cavity_mean, cavity_variance, signs)
        else:
            new_weights, new_natural = _matched_power(cavity_mean, cavity_variance, signs, start.power)
        change = float(np.abs(new_weights - weights).max())
        weights = DAMPING * new_weights + (1 - DAMPING) * weights
        natural = DAMPING * new_natural + (1 - DAMPING) * natural
        if change < SMALLEST_CHANGE:
            break
    return Sites(natural / weights, weights, start.power)


def _matched(mean: FloatArray, variance: FloatArray, signs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weight, and weight x pseudo-outcome, of the sites that give cavity times Phi its moments."""
    scale = np.sqrt(1.0 + variance)
    t = signs * mean / scale
    ratio = np.exp(-0.5 * t * t - LOG_ROOT_TWO_PI - special.log_ndtr(t))
    curvature = ratio * (ratio + t) / scale**2
    weights = np.maximum(curvature / (1.0 - variance * curvature), SMALLEST_WEIGHT)
    slope = signs * ratio / scale
    return weights, weights * mean + slope * (1.0 + weights * variance)


def _matched_power(
    mean: FloatArray, variance: FloatArray, signs: FloatArray, power: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The same for cavity times Phi^power, whose moments have no closed form: by quadrature."""
    nodes, masses = np.polynomial.hermite_e.hermegauss(QUADRATURE)
    eta = mean[:, None] + np.sqrt(variance)[:, None] * nodes
    log_mass = np.log(masses) + power[:, None] * special.log_ndtr(signs[:, None] * eta)
    mass = np.exp(log_mass - log_mass.max(axis=1, keepdims=True))
    mass /= mass.sum(axis=1, keepdims=True)
    tilted_mean = np.sum(mass * eta, axis=1)
    tilted_variance = np.sum(mass * (eta - tilted_mean[:, None]) ** 2, axis=1)
    # The curvature of log Phi^w is at most w, and so is the weight that matches.
    least = np.minimum(SMALLEST_WEIGHT, power)
    weights = 1.0 / np.maximum(tilted_variance, SMALLEST_VARIANCE) - 1.0 / variance
    weights = np.clip(weights, least, power)
    return weights, weights * tilted_mean + (tilted_mean - mean) / variance
