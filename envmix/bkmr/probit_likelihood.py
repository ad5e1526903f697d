"""The probit likelihood as a function of the linear predictors: value, derivatives, linearisation.

s_i = +1 where the outcome is 1 and -1 where it is 0, so that the likelihood is prod_i Phi(s_i eta_i).
"""

import math

import numba
import numpy as np

from envmix.arrays import FloatArray


@numba.njit(cache=True)
def log_phi(t: float) -> float:  # pragma: no cover - compiled
    """log Phi(t), with the asymptotic series far in the lower tail."""
    if t > -8.0:
        return math.log(0.5 * math.erfc(-t * 0.7071067811865476))
    square = 1.0 / (t * t)
    series = 1.0 - square * (1.0 - square * (3.0 - square * (15.0 - 105.0 * square)))
    return -0.5 * t * t - math.log(-t) - 0.9189385332046727 + math.log(series)


@numba.njit(cache=True)
def _likelihoods(signs: FloatArray, eta: FloatArray) -> FloatArray:  # pragma: no cover - compiled
    out = np.empty(eta.shape[0])
    for j in range(eta.shape[0]):
        value = 0.0
        for i in range(signs.shape[0]):
            value += log_phi(signs[i] * eta[j, i])
        out[j] = value
    return out


@numba.njit(cache=True)
def derivatives(
    signs: FloatArray, eta: FloatArray
) -> tuple[float, FloatArray, FloatArray]:  # pragma: no cover - compiled
    """Value, gradient and negative second derivatives of the log-likelihood in the linear predictors."""
    n = signs.shape[0]
    gradient = np.empty(n)
    weights = np.empty(n)
    value = 0.0
    for i in range(n):
        t = signs[i] * eta[i]
        logp = log_phi(t)
        value += logp
        ratio = math.exp(-0.5 * t * t - 0.9189385332046727 - logp)
        gradient[i] = signs[i] * ratio
        weights[i] = max(ratio * (ratio + t), 1e-12)
    return value, gradient, weights


def log_likelihoods(signs: FloatArray, eta: FloatArray) -> FloatArray:
    """sum_i log Phi(s_i eta_i) for each row of `eta`, shape (draws, n)."""
    return _likelihoods(signs, np.ascontiguousarray(eta))


def linearise(signs: FloatArray, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Pseudo-outcomes and weights of the gaussian that matches the probit likelihood at `eta`."""
    _, gradient, weights = derivatives(signs, eta)
    return eta + gradient / weights, weights
