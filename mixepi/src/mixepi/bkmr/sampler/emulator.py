"""A Gaussian-process emulator of the exact log-likelihood, for kernels of high rank.

There one exact evaluation costs a dense Cholesky factor, but within one set of exposures the
log-likelihood is a smooth function of a few numbers, theta = (log r of the included, log lambda).
Warm-up evaluates it a few hundred times; the emulator interpolates those values, and a long walk on
the emulator proposes a point far away, which one exact evaluation accepts or rejects.
"""

from dataclasses import dataclass

import numpy as np

from mixepi.arrays import BoolArray, FloatArray
from mixepi.bkmr.model.point import Point, from_coordinates
from mixepi.compiled import njit

# Prior of the emulated log-likelihood over standardised theta: a quadratic, whose coefficients may be large
# because a log-likelihood falls by tens within a few posterior standard deviations, and a smooth departure
# from it of a few log units.
SQUARE = 30.0
BUMP = 3.0
# Of the departure, in posterior standard deviations (what was tried, "length of the emulator's bump").
LENGTH = 4.0
# Values farther below the largest are of places that the posterior does not visit (e^-25 = 1e-11), and would
# bend the quadratic.
DEPTH = 25.0
# Training points: the emulator's matrix is inverted at each of warm-up's updates, and every step of a walk
# sums over them.
LARGEST = 500
# Evaluations for each coordinate below which a quadratic (d^2 / 2 coefficients) is not trusted, and the
# training points by which the error is judged: within sqrt(2 d) posterior standard deviations of the centre,
# nearly all.
MIN_EVALUATIONS = 10
CENTRAL = 2.0


@njit()
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


@dataclass(frozen=True, kw_only=True)
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

    def standardise(self, point: Point) -> FloatArray:
        """x of a point, which must have this emulator's exposures in."""
        return np.asarray(np.linalg.solve(self.root, point.coordinates - self.centre), dtype=float)

    def restore(self, x: FloatArray) -> tuple[FloatArray, float]:
        """(r, log lambda) of a standardised point."""
        return from_coordinates(self.centre + self.root @ x, self.active)


def fit_emulator(
    *,
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
        None when there are fewer than `MIN_EVALUATIONS` d useful evaluations.
    """
    d = theta.shape[1]
    theta, index = np.unique(theta, axis=0, return_index=True)
    values, noise = values[index], noise[index]
    near = values > values.max() - DEPTH
    theta, values, noise = theta[near], values[near], noise[near]
    if len(values) < MIN_EVALUATIONS * d:
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
    central = np.sum(points**2, axis=1) < CENTRAL * d
    residual = float(np.std(errors[central])) if central.sum() > 5 else float(np.std(errors))
    return Emulator(
        active=active,
        centre=centre,
        root=root,
        points=np.ascontiguousarray(points),
        weights=weights,
        offset=offset,
        residual_sd=residual,
    )
