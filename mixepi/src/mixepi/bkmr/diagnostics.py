"""Convergence: rank-normalised split R-hat, bulk and tail effective sample sizes, MCSE.

Vehtari, Gelman, Simpson, Carpenter, Buerkner (2021), Bayesian Analysis 16, 667-718.
All functions take draws of one quantity, shape (chains, draws).
"""

import numpy as np
from scipy import special, stats

from mixepi.arrays import FloatArray

R_HAT_LIMIT = 1.05
ESS_LIMIT = 400.0


def _split(x: FloatArray) -> FloatArray:
    half = x.shape[1] // 2
    return np.concatenate([x[:, :half], x[:, x.shape[1] - half :]])


def _rank_normalise(x: FloatArray) -> FloatArray:
    ranks = stats.rankdata(x, method="average").reshape(x.shape)
    return np.asarray(special.ndtri((ranks - 0.375) / (x.size + 0.25)))


def _r_hat(x: FloatArray) -> float:
    n = x.shape[1]
    within = float(x.var(axis=1, ddof=1).mean())
    between = n * float(x.mean(axis=1).var(ddof=1))
    if within == 0:
        return 1.0 if between == 0 else float("inf")
    return float(np.sqrt(((n - 1) / n * within + between / n) / within))


def r_hat(x: FloatArray) -> float:
    """Larger of the bulk and the folded rank-normalised split R-hat; 1 for a constant."""
    if np.ptp(x) == 0:
        return 1.0
    split = _split(x)
    folded = np.abs(split - np.median(split))
    return max(_r_hat(_rank_normalise(split)), _r_hat(_rank_normalise(folded)))


def _autocovariance(x: FloatArray) -> FloatArray:
    n = x.shape[1]
    centred = x - x.mean(axis=1, keepdims=True)
    size = 1 << (2 * n - 1).bit_length()
    transform = np.fft.rfft(centred, size, axis=1)
    return np.asarray(np.fft.irfft(transform * np.conj(transform), size, axis=1)[:, :n] / n)


def effective_size(x: FloatArray) -> float:
    """Effective sample size of the mean, by Geyer's initial monotone sequence over chains."""
    chains, n = x.shape
    if n < 4 or np.ptp(x) == 0:
        return float(x.size)
    covariance = _autocovariance(x)
    within = float(covariance[:, 0].mean()) * n / (n - 1)
    plus = within * (n - 1) / n
    if chains > 1:
        plus += float(x.mean(axis=1).var(ddof=1))
    rho = 1 - (within - covariance.mean(axis=0) * n / (n - 1)) / plus
    rho[0] = 1.0
    pairs: list[float] = []
    for t in range(0, n - 1, 2):
        pair = float(rho[t] + rho[t + 1])
        if pair <= 0:
            break
        pairs.append(min(pair, pairs[-1]) if pairs else pair)
    tau = max(-1 + 2 * sum(pairs), 1 / np.log10(x.size))
    return float(x.size / tau)


def ess_bulk(x: FloatArray) -> float:
    """Effective size for the location of the distribution."""
    return effective_size(_rank_normalise(_split(x))) if np.ptp(x) else float(x.size)


def ess_tail(x: FloatArray) -> float:
    """Smaller effective size of the 5 % and 95 % quantiles."""
    split = _split(x)
    sizes = [effective_size((split <= np.quantile(x, q)).astype(float)) for q in (0.05, 0.95)]
    return min(sizes)


def mcse_mean(x: FloatArray) -> float:
    """Monte-Carlo standard error of the mean."""
    return float(x.std(ddof=1) / np.sqrt(effective_size(_split(x))))
