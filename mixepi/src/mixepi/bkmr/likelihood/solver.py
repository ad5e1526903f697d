"""The exact stage for the gaussian family: the solver that the user chose, with its fallback."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, cast

import numpy as np
from scipy.sparse import csr_array

from mixepi.arrays import FloatArray
from mixepi.bkmr.likelihood import dense, fitc, low_rank
from mixepi.bkmr.likelihood.contrasts import Contrasts
from mixepi.bkmr.model.model import Model, SolverName
from mixepi.bkmr.model.projected_data import ProjectedData
from mixepi.errors import EstimationError

# What was tried, "the same at full rank": above rank n / 5 LAPACK's dense factor is the cheaper one.
DENSE_SHARE = 5
# About 1 GiB a chain (`dense.required_bytes`).
LARGEST_DENSE = {"gaussian": 8000, "binomial": 4000}
# Where n is too large for a dense factor: one of this rank takes about a second at n = 20,000 (what was
# tried, "its update of a column": 0.4 s at rank 200), and sets of more get fitc.
LARGE_RANK = 300
# What an emulator may smooth over: far below what decides an acceptance (what was tried, "Gaussian-process
# emulator": its own error is 0.03 to 0.2).
EMULATOR_NOISE = 0.02
# The lowest power of ten at which a factor is certified: below it a kernel explains next to nothing.
LOWEST_BUCKET = -2


@contextmanager
def naming(r: FloatArray, lambda_: float | None = None, cluster_variance: float = 0.0) -> Iterator[None]:
    """Say at which parameters a likelihood could not be computed.

    Raises
    ------
    EstimationError
        In place of itself and of NumPy's `LinAlgError`, with r, lambda and lambda_2.
    """
    try:
        yield
    except (EstimationError, np.linalg.LinAlgError) as error:
        place = f"r={np.array2string(r)}"
        if lambda_ is not None:
            place += f", lambda={lambda_:.6g}"
        if cluster_variance > 0:
            place += f", lambda of the random intercept={cluster_variance:.6g}"
        raise EstimationError(f"{error}, at {place}") from error


def finite(value: float) -> float:
    """Return a log density, if it is one.

    Raises
    ------
    EstimationError
    """
    if not np.isfinite(value):
        raise EstimationError(
            f"expected a finite log-likelihood, found {value}: check outcome and covariates for extreme "
            "values"
        )
    return value


@dataclass(frozen=True)
class Evaluation:
    """Exact log density at one point, how it was computed, and the rank used (n when dense).

    The value has no sampling error: `noise` is what an emulator of it may smooth over.
    """

    log_likelihood: float
    method: str
    rank: int
    noise: float = EMULATOR_NOISE


class Joint(Protocol):
    """Posterior of (b, h) given r and lambda, in units of sigma2."""

    @property
    def quadratic(self) -> float: ...

    def joint(self, z_new: FloatArray, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and covariance / sigma2 of (b, h(z_new))."""

    def contrasts(
        self,
        z_new: FloatArray,
        z: FloatArray,
        covariates: FloatArray,
        combine: Callable[[FloatArray], FloatArray],
        prior: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:
        """Means and variances / sigma2 of covariates b + C h(z_new): all rows of C in one solve.

        Parameters
        ----------
        z_new, z : ndarray, shapes (q, M) and (n, M)
        covariates : ndarray, shape (c, p)
        combine : callable
            C times an array of q rows.
        prior : ndarray, shape (c,)
            Diagonal of C K(z_new, z_new) C'.
        """

    def fitted(self, data: ProjectedData) -> tuple[FloatArray, FloatArray]:
        """Mean and variance / sigma2 of h + X b at the rows, both of shape (n,)."""

    def covariance_with(
        self, sums: csr_array, data: ProjectedData, z: FloatArray, contrast: Contrasts
    ) -> FloatArray:
        """Covariance / sigma2 of sums (g, n) of h + X b at the rows with contrasts, shape (g, c)."""


def lambda_bucket(lambda_: float) -> float:
    """The power of ten, at least 0.01, at which a factor used for `lambda_` is certified."""
    return float(10.0 ** max(LOWEST_BUCKET, int(np.ceil(np.log10(max(lambda_, 1e-300))))))


@dataclass(frozen=True)
class Solver:
    """Factor the kernel with a certificate, fall back to dense, or approximate (fitc).

    Attributes
    ----------
    name : {"lowrank", "dense", "fitc"}
    tolerance : float
        Bound on the error of the log density (lowrank).
    inducing : int
        Number of columns (fitc).
    """

    name: SolverName
    tolerance: float
    inducing: int
    _latest: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def rank_cap(self, model: Model) -> int:
        """The rank above which a dense factorisation is cheaper, or nothing exact is affordable."""
        return max(1, model.n // DENSE_SHARE) if model.n <= LARGEST_DENSE[model.family] else LARGE_RANK

    def factor(self, model: Model, r: FloatArray, lambda_: float) -> low_rank.Factor | None:
        """The factor to use, or None when only dense will do.

        An incomplete factor means that fitc stands in for it.
        """
        if self.name == "dense":
            return None
        if self.name == "fitc":
            return self._inducing_factor(model, r)
        trace = low_rank.trace_tolerance(self.tolerance, model.max_change, lambda_bucket(lambda_))
        factor = low_rank.factorise(model.zt, r, max_rank=self.rank_cap(model), trace=trace)
        if factor.complete:
            return factor
        if model.n > LARGEST_DENSE[model.family]:
            return self._inducing_factor(model, r)
        return None

    def _inducing_factor(self, model: Model, r: FloatArray) -> low_rank.Factor:
        factor = low_rank.factorise(model.zt, r, max_rank=self.inducing, trace=0.0)
        return replace(factor, complete=False)

    def evaluate(self, model: Model, r: FloatArray, lambda_: float, data: ProjectedData) -> Evaluation:
        """Log density of the outcome at one point."""
        with naming(r, lambda_, data.cluster_variance):
            found = self._evaluate(model, r, lambda_, data)
            finite(found.log_likelihood)
        return found

    def _evaluate(self, model: Model, r: FloatArray, lambda_: float, data: ProjectedData) -> Evaluation:
        if model.intercept and not np.any(r > 0):
            quadratic, determinant = np.array(data.total), np.array(data.log_det_xx)
            value = float(data.noise.log_density(quadratic, determinant, data.degrees))
            return Evaluation(value, "linear", 0)
        factor = self.factor(model, r, lambda_)
        if factor is None:
            fit = self._dense(model, r, lambda_, data)
            quadratic, determinant = np.array(fit.quadratic), np.array(fit.log_determinant)
            value = float(data.noise.log_density(quadratic, determinant, data.degrees))
            return Evaluation(value, "dense", model.n)
        if not factor.complete:
            return Evaluation(fitc.log_likelihood(factor, data, lambda_), "fitc", factor.rank)
        return Evaluation(low_rank.likelihood(factor, data).at(lambda_), "lowrank", factor.rank)

    def posterior(self, model: Model, r: FloatArray, lambda_: float, data: ProjectedData) -> Joint:
        """Posterior of b and h at one point."""
        with naming(r, lambda_, data.cluster_variance):
            return self._posterior(model, r, lambda_, data)

    def _posterior(self, model: Model, r: FloatArray, lambda_: float, data: ProjectedData) -> Joint:
        factor = self.factor(model, r, lambda_)
        if factor is None:
            return self._dense(model, r, lambda_, data)
        if not factor.complete:
            return fitc.posterior(factor, data, lambda_)
        return low_rank.posterior(factor, data, lambda_)

    def _dense(
        self, model: Model, r: FloatArray, lambda_: float, data: ProjectedData
    ) -> dense.DensePosterior:
        # The point that was accepted is often asked for again when its draws are kept.
        key = (r.tobytes(), lambda_, id(data))
        if self._latest.get("key") != key:
            self._latest["data"] = data  # keeps the id from being reused
            self._latest["fit"] = dense.posterior(model.zt, r, lambda_, data)
            self._latest["key"] = key
        return cast(dense.DensePosterior, self._latest["fit"])

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_latest": {}}
