"""Gaussian sites that stand in for the probit likelihood, by expectation propagation.

Each factor Phi(s_i eta_i) is replaced by a gaussian in eta_i such that the posterior keeps the mean and
variance of eta_i that the factor itself would give (Minka 2001; Rasmussen and Williams 2006, section 3.6).
As an importance density this is far closer to the posterior than Laplace's approximation, whose curvature
at the mode is too large: at rank 905 the log estimate's sd, from 75 pairs, falls from 0.4-0.9 to
0.06-0.26.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, special

from envmix.arrays import FloatArray
from envmix.bkmr.probit_likelihood import linearise

MOST_PASSES = 10
DAMPING = 0.8
SMALLEST_CHANGE = 2e-2
SMALLEST_WEIGHT = 1e-6
LOG_ROOT_TWO_PI = 0.9189385332046727


@dataclass(frozen=True)
class Sites:
    """exp(-weights_i (eta_i - pseudo_i)^2 / 2) in place of Phi(s_i eta_i), up to a constant.

    Attributes
    ----------
    pseudo, weights : ndarray, shape (n,)
    """

    pseudo: FloatArray
    weights: FloatArray

    @classmethod
    def at(cls, signs: FloatArray, eta: FloatArray) -> "Sites":
        """Sites with the likelihood's slope and curvature at `eta`: a start."""
        return cls(*linearise(signs, eta))


def expectation_propagation(design: FloatArray, p: int, signs: FloatArray, start: Sites) -> Sites:
    """Match every site, all at once and damped, until none changes much.

    Whatever comes out is a valid importance density, so that a pass too few costs variance, not exactness.

    Parameters
    ----------
    design : ndarray, shape (n, p + k)
        Covariates (flat prior), then columns whose weights have standard normal priors.
    p : int
        Number of covariates.
    signs : ndarray, shape (n,)
    start : Sites
    """
    q = design.shape[1]
    weights, natural = start.weights, start.weights * start.pseudo
    for _ in range(MOST_PASSES):
        precision = design.T @ (design * weights[:, None])
        precision[np.arange(p, q), np.arange(p, q)] += 1.0
        root = linalg.cholesky(precision, lower=False, check_finite=False, overwrite_a=True)
        half = linalg.solve_triangular(root, design.T, trans="T", lower=False, check_finite=False)
        variance = np.maximum(np.sum(half**2, axis=0), 1e-12)
        mean = half.T @ (half @ natural)
        # The cavity: the posterior without this site.
        cavity_variance = 1.0 / np.maximum(1.0 / variance - weights, 1e-9)
        cavity_mean = cavity_variance * (mean / variance - natural)
        scale = np.sqrt(1.0 + cavity_variance)
        t = signs * cavity_mean / scale
        ratio = np.exp(-0.5 * t * t - LOG_ROOT_TWO_PI - special.log_ndtr(t))
        # Moments of the cavity times Phi, less the cavity: the new site.
        curvature = ratio * (ratio + t) / scale**2
        new_weights = np.maximum(curvature / (1.0 - cavity_variance * curvature), SMALLEST_WEIGHT)
        slope = signs * ratio / scale
        new_natural = new_weights * cavity_mean + slope * (1.0 + new_weights * cavity_variance)
        change = float(np.abs(new_weights - weights).max())
        weights = DAMPING * new_weights + (1 - DAMPING) * weights
        natural = DAMPING * new_natural + (1 - DAMPING) * natural
        if change < SMALLEST_CHANGE:
            break
    return Sites(natural / weights, weights)
