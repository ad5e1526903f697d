"""The probit likelihood as a function of the linear predictors: value, derivatives, linearisation.

s_i = +1 where the outcome is 1 and -1 where it is 0, so that the likelihood is prod_i Phi(s_i eta_i), each
factor raised to the power w_i where rows have sampling weights.
"""

import math

import numpy as np

from mixepi.arrays import FloatArray
from mixepi.compiled import njit


@njit()
def log_phi(t: float) -> float:  # pragma: no cover - compiled
    """log Phi(t), with the asymptotic series far in the lower tail."""
    if t > -8.0:
        return math.log(0.5 * math.erfc(-t * 0.7071067811865476))
    square = 1.0 / (t * t)
    series = 1.0 - square * (1.0 - square * (3.0 - square * (15.0 - 105.0 * square)))
    return -0.5 * t * t - math.log(-t) - 0.9189385332046727 + math.log(series)


@njit()
def _likelihoods(signs: FloatArray, eta: FloatArray) -> FloatArray:  # pragma: no cover - compiled
    out = np.empty(eta.shape[0])
    for j in range(eta.shape[0]):
        value = 0.0
        for i in range(signs.shape[0]):
            value += log_phi(signs[i] * eta[j, i])
        out[j] = value
    return out


@njit()
def _weighted_likelihoods(
    signs: FloatArray, power: FloatArray, eta: FloatArray
) -> FloatArray:  # pragma: no cover - compiled
    out = np.empty(eta.shape[0])
    for j in range(eta.shape[0]):
        value = 0.0
        for i in range(signs.shape[0]):
            value += power[i] * log_phi(signs[i] * eta[j, i])
        out[j] = value
    return out


def log_likelihoods(signs: FloatArray, eta: FloatArray, power: FloatArray | None = None) -> FloatArray:
    """sum_i w_i log Phi(s_i eta_i) for each row of `eta`, shape (draws, n); w is `power`, 1 by default."""
    eta = np.ascontiguousarray(eta)
    return _likelihoods(signs, eta) if power is None else _weighted_likelihoods(signs, power, eta)


@njit()
def _linearise(
    signs: FloatArray, eta: FloatArray
) -> tuple[FloatArray, FloatArray]:  # pragma: no cover - compiled
    pseudo = np.empty(signs.shape[0])
    weights = np.empty(signs.shape[0])
    for i in range(signs.shape[0]):
        t = signs[i] * eta[i]
        ratio = math.exp(-0.5 * t * t - 0.9189385332046727 - log_phi(t))
        weights[i] = max(ratio * (ratio + t), 1e-12)
        pseudo[i] = eta[i] + signs[i] * ratio / weights[i]
    return pseudo, weights


def linearise(signs: FloatArray, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Pseudo-outcomes and weights of the gaussian with the likelihood's slope and curvature at `eta`."""
    return _linearise(signs, eta)
