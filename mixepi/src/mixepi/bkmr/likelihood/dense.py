"""Dense solver: one Cholesky factor of V = I + lambda K (+ lambda_2 T T'), no inverse."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from scipy import linalg
from scipy.linalg import lapack
from scipy.sparse import csr_array

from mixepi.arrays import FloatArray
from mixepi.bkmr.likelihood.contrasts import Contrasts
from mixepi.bkmr.likelihood.kernel import kernel_between, kernel_upper
from mixepi.bkmr.model.model import Family
from mixepi.bkmr.model.projected_data import ProjectedData
from mixepi.errors import EstimationError

# Measured at n = 1,500, solver="dense": 2.2 and 8.0. The gaussian keeps the latest factor while it makes the
# next; the probit has two factors a point, and matches its sites in n x n matrices of their own.
ARRAYS = {"gaussian": 2.3, "binomial": 8.0}


def required_bytes(n: int, family: Family) -> int:
    """Memory of one chain: how many n x n arrays there are at once."""
    return int(ARRAYS[family] * 8 * n * n)


def _covariance_root(
    zt: FloatArray, r: FloatArray, lambda_: float, data: ProjectedData, nugget: float
) -> FloatArray:
    covariance = kernel_upper(zt, r, scale=lambda_, ridge=1.0 - lambda_ * nugget)
    if data.cluster is not None and data.cluster_variance > 0:
        same = data.cluster[:, None] == data.cluster[None, :]
        covariance[same] += data.cluster_variance
    if data.root_weights is not None:
        index = np.arange(len(data.y))
        covariance[index, index] += 1.0 / np.square(data.root_weights) - 1.0
    root, info = lapack.dpotrf(covariance, lower=0, clean=0, overwrite_a=1)
    if info != 0:
        raise EstimationError(
            "expected a positive definite covariance I + lambda K, but its Cholesky factor failed at row "
            f"{info}: check the exposures for values that are not finite, and the prior of lambda"
        )
    return np.asarray(root)


@dataclass(frozen=True, kw_only=True)
class DensePosterior:
    """What the Cholesky factor of V gives: log density, b, h at new points.

    Attributes
    ----------
    root : ndarray, shape (n, n)
        Upper Cholesky factor of V (only its upper triangle is meaningful).
    half_x, half_y : ndarray, shapes (n, p), (n,)
        Root^-T X and root^-T y.
    gram_root : ndarray, shape (p, p)
        Upper Cholesky factor of X' V^-1 X.
    beta : ndarray, shape (p,)
        (X' V^-1 X)^-1 X' V^-1 y.
    quadratic, log_determinant : float
        (y - X beta)' V^-1 (y - X beta); log |V| + log |X' V^-1 X|.
    """

    zt: FloatArray
    r: FloatArray
    lambda_: float
    root: FloatArray
    half_x: FloatArray
    half_y: FloatArray
    gram_root: FloatArray
    beta: FloatArray
    quadratic: float
    log_determinant: float

    def joint(self, z_new: FloatArray, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and covariance / sigma2 of (b, h(z_new)), shapes (p + q,) and (p + q, p + q)."""
        cross = self.lambda_ * kernel_between(z, z_new, self.r)
        half = self._solved(cross, trans="T")
        p = len(self.beta)
        coupling = half.T @ self.half_x
        beta_covariance = linalg.cho_solve((self.gram_root, False), np.eye(p)) if p else np.empty((0, 0))
        mean = half.T @ (self.half_y - self.half_x @ self.beta)
        prior = self.lambda_ * kernel_between(z_new, z_new, self.r)
        h_covariance = prior - half.T @ half + coupling @ beta_covariance @ coupling.T
        between = -beta_covariance @ coupling.T
        covariance = np.block([[beta_covariance, between], [between.T, h_covariance]])
        return np.concatenate([self.beta, mean]), covariance

    def contrasts(
        self,
        z_new: FloatArray,
        z: FloatArray,
        covariates: FloatArray,
        combine: Callable[[FloatArray], FloatArray],
        prior: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:
        """See `mixepi.bkmr.likelihood.solver.Joint.contrasts`."""
        cross = self.lambda_ * combine(kernel_between(z_new, z, self.r)).T
        half = linalg.solve_triangular(self.root, cross, trans="T", lower=False, check_finite=False)
        mean = covariates @ self.beta + half.T @ (self.half_y - self.half_x @ self.beta)
        variance = self.lambda_ * prior - np.sum(np.square(half), axis=0)
        if len(self.beta):
            tilt = linalg.solve_triangular(
                self.gram_root, (covariates - half.T @ self.half_x).T, trans="T", lower=False
            )
            variance += np.sum(np.square(tilt), axis=0)
        return mean, variance

    def fitted(self, data: ProjectedData) -> tuple[FloatArray, FloatArray]:
        """See `mixepi.bkmr.likelihood.solver.Joint.fitted`.

        With W the rows' precisions and P = V^-1 - V^-1 X (X' V^-1 X)^-1 X' V^-1, the mean is y - W^-1 P y and
        the covariance W^-1 - W^-1 P W^-1.
        """
        noise = _noise(data)
        residual = self._solved(self.half_y - self.half_x @ self.beta, trans="N")
        inverse, _ = lapack.dtrtri(np.triu(self.root), lower=0)
        diagonal = np.einsum("ij,ij->i", inverse, inverse)
        if len(self.beta):
            diagonal -= np.sum(np.square(inverse @ self._basis), axis=1)
        return data.y - noise * residual, noise - noise**2 * diagonal

    def covariance_with(
        self, sums: csr_array, data: ProjectedData, z: FloatArray, contrast: Contrasts
    ) -> FloatArray:
        """See `mixepi.bkmr.likelihood.solver.Joint.covariance_with`.

        The covariance of X b + h with h at new points is W^-1 P lambda K, with b W^-1 V^-1 X (X' V^-1 X)^-1.
        """
        weighted = sums.multiply(_noise(data)[None, :]).toarray().T
        left = self._solved(weighted, trans="T")
        cross = self.lambda_ * contrast.combine(kernel_between(contrast.points, z, self.r)).T
        right = self._solved(cross, trans="T")
        if not len(self.beta):
            return np.asarray(left.T @ right)
        tilt = linalg.solve_triangular(self.gram_root, contrast.covariates.T, trans="T", lower=False)
        return np.asarray(left.T @ right + (left.T @ self._basis) @ (tilt - self._basis.T @ right))

    def _solved(self, columns: FloatArray, trans: Literal["N", "T"]) -> FloatArray:
        """root^-1 (or root^-T) columns."""
        # Only the upper triangle of root is defined: nothing may look at the rest.
        return np.asarray(
            linalg.solve_triangular(self.root, columns, trans=trans, lower=False, check_finite=False)
        )

    @cached_property
    def _basis(self) -> FloatArray:
        """Orthonormal basis of root^-T X."""
        return np.asarray(linalg.solve_triangular(self.gram_root, self.half_x.T, trans="T", lower=False).T)


def _noise(data: ProjectedData) -> FloatArray:
    """Variances / sigma2 of the rows' noise."""
    if data.root_weights is None:
        return np.ones(len(data.y))
    return np.asarray(1.0 / np.square(data.root_weights))


def posterior(
    zt: FloatArray, r: FloatArray, lambda_: float, data: ProjectedData, nugget: float = 0.0
) -> DensePosterior:
    """Factor V, with K less `nugget` on its diagonal, and solve for the covariates."""
    root = _covariance_root(zt, r, lambda_, data, nugget)
    p = data.X.shape[1]
    half, _ = lapack.dtrtrs(root, np.column_stack([data.X, data.y]), lower=0, trans=1)
    half_x, half_y = half[:, :p], half[:, p]
    log_det = 2.0 * float(np.sum(np.log(np.diag(root)))) + data.log_det_power
    if p:
        gram_root = linalg.cholesky(half_x.T @ half_x, lower=False)
        beta = linalg.cho_solve((gram_root, False), half_x.T @ half_y)
        log_det += 2.0 * float(np.sum(np.log(np.diag(gram_root))))
    else:
        gram_root, beta = np.empty((0, 0)), np.empty(0)
    residual = half_y - half_x @ beta
    return DensePosterior(
        zt=zt,
        r=r,
        lambda_=lambda_,
        root=root,
        half_x=half_x,
        half_y=half_y,
        gram_root=gram_root,
        beta=beta,
        quadratic=float(residual @ residual),
        log_determinant=log_det,
    )


def log_likelihood(zt: FloatArray, r: FloatArray, lambda_: float, data: ProjectedData) -> float:
    """Log density of the outcome, b and sigma2 integrated out."""
    fit = posterior(zt, r, lambda_, data)
    return float(data.noise.log_density(np.array(fit.quadratic), np.array(fit.log_determinant), data.degrees))
