"""Low-rank solver: pivoted Cholesky of the kernel, with a certificate on the log-likelihood.

K = G G' + E with E positive semidefinite and trace(E) known, so V = I + lambda K lies between
W = I + lambda G G' and (1 + epsilon) W, epsilon = lambda trace(E). With the gaussian likelihood the error of
the log density is then at most (n / 2 + a) log(1 + epsilon) (`NoiseModel.error_bound`).

With the probit likelihood it is at most (n + p) / 2 log(1 + epsilon). That likelihood is the integral over b
of the probability that y* ~ N(X b, V) lies in the orthant that y names. From V <= (1 + epsilon) W the density
of N(X b, V) is at most (|(1 + epsilon) W| / |V|)^(1/2) <= (1 + epsilon)^(n / 2) times that of
N(X b, (1 + epsilon) W), and since an orthant is a cone, y* and b divided by (1 + epsilon)^(1/2) turn the
integral under the latter into (1 + epsilon)^(p / 2) times that under W. From W <= V it is at least
(|W| / |V|)^(1/2) >= exp(-epsilon / 2) times that under W.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.sparse import csr_array

from mixepi.arrays import FloatArray, IntArray
from mixepi.bkmr.likelihood.contrasts import Contrasts
from mixepi.bkmr.likelihood.kernel import kernel_between, pivoted_cholesky
from mixepi.bkmr.likelihood.over_lambda import LambdaLikelihood, lambda_likelihood
from mixepi.bkmr.model.projected_data import ProjectedData


@dataclass(frozen=True, kw_only=True)
class Factor:
    """A factor of the kernel at one r.

    Attributes
    ----------
    r : ndarray, shape (M,)
    rows : ndarray, shape (k, n)
        G'.
    pivots : ndarray of int, shape (k,)
        Observations chosen.
    residual : ndarray, shape (n,)
        Diagonal of what is left out.
    complete : bool
        Whether the tolerance was reached before the cap on the rank.
    """

    r: FloatArray
    rows: FloatArray
    pivots: IntArray
    residual: FloatArray
    complete: bool

    @property
    def trace(self) -> float:
        return float(self.residual.sum())

    @property
    def rank(self) -> int:
        return len(self.pivots)

    def features(self, z_new: FloatArray, z: FloatArray) -> FloatArray:
        """Rows of G for new points, shape (q, k): K(new, pivots) L^-T with L the pivots' rows of G."""
        cross = kernel_between(z_new, z[self.pivots], self.r)
        lower = self.rows[:, self.pivots].T
        return np.asarray(linalg.solve_triangular(lower, cross.T, lower=True).T)


def trace_tolerance(tolerance: float, max_change: float, lambda_reference: float) -> float:
    """The trace(E) at which the log-likelihood error is at most `tolerance` at `lambda_reference` and below.

    `max_change`: see `mixepi.bkmr.model.model.Model.max_change`.
    """
    return tolerance / (max_change * lambda_reference)


def factorise(zt: FloatArray, r: FloatArray, *, max_rank: int, trace: float) -> Factor:
    """Factor the kernel until trace(E) <= `trace` or the rank reaches `max_rank`."""
    rows, pivots, residual = pivoted_cholesky(zt, r, max_rank=max_rank, tolerance=trace)
    n = zt.shape[1]
    complete = len(pivots) < min(max_rank, n) or float(residual.sum()) <= trace
    return Factor(r=r, rows=rows, pivots=pivots, residual=residual, complete=complete)


def likelihood(factor: Factor, data: ProjectedData) -> LambdaLikelihood:
    """Log density as a function of lambda; what an incomplete factor leaves out becomes noise."""
    gram, cross = data.reduce(factor.rows)
    weights = 1.0 if data.root_weights is None else np.square(data.root_weights)
    trace = float(np.sum(weights * factor.residual))
    return lambda_likelihood(
        gram,
        cross,
        total=data.total,
        dimensions=data.dimensions,
        degrees=data.degrees,
        observations=data.size,
        log_det_xx=data.log_det_xx,
        noise=data.noise,
        trace=trace,
        leftover=0.0 if factor.complete else trace / len(data.y),
    )


@dataclass(frozen=True, kw_only=True)
class FeaturePosterior:
    """Posterior of (b, w) given r and lambda, in units of sigma2, with h = sqrt(lambda) G w.

    Attributes
    ----------
    factor, lambda_, p : the factor, lambda and number of covariates.
    mean : ndarray, shape (p + k,)
    root : ndarray, shape (p + k, p + k)
        Upper Cholesky factor of the precision divided by sigma2.
    quadratic : float
        (y - X bhat)' V^-1 (y - X bhat).
    """

    factor: Factor
    lambda_: float
    p: int
    mean: FloatArray
    root: FloatArray
    quadratic: float

    def joint(self, z_new: FloatArray, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and covariance / sigma2 of (b, h(z_new)), shapes (p + q,) and (p + q, p + q)."""
        features = self.factor.features(z_new, z)
        q = len(z_new)
        design = np.zeros((self.p + q, self.p + self.factor.rank))
        design[: self.p, : self.p] = np.eye(self.p)
        design[self.p :, self.p :] = np.sqrt(self.lambda_) * features
        half = linalg.solve_triangular(self.root, design.T, trans="T", lower=False)
        covariance = half.T @ half
        # What new points have beyond the features is a priori, and the data say nothing about it.
        left_out = kernel_between(z_new, z_new, self.factor.r) - features @ features.T
        covariance[self.p :, self.p :] += self.lambda_ * left_out
        return design @ self.mean, covariance

    def contrasts(
        self,
        z_new: FloatArray,
        z: FloatArray,
        covariates: FloatArray,
        combine: Callable[[FloatArray], FloatArray],
        prior: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:
        """See `mixepi.bkmr.likelihood.solver.Joint.contrasts`."""
        features = combine(self.factor.features(z_new, z))
        design = np.hstack([covariates, np.sqrt(self.lambda_) * features])
        half = linalg.solve_triangular(self.root, design.T, trans="T", lower=False)
        left_out = prior - np.sum(np.square(features), axis=1)
        return design @ self.mean, np.sum(np.square(half), axis=0) + self.lambda_ * left_out

    def _design(self, X: FloatArray) -> FloatArray:
        return np.column_stack([X, np.sqrt(self.lambda_) * self.factor.rows.T])

    def fitted(self, data: ProjectedData) -> tuple[FloatArray, FloatArray]:
        """See `mixepi.bkmr.likelihood.solver.Joint.fitted`."""
        design = self._design(data.X)
        half = linalg.solve_triangular(self.root, design.T, trans="T", lower=False)
        return design @ self.mean, np.sum(np.square(half), axis=0) + self.lambda_ * self.factor.residual

    def covariance_with(
        self, sums: csr_array, data: ProjectedData, z: FloatArray, contrast: Contrasts
    ) -> FloatArray:
        """See `mixepi.bkmr.likelihood.solver.Joint.covariance_with`."""
        features = contrast.combine(self.factor.features(contrast.points, z))
        new = np.hstack([contrast.covariates, np.sqrt(self.lambda_) * features])
        return np.asarray((sums @ self._design(data.X)) @ linalg.cho_solve((self.root, False), new.T))


def posterior(factor: Factor, data: ProjectedData, lambda_: float) -> FeaturePosterior:
    """Posterior of the covariates' coefficients and of the features' weights."""
    p = data.X.shape[1]
    design = data.whiten(np.column_stack([data.X, np.sqrt(lambda_) * factor.rows.T]))
    y = data.whiten(data.y[:, None])[:, 0]
    precision = design.T @ design
    precision[np.arange(p, len(precision)), np.arange(p, len(precision))] += 1.0
    root = linalg.cholesky(precision, lower=False)
    mean = linalg.cho_solve((root, False), design.T @ y)
    residual = y - design @ mean
    quadratic = float(residual @ residual + mean[p:] @ mean[p:])
    return FeaturePosterior(factor=factor, lambda_=lambda_, p=p, mean=mean, root=root, quadratic=quadratic)
