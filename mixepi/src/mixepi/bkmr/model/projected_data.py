"""The outcome and covariates in the form in which the likelihood needs them.

Rows are whitened (by the probit weights and by the random intercept, when there are any) and
the covariates projected out, so that every solver sees one problem:

    y = h + e,  e ~ N(0, sigma2 I),  on the n - p dimensions orthogonal to the covariates.

Integrating a flat b out of N(Xb, sigma2 V) and projecting X away are the same thing (restricted
likelihood): |V| |X' V^-1 X| = |X'X| |U' V U| with U an orthonormal basis of the complement of X.

Where rows have sampling weights w_i, their likelihood is raised to the power w_i (pseudo-likelihood: Savitsky
and Toth 2016, Electronic Journal of Statistics 10, 1677-1708). For N(f_i, sigma2) that is
N(f_i, sigma2 / w_i) times sigma2^((1 - w_i) / 2): rows are multiplied by sqrt(w_i), and sigma2 learns from
sum(w) - p observations in place of n - p. A weight of 2 is a row that occurs twice.
"""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy import linalg

from mixepi.arrays import FloatArray, IntArray
from mixepi.bkmr.model.priors import InverseGammaPrior

LOG_2PI = float(np.log(2 * np.pi))


@lru_cache(maxsize=32)
def _constants(prior: InverseGammaPrior | None, degrees: float) -> tuple[float, float, float]:
    half = 0.5 * degrees
    if prior is None:
        return -half * LOG_2PI, half, -1.0
    a = prior.shape
    constant = math.lgamma(a + half) - math.lgamma(a) + a * math.log(prior.rate) - half * LOG_2PI
    return constant, a + half, prior.rate


@dataclass(frozen=True)
class NoiseModel:
    """How the density of the outcome depends on its residual sum of squares.

    `prior` is the prior of sigma2, or None when sigma2 = 1 (probit).
    """

    prior: InverseGammaPrior | None

    def log_density(self, quadratic: FloatArray, log_determinant: FloatArray, degrees: float) -> FloatArray:
        """Log density of the outcome, b (flat) and sigma2 integrated out.

        Parameters
        ----------
        quadratic : ndarray
            (y - X bhat)' V^-1 (y - X bhat).
        log_determinant : ndarray
            log |V| + log |X' V^-1 X|.
        degrees : float
            n - p; the sum of the weights less p where rows are weighted.
        """
        constant, half, rate = self.constants(degrees)
        if self.prior is None:
            return constant - 0.5 * (log_determinant + quadratic)
        return np.asarray(constant - 0.5 * log_determinant - half * np.log(rate + 0.5 * quadratic))

    def constants(self, degrees: float) -> tuple[float, float, float]:
        """The density's constant, its exponent a + (n - p) / 2, and the rate (-1 when sigma2 = 1)."""
        return _constants(self.prior, degrees)

    def error_bound(self, epsilon: float, observations: float, quadratic: float) -> float:
        """Bound on the error of the log density when V is replaced by W, W <= V <= (1 + epsilon) W.

        The quadratic form then changes by a factor of at most 1 + epsilon, log |X' V^-1 X| by at most
        p log(1 + epsilon), both raising the density, and log |V| by at most trace(V - W), lowering it;
        the bound takes the larger side, with epsilon >= trace(V - W). Where rows are weighted, `observations`
        is the sum of the weights.
        """
        growth = float(np.log1p(epsilon))
        if self.prior is None:
            return 0.5 * (observations * growth + quadratic * epsilon)
        return (0.5 * observations + self.prior.shape) * growth


@dataclass(frozen=True, kw_only=True)
class ProjectedData:
    """Outcome and covariates, whitened, with the covariates projected out.

    Attributes
    ----------
    y, X : ndarray, shapes (n,), (n, p)
        As given; X includes the intercept when there is one.
    root_weights : ndarray, shape (n,), or None
        Square roots of the precisions of the outcomes.
    power : ndarray, shape (n,), or None
        Powers to which the rows' likelihoods are raised; `root_weights` has their effect on the precisions.
    cluster : ndarray of int, shape (n,), or None
        Cluster of each row, from 0.
    cluster_variance : float
        lambda_2: the variance of the random intercept over sigma2.
    noise : NoiseModel
        Prior of sigma2.
    """

    y: FloatArray
    X: FloatArray
    noise: NoiseModel
    root_weights: FloatArray | None = None
    power: FloatArray | None = None
    cluster: IntArray | None = None
    cluster_variance: float = 0.0

    @cached_property
    def _projected(self) -> tuple[FloatArray, FloatArray, float]:
        """Orthonormal basis of the whitened covariates, residual of the outcome, log |X' X|."""
        n, p = self.X.shape
        white = self.whiten(np.column_stack([self.X, self.y]))
        if p:
            basis, upper = linalg.qr(white[:, :p], mode="economic")
            log_det_xx = 2.0 * float(np.sum(np.log(np.abs(np.diag(upper)))))
        else:
            basis, log_det_xx = np.empty((n, 0)), 0.0
        residual = white[:, p] - basis @ (basis.T @ white[:, p])
        return np.asarray(basis, dtype=float), residual, log_det_xx + self._log_det_whitening()

    @cached_property
    def _stacked(self) -> FloatArray:
        basis, residual, _ = self._projected
        return np.ascontiguousarray(np.column_stack([basis, residual]))

    @cached_property
    def total(self) -> float:
        """Residual sum of squares of the outcome on the covariates."""
        residual = self._projected[1]
        return float(residual @ residual)

    @property
    def log_det_xx(self) -> float:
        """log |X' X| after whitening, with the determinant of the whitening."""
        return self._projected[2]

    @property
    def size(self) -> float:
        """n, or the sum of the powers."""
        return float(len(self.y) if self.power is None else self.power.sum())

    @property
    def degrees(self) -> float:
        """n - p, or the sum of the powers less p: what sigma2 learns from."""
        return self.size - int(self.X.shape[1])

    @property
    def dimensions(self) -> int:
        """n - p."""
        return int(self.X.shape[0] - self.X.shape[1])

    @cached_property
    def log_det_power(self) -> float:
        """What powers add to log |V|: the density of a row raised to a power is not normalised."""
        return 0.0 if self.power is None else float(np.sum(np.log(self.power)))

    def _cluster_shrinkage(self) -> tuple[FloatArray, FloatArray]:
        assert self.cluster is not None
        weights = np.ones(len(self.y)) if self.root_weights is None else self.root_weights
        size = np.asarray(np.bincount(self.cluster, weights=weights**2), dtype=float)
        return weights, size

    def _log_det_whitening(self) -> float:
        value = self.log_det_power
        if self.root_weights is not None:
            value -= 2.0 * float(np.sum(np.log(self.root_weights)))
        if self.cluster is not None and self.cluster_variance > 0:
            _, size = self._cluster_shrinkage()
            value += float(np.sum(np.log1p(self.cluster_variance * size)))
        return value

    def whiten(self, columns: FloatArray) -> FloatArray:
        """Multiply columns, shape (n, q), by a square root of the precision of the outcome without h."""
        if self.root_weights is not None:
            columns = columns * self.root_weights[:, None]
        if self.cluster is None or self.cluster_variance == 0:
            return columns
        # (I + l w w')^-1/2 = I - (1 - (1 + l w'w)^-1/2) w w' / w'w within each cluster.
        weights, size = self._cluster_shrinkage()
        sums = np.zeros((len(size), columns.shape[1]))
        np.add.at(sums, self.cluster, columns * weights[:, None])
        factor = (1 - 1 / np.sqrt(1 + self.cluster_variance * size)) / size
        return columns - weights[:, None] * (factor[:, None] * sums)[self.cluster]

    @property
    def plain(self) -> bool:
        """Whether whitening leaves rows unchanged."""
        return self.root_weights is None and (self.cluster is None or self.cluster_variance == 0)

    def reduce(self, factor: FloatArray) -> tuple[FloatArray, FloatArray]:
        """G' M G and G' M y for a factor G' of shape (k, n), M the projection off the covariates."""
        if not self.plain:
            factor = np.ascontiguousarray(self.whiten(factor.T).T)
        cross = factor @ self._stacked
        p = self.X.shape[1]
        gram = factor @ factor.T - cross[:, :p] @ cross[:, :p].T
        return gram, np.ascontiguousarray(cross[:, p])
