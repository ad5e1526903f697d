"""A Gaussian-process emulator of the exact log-likelihood, for kernels too rough to be of low rank.

There one exact evaluation costs a dense Cholesky factor, but within one set of exposures the
log-likelihood is a smooth function of a few numbers, theta = (log r of the included, log lambda).
Warm-up evaluates it a few hundred times; the emulator interpolates those values, and a long walk on
the emulator proposes a point far away, which one exact evaluation accepts or rejects.
"""

from dataclasses import dataclass

import numba
import numpy as np

from mixepi.arrays import BoolArray, FloatArray

SQUARE = 30.0
BUMP = 3.0
LENGTH = 4.0
DEPTH = 25.0
LARGEST = 500


@numba.njit(cache=True)
def _predict(x: FloatArray, points: FloatArray, weights: FloatArray) -> float:  # pragma: no cover - compiled
    value = 0.0
    d = points.shape[1]
    for t in range(points.shape[0]):
        inner = 1.0
        distance = 0.0
        for j in range(d):
            inner += x[j] * points[t, j] / d
            step = x[j] - points[t, j]
            distance += step * step
        value += weights[t] * (
            SQUARE * SQUARE * inner * inner + BUMP * BUMP * np.exp(-0.5 * distance / (LENGTH * LENGTH))
        )
    return value


@dataclass(frozen=True)
class Emulator:
    """The emulator for one set of included exposures.

    Attributes
    ----------
    active : ndarray of bool, shape (M,)
        The set.
    centre, root : ndarray, shapes (d,), (d, d)
        theta = centre + root x standardises theta; d = number included + 1.
    points, weights, offset : ndarray, shapes (T, d), (T,); float
        Training points (standardised) and the weights of the interpolation.
    residual_sd : float
        Leave-one-out standard deviation of the error.
    """

    active: BoolArray
    centre: FloatArray
    root: FloatArray
    points: FloatArray
    weights: FloatArray
    offset: float
    residual_sd: float

    def log_likelihood(self, x: FloatArray) -> float:
        """Emulated log-likelihood at a standardised point."""
        return self.offset + _predict(x, self.points, self.weights)

    def standardise(self, r: FloatArray, u: float) -> FloatArray:
        """x of (r, log lambda); r must have this emulator's exposures in."""
        return np.asarray(np.linalg.solve(self.root, coordinates(r, u) - self.centre), dtype=float)

    def restore(self, x: FloatArray) -> tuple[FloatArray, float]:
        """(r, log lambda) of a standardised point."""
        theta = self.centre + self.root @ x
        r = np.zeros(len(self.active))
        r[self.active] = np.exp(np.minimum(theta[:-1], 700.0))
        return r, float(theta[-1])


def coordinates(r: FloatArray, u: float) -> FloatArray:
    """theta = (log r of the included exposures, log lambda)."""
    return np.append(np.log(r[r > 0]), u)


def fit_emulator(
    active: BoolArray,
    theta: FloatArray,
    values: FloatArray,
    centre: FloatArray,
    covariance: FloatArray,
    noise: FloatArray,
) -> Emulator | None:
    """Interpolate exact log-likelihoods.

    Parameters
    ----------
    active : ndarray of bool, shape (M,)
    theta, values, noise : ndarray, shapes (T, d), (T,), (T,)
        Where the exact log-likelihood was evaluated, its values, and the standard deviations of their errors.
    centre, covariance : ndarray, shapes (d,), (d, d)
        Mean and covariance of the posterior so far.

    Returns
    -------
    Emulator or None
        None when fewer than 10 d useful evaluations exist.
    """
    d = theta.shape[1]
    theta, index = np.unique(theta, axis=0, return_index=True)
    values, noise = values[index], noise[index]
    near = values > values.max() - DEPTH
    theta, values, noise = theta[near], values[near], noise[near]
    if len(values) < 10 * d:
        return None
    root = np.asarray(np.linalg.cholesky(covariance), dtype=float)
    points = np.linalg.solve(root, (theta - centre).T).T
    if len(points) > LARGEST:
        closest = np.argsort(np.sum(points**2, axis=1), kind="stable")[:LARGEST]
        points, values, noise = points[closest], values[closest], noise[closest]
    inner = 1.0 + points @ points.T / d
    distance = np.sum((points[:, None] - points[None]) ** 2, axis=2)
    gram = SQUARE**2 * inner**2 + BUMP**2 * np.exp(-0.5 * distance / LENGTH**2)
    inverse = np.linalg.inv(gram + np.diag(noise**2))
    offset = float(np.median(values))
    weights = inverse @ (values - offset)
    errors = weights / np.diag(inverse)
    central = np.sum(points**2, axis=1) < 2.0 * d
    residual = float(np.std(errors[central])) if central.sum() > 5 else float(np.std(errors))
    return Emulator(active, centre, root, np.ascontiguousarray(points), weights, offset, residual)
