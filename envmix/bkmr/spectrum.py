"""The likelihood as a function of lambda alone, once the kernel has been factored.

With K = G G' and M G G' M = U S U' the log density costs one logarithm per eigenvalue, so that
lambda can be drawn from its conditional on a grid for almost nothing.
"""

from dataclasses import dataclass

import numba
import numpy as np

from envmix.bkmr.arrays import Array
from envmix.bkmr.working import NoiseModel


@numba.njit(cache=True)
def _sums(
    values: Array, squares: Array, lambdas: Array, leftover: float
) -> tuple[Array, Array, Array]:  # pragma: no cover - compiled
    log_det = np.empty(lambdas.shape[0])
    explained = np.empty(lambdas.shape[0])
    noise = np.empty(lambdas.shape[0])
    for j in range(lambdas.shape[0]):
        v = 1.0 + lambdas[j] * leftover
        scale = lambdas[j] / v
        det = 0.0
        quad = 0.0
        # A product of a few terms needs one logarithm; it is taken before it can overflow.
        product = 1.0
        for i in range(values.shape[0]):
            term = 1.0 + scale * values[i]
            quad += scale * squares[i] / term
            product *= term
            if product > 1e200:
                det += np.log(product)
                product = 1.0
        log_det[j] = det + np.log(product)
        explained[j] = quad
        noise[j] = v
    return log_det, explained, noise


@dataclass(frozen=True)
class Spectrum:
    """Log density of the outcome for one r and every lambda.

    Attributes
    ----------
    values, squares : ndarray, shape (k,)
        Eigenvalues of M G G' M, and the squared projections of the outcome on its eigenvectors.
    total : float
        Residual sum of squares of the outcome on the covariates.
    degrees : int
        n - p.
    observations : int
        n.
    log_det_xx : float
        log |X'X|, with the determinant of the whitening.
    noise : NoiseModel
        Prior of sigma2.
    trace : float
        Bound on the norm of what the factor leaves out of K (after whitening).
    leftover : float
        Variance per observation added for what the factor leaves out: trace / n in a capped
        surrogate, 0 in a certified factor.
    """

    values: Array
    squares: Array
    total: float
    degrees: int
    observations: int
    log_det_xx: float
    noise: NoiseModel
    trace: float
    leftover: float

    def log_likelihood(self, lambdas: Array) -> Array:
        """Log density of the outcome at each of `lambdas`, shape (J,)."""
        log_det, explained, noise = _sums(self.values, self.squares, lambdas, self.leftover)
        quadratic = (self.total - explained) / noise
        determinant = log_det + self.degrees * np.log(noise) + self.log_det_xx
        return self.noise.log_density(quadratic, determinant, self.degrees)

    def at(self, lambda_: float) -> float:
        """Log density at one lambda."""
        return float(self.log_likelihood(np.array([lambda_]))[0])

    def quadratic(self, lambda_: float) -> float:
        """(y - X bhat)' V^-1 (y - X bhat) at one lambda."""
        _, explained, noise = _sums(self.values, self.squares, np.array([lambda_]), self.leftover)
        return float((self.total - explained[0]) / noise[0])

    def error_bound(self, lambda_: float) -> float:
        """The certificate: a bound on the error of the log density at `lambda_` (infinite if capped)."""
        if self.leftover > 0:
            return float("inf")
        return self.noise.error_bound(lambda_ * self.trace, self.observations, self.total)


def spectrum_from(
    gram: Array,
    cross: Array,
    *,
    total: float,
    degrees: int,
    observations: int,
    log_det_xx: float,
    noise: NoiseModel,
    trace: float,
    leftover: float,
) -> Spectrum:
    """Diagonalise G' M G (k x k) and rotate G' M y."""
    if len(gram) == 0:
        values, squares = np.empty(0), np.empty(0)
    else:
        values, vectors = np.linalg.eigh(gram)
        values = np.maximum(values, 0.0)
        squares = np.square(vectors.T @ cross)
    return Spectrum(values, squares, total, degrees, observations, log_det_xx, noise, trace, leftover)
