"""The likelihood as a function of lambda alone, once the kernel has been factored.

With K = G G' and H T H' = G' M G, T tridiagonal and H orthogonal with H' G' M y a multiple of the first unit
vector, |I + lambda G' M G| and y' M G (I + lambda G' M G)^-1 G' M y come from one elimination of I + lambda T
from its last row to its first: k divisions. lambda can be drawn from its conditional on a grid for almost
nothing, and no eigenvalue has to be found.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from mixepi.arrays import FloatArray
from mixepi.bkmr.model.projected_data import NoiseModel
from mixepi.compiled import njit
from mixepi.errors import EstimationError

# Pivots that are multiplied before a logarithm is taken: each is below 1e30, far from an overflow.
PIVOTS_AT_ONCE = 8


@njit()
def _quadratics_and_determinants(
    diagonal: FloatArray,
    off_diagonal: FloatArray,
    strength: float,
    total: float,
    dimensions: int,
    leftover: float,
    lambdas: FloatArray,
) -> tuple[FloatArray, FloatArray]:  # pragma: no cover - compiled
    count = lambdas.shape[0]
    noise = 1.0 + lambdas * leftover
    scale = lambdas / noise
    pivot = np.ones(count)
    product = np.ones(count)
    determinant = dimensions * np.log(noise)
    last = diagonal.shape[0] - 1
    for i in range(last, -1, -1):
        beside = off_diagonal[i] if i < last else 0.0
        for j in range(count):
            coupling = scale[j] * beside
            # A pivot of I plus something positive semidefinite is at least 1.
            pivot[j] = max(1.0 + scale[j] * diagonal[i] - coupling * coupling / pivot[j], 1.0)
            product[j] *= pivot[j]
        if i % PIVOTS_AT_ONCE == 0:
            for j in range(count):
                determinant[j] += math.log(product[j])
                product[j] = 1.0
    return (total - scale * strength / pivot) / noise, determinant


@njit()
def _log_likelihoods(
    diagonal: FloatArray,
    off_diagonal: FloatArray,
    strength: float,
    total: float,
    dimensions: int,
    leftover: float,
    lambdas: FloatArray,
    log_det_xx: float,
    prior: tuple[float, float, float],
) -> FloatArray:  # pragma: no cover - compiled
    constant, half, rate = prior
    quadratic, determinant = _quadratics_and_determinants(
        diagonal, off_diagonal, strength, total, dimensions, leftover, lambdas
    )
    determinant += log_det_xx
    if rate < 0:
        return constant - 0.5 * (determinant + quadratic)
    return constant - 0.5 * determinant - half * np.log(rate + 0.5 * quadratic)


@dataclass(frozen=True, kw_only=True)
class LambdaLikelihood:
    """Log density of the outcome for one r and every lambda.

    Attributes
    ----------
    diagonal, off_diagonal : ndarray, shapes (k,) and (k - 1,)
        T, see the module.
    strength : float
        Squared length of G' M y.
    total : float
        Residual sum of squares of the outcome on the covariates.
    dimensions : int
        n - p.
    degrees : float
        n - p, or the sum of the weights less p.
    observations : float
        n, or the sum of the weights.
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

    diagonal: FloatArray
    off_diagonal: FloatArray
    strength: float
    total: float
    dimensions: int
    degrees: float
    observations: float
    log_det_xx: float
    noise: NoiseModel
    trace: float
    leftover: float

    def log_likelihood(self, lambdas: FloatArray) -> FloatArray:
        """Log density of the outcome at each of `lambdas`, shape (J,)."""
        return _log_likelihoods(
            self.diagonal,
            self.off_diagonal,
            self.strength,
            self.total,
            self.dimensions,
            self.leftover,
            lambdas,
            self.log_det_xx,
            self.noise.constants(self.degrees),
        )

    def at(self, lambda_: float) -> float:
        """Log density at one lambda."""
        return float(self.log_likelihood(np.array([lambda_]))[0])

    def quadratic(self, lambda_: float) -> float:
        """(y - X bhat)' V^-1 (y - X bhat) at one lambda."""
        return float(self._quadratic_and_determinant(lambda_)[0])

    def log_determinant(self, lambda_: float) -> float:
        """log |V| + log |X' V^-1 X| at one lambda."""
        return float(self._quadratic_and_determinant(lambda_)[1]) + self.log_det_xx

    def _quadratic_and_determinant(self, lambda_: float) -> tuple[float, float]:
        quadratic, determinant = _quadratics_and_determinants(
            self.diagonal,
            self.off_diagonal,
            self.strength,
            self.total,
            self.dimensions,
            self.leftover,
            np.array([lambda_]),
        )
        return quadratic[0], determinant[0]

    def error_bound(self, lambda_: float) -> float:
        """The certificate: a bound on the error of the log density at `lambda_` (infinite if capped)."""
        if self.leftover > 0:
            return float("inf")
        return self.noise.error_bound(lambda_ * self.trace, self.observations, self.total)


def lambda_likelihood(
    gram: FloatArray,
    cross: FloatArray,
    *,
    total: float,
    dimensions: int,
    degrees: float,
    observations: float,
    log_det_xx: float,
    noise: NoiseModel,
    trace: float,
    leftover: float,
) -> LambdaLikelihood:
    """Bring G' M G (k x k) to tridiagonal form by reflections, the first of which turns G' M y."""
    k = len(gram)
    # LAPACK's first reflection turns the first column below the diagonal: there it finds G' M y.
    bordered = np.zeros((k + 1, k + 1), order="F")
    bordered[1:, 0] = cross
    bordered[1:, 1:] = gram
    _, diagonal, off_diagonal, _, _ = lapack.dsytrd(bordered, lower=1, overwrite_a=1)
    if not (np.isfinite(diagonal).all() and np.isfinite(off_diagonal).all()):
        raise EstimationError(
            "expected finite kernel features, found some that are not: check exposures, covariates and "
            "outcome for extreme values"
        )
    return LambdaLikelihood(
        diagonal=diagonal[1:],
        off_diagonal=off_diagonal[1:],
        strength=float(cross @ cross),
        total=total,
        dimensions=dimensions,
        degrees=degrees,
        observations=observations,
        log_det_xx=log_det_xx,
        noise=noise,
        trace=trace,
        leftover=leftover,
    )
