"""Compiled likelihoods of the outcome families: score, curvature, objective, deviance."""

import math

from mixepi.arrays import FloatArray
from mixepi.compiled import njit

GAUSSIAN, BINOMIAL, POISSON, NEGATIVE_BINOMIAL = 0, 1, 2, 3
LARGEST_SIZE = 1e7  # negative binomial size beyond which the model is Poisson
FAST = {"reassoc", "contract", "nsz", "arcp"}


@njit(nogil=True, fastmath=FAST)
def score_and_curvature(
    family: int,
    size: float,
    y: FloatArray,
    eta: FloatArray,
    w: FloatArray,
    score: FloatArray,
    curvature: FloatArray,
) -> None:
    """Write d loglik/d eta and -d2 loglik/d eta2 of every row, both times its weight."""
    for i in range(y.shape[0]):
        if family == GAUSSIAN:
            score[i] = w[i] * (y[i] - eta[i])
            curvature[i] = w[i]
        elif family == BINOMIAL:
            e = math.exp(-abs(eta[i]))
            d = 1.0 / (1.0 + e)
            mu = d if eta[i] >= 0.0 else e * d
            score[i] = w[i] * (y[i] - mu)
            curvature[i] = w[i] * e * d * d
        elif family == POISSON:
            mu = math.exp(eta[i])
            score[i] = w[i] * (y[i] - mu)
            curvature[i] = w[i] * mu
        else:
            mu = math.exp(eta[i])
            d = size / (size + mu)
            score[i] = w[i] * (y[i] - mu) * d
            curvature[i] = w[i] * mu * d * (y[i] + size) / (size + mu)


@njit(nogil=True)
def objective(family: int, size: float, y: FloatArray, eta: FloatArray, w: FloatArray) -> float:
    """Return f up to a term that does not depend on eta."""
    total = 0.0
    for i in range(y.shape[0]):
        if family == GAUSSIAN:
            total += 0.5 * w[i] * (y[i] - eta[i]) ** 2
        elif family == BINOMIAL:
            total += w[i] * (max(eta[i], 0.0) - y[i] * eta[i] + math.log1p(math.exp(-abs(eta[i]))))
        elif family == POISSON:
            total += w[i] * (math.exp(eta[i]) - y[i] * eta[i])
        else:
            total += w[i] * ((y[i] + size) * math.log(size + math.exp(eta[i])) - y[i] * eta[i])
    return total


@njit(nogil=True)
def deviance(family: int, size: float, y: FloatArray, eta: FloatArray, w: FloatArray) -> float:
    """Return the deviance: twice the log-likelihood of the saturated model minus that of eta."""
    total = 0.0
    for i in range(y.shape[0]):
        if w[i] == 0.0:
            continue
        if family == GAUSSIAN:
            total += w[i] * (y[i] - eta[i]) ** 2
        elif family == BINOMIAL:
            loss = max(eta[i], 0.0) - y[i] * eta[i] + math.log1p(math.exp(-abs(eta[i])))
            if 0.0 < y[i] < 1.0:
                loss += y[i] * math.log(y[i]) + (1.0 - y[i]) * math.log1p(-y[i])
            total += 2.0 * w[i] * loss
        else:
            mu = math.exp(eta[i])
            own = y[i] * (math.log(y[i]) - eta[i]) if y[i] > 0.0 else 0.0
            if family == POISSON:
                total += 2.0 * w[i] * (own - (y[i] - mu))
            else:
                total += 2.0 * w[i] * (own - (y[i] + size) * math.log((y[i] + size) / (mu + size)))
    return total


@njit(nogil=True)
def digamma_trigamma(x: float) -> tuple[float, float]:
    """Return the first two derivatives of log gamma, by recurrence and asymptotic series."""
    first, second = 0.0, 0.0
    while x < 10.0:
        first -= 1.0 / x
        second += 1.0 / (x * x)
        x += 1.0
    r = 1.0 / (x * x)
    first += math.log(x) - 0.5 / x - r * (1 / 12.0 - r * (1 / 120.0 - r * (1 / 252.0 - r / 240.0)))
    second += 1.0 / x + 0.5 * r + (1.0 / x) * r * (1 / 6.0 - r * (1 / 30.0 - r * (1 / 42.0 - r / 30.0)))
    return first, second


@njit(nogil=True)
def maximise_size(y: FloatArray, eta: FloatArray, w: FloatArray, size: float) -> float:
    """Return the maximum-likelihood size of a negative binomial given its means (Newton on log size)."""
    log_size = math.log(size)
    for _ in range(100):
        k = math.exp(log_size)
        g0, t0 = digamma_trigamma(k)
        first, second = 0.0, 0.0
        for i in range(y.shape[0]):
            mu = math.exp(eta[i])
            g1, t1 = digamma_trigamma(k + y[i])
            first += w[i] * (g1 - g0 + math.log(k / (k + mu)) + (mu - y[i]) / (k + mu))
            second += w[i] * (t1 - t0 + 1.0 / k - 2.0 / (k + mu) + (k + y[i]) / (k + mu) ** 2)
        slope = first * k
        bend = second * k * k + slope
        step = -slope / bend if bend < 0.0 else (1.0 if slope > 0.0 else -1.0)
        step = min(max(step, -2.0), 2.0)
        log_size += step
        if log_size > math.log(LARGEST_SIZE):
            return LARGEST_SIZE
        if abs(step) < 1e-10:
            break
    return math.exp(log_size)
