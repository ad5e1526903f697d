"""The likelihood as a function of lambda alone, once the kernel has been factored.

With K = G G' and M G G' M = U S U' the log density costs one logarithm per eigenvalue, so that
lambda can be drawn from its conditional on a grid for almost nothing.
"""

import math
from dataclasses import dataclass

import numba
import numpy as np
from scipy.linalg import lapack

from envmix.arrays import FloatArray
from envmix.bkmr.working import NoiseModel
from envmix.errors import EstimationError


@numba.njit(cache=True)
def _quadratic_and_determinant(
    values: FloatArray, squares: FloatArray, total: float, degrees: int, leftover: float, lambda_: float
) -> tuple[float, float]:  # pragma: no cover - compiled
    v = 1.0 + lambda_ * leftover
    scale = lambda_ / v
    explained = 0.0
    log_det = 0.0
    # A product of a few terms needs one logarithm; it is taken before it can overflow.
    product = 1.0
    for i in range(values.shape[0]):
        term = 1.0 + scale * values[i]
        explained += scale * squares[i] / term
        product *= term
        if product > 1e200:
            log_det += math.log(product)
            product = 1.0
    return (total - explained) / v, log_det + math.log(product) + degrees * math.log(v)


@numba.njit(cache=True)
def _log_likelihoods(
    values: FloatArray,
    squares: FloatArray,
    lambdas: FloatArray,
    total: float,
    degrees: int,
    leftover: float,
    log_det_xx: float,
    prior: tuple[float, float, float],
) -> FloatArray:  # pragma: no cover - compiled
    constant, half, rate = prior
    out = np.empty(lambdas.shape[0])
    for j in range(lambdas.shape[0]):
        quadratic, determinant = _quadratic_and_determinant(
            values, squares, total, degrees, leftover, lambdas[j]
        )
        determinant += log_det_xx
        if rate < 0:
            out[j] = constant - 0.5 * (determinant + quadratic)
        else:
            out[j] = constant - 0.5 * determinant - half * math.log(rate + 0.5 * quadratic)
    return out


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

    values: FloatArray
    squares: FloatArray
    total: float
    degrees: int
    observations: int
    log_det_xx: float
    noise: NoiseModel
    trace: float
    leftover: float

    def log_likelihood(self, lambdas: FloatArray) -> FloatArray:
        """Log density of the outcome at each of `lambdas`, shape (J,)."""
        return _log_likelihoods(
            self.values,
            self.squares,
            lambdas,
            self.total,
            self.degrees,
            self.leftover,
            self.log_det_xx,
            self.noise.constants(self.degrees),
        )

    def at(self, lambda_: float) -> float:
        """Log density at one lambda."""
        return float(self.log_likelihood(np.array([lambda_]))[0])

    def quadratic(self, lambda_: float) -> float:
        """(y - X bhat)' V^-1 (y - X bhat) at one lambda."""
        quadratic, _ = _quadratic_and_determinant(
            self.values, self.squares, self.total, self.degrees, self.leftover, lambda_
        )
        return float(quadratic)

    def error_bound(self, lambda_: float) -> float:
        """The certificate: a bound on the error of the log density at `lambda_` (infinite if capped)."""
        if self.leftover > 0:
            return float("inf")
        return self.noise.error_bound(lambda_ * self.trace, self.observations, self.total)


def spectrum_from(
    gram: FloatArray,
    cross: FloatArray,
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
        # Half the time of numpy's eigh, which uses the same routine, for matrices this small.
        values, vectors, info = lapack.dsyevd(gram)
        if info != 0 or not np.isfinite(values[-1]):
            raise EstimationError(
                "expected finite kernel features, found an eigenvalue problem without a solution: check "
                "exposures, covariates and outcome for extreme values"
            )
        values = np.maximum(values, 0.0)
        squares = np.square(vectors.T @ cross)
    return Spectrum(values, squares, total, degrees, observations, log_det_xx, noise, trace, leftover)
