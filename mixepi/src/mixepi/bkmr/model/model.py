"""The posterior's ingredients apart from the likelihood: data arrays, groups, priors."""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from mixepi.arrays import BoolArray, FloatArray, IntArray
from mixepi.bkmr.model.priors import (
    GammaPrior,
    InclusionPrior,
    InverseGammaPrior,
    InverseUniformPrior,
    PositivePrior,
)
from mixepi.bkmr.model.projected_data import NoiseModel, ProjectedData

# Standard deviation with which linear predictors count as known where they are: far below any posterior's,
# and its square far above the rounding of a Cholesky factor.
PREDICTOR_NOISE = 1e-3

Groups = tuple[tuple[int, ...], ...]
Family = Literal["gaussian", "binomial"]
SolverName = Literal["lowrank", "dense", "fitc"]


@dataclass(frozen=True)
class Priors:
    """Every prior of the model; the defaults are those of R's bkmr, that of sigma2 made free of units.

    Attributes
    ----------
    lambda_ : prior of the kernel's variance over sigma2 (gamma, mean 10, sd 10).
    r : prior of each r_m given inclusion (1/r uniform on [0, 100]).
    inclusion : prior of the set of exposures, or groups, in the model.
    sigma2 : prior of 1/sigma2 (gaussian family only), by default relative to the outcome's residual variance.
    cluster : prior of the random intercept's variance over sigma2 (gamma, mean 10, sd 10).
    """

    lambda_: PositivePrior = field(default_factory=GammaPrior)
    r: PositivePrior = field(default_factory=InverseUniformPrior)
    inclusion: InclusionPrior = field(default_factory=InclusionPrior)
    sigma2: InverseGammaPrior = field(default_factory=InverseGammaPrior)
    cluster: PositivePrior = field(default_factory=GammaPrior)


@dataclass(frozen=True, kw_only=True)
class Model:
    """Arrays and priors of one analysis.

    Attributes
    ----------
    family : {"gaussian", "binomial"}
    y : ndarray, shape (n,)
    X : ndarray, shape (n, p), with the intercept first when there is one.
    z : ndarray, shape (n, M), on the model's scale.
    groups : tuple of tuples of exposure indices.
    select : whether exposures (groups) may leave the model.
    priors : Priors
        That of sigma2 in squared units of `y`.
    intercept : whether X starts with a column of ones with a flat prior.
    cluster : ndarray of int, shape (n,), or None.
    weights : ndarray, shape (n,), or None
        Powers to which the rows' likelihoods are raised; None: 1 each.
    compat_bkmr : whether to sample the law of R's inverted ratio instead of the posterior.
    use_likelihood : False samples the prior, to test the sampler.
    """

    family: Family
    y: FloatArray
    X: FloatArray
    z: FloatArray
    groups: Groups
    select: bool
    priors: Priors
    intercept: bool = True
    cluster: IntArray | None = None
    weights: FloatArray | None = None
    compat_bkmr: bool = False
    use_likelihood: bool = True

    @cached_property
    def zt(self) -> FloatArray:
        """z transposed: one exposure a row, as compiled code reads it."""
        return np.ascontiguousarray(self.z.T)

    @property
    def grouped(self) -> bool:
        """Whether some group has several members."""
        return bool(len(self.groups) < self.z.shape[1])

    @property
    def n(self) -> int:
        return len(self.y)

    @property
    def size(self) -> float:
        """n, or the sum of the weights."""
        return float(self.n if self.weights is None else self.weights.sum())

    @property
    def noise(self) -> NoiseModel:
        return NoiseModel(self.priors.sigma2 if self.family == "gaussian" else None)

    @property
    def max_change(self) -> float:
        """The most that the log density changes for a small relative change of V (see `low_rank`)."""
        # What a factor leaves out of a row counts as often as the row does.
        largest = 1.0 if self.weights is None else max(1.0, float(self.weights.max()))
        if self.family == "binomial":
            return largest * 0.5 * (self.size + int(self.X.shape[1]))
        return largest * (0.5 * self.size + self.priors.sigma2.shape)

    def projected(self, cluster_variance: float = 0.0, y: FloatArray | None = None) -> ProjectedData:
        """The outcome (or a latent outcome `y`), the covariates projected out, as the solvers take it."""
        if y is None and cluster_variance == 0 and self.cluster is None:
            return self._plain
        if self.family == "binomial" and self.weights is not None:
            # Latent outcomes are the linear predictors (`ProbitStage.latent_outcome`): known, without noise.
            return ProjectedData(
                y=self.y if y is None else y,
                X=self.X,
                noise=self.noise,
                root_weights=np.full(self.n, 1.0 / PREDICTOR_NOISE),
            )
        return ProjectedData(
            y=self.y if y is None else y,
            X=self.X,
            noise=self.noise,
            root_weights=None if self.weights is None else np.sqrt(self.weights),
            power=self.weights,
            cluster=self.cluster,
            cluster_variance=cluster_variance,
        )

    @cached_property
    def _plain(self) -> ProjectedData:
        root_weights = None if self.weights is None else np.sqrt(self.weights)
        return ProjectedData(
            y=self.y, X=self.X, noise=self.noise, root_weights=root_weights, power=self.weights
        )

    def prior_inclusion(self, group: tuple[int, ...]) -> float:
        """Probability that a group is in, before the data, under the law that is sampled."""
        if not self.select:
            return 1.0
        if not self.compat_bkmr:
            return self.priors.inclusion.inclusion_probability()
        others = [len(g) > 1 for g in self.groups if g != group]
        several = sum(others)
        mass = [0.0, 0.0]
        for inside in (0, 1):
            for i in range(len(others) - several + 1):
                for j in range(several + 1):
                    included = inside + i + j
                    multi = j > 0 or (inside == 1 and len(group) > 1)
                    value = self.priors.inclusion.log_probability(included, len(self.groups))
                    value -= 2.0 * bkmr_log_choice(included, multi)
                    mass[inside] += (
                        math.comb(len(others) - several, i) * math.comb(several, j) * math.exp(value)
                    )
        return mass[1] / sum(mass)

    def log_prior_r(self, r: FloatArray) -> float:
        """Log prior of r and of which exposures are in; minus infinity outside the support."""
        active = r > 0
        value = sum(self.priors.r.log_density_at(x) for x in r[active].tolist())
        return value + self.log_prior_set(active)

    def log_prior_set(self, active: BoolArray) -> float:
        """Log prior of which exposures are in; 0 without selection."""
        if not self.select:
            return 0.0
        included = int(np.count_nonzero(active))
        value = self.priors.inclusion.log_probability(included, len(self.groups))
        multi = False
        for group in self.groups if self.grouped else ():
            if len(group) > 1 and any(active[m] for m in group):
                value -= float(np.log(len(group)))
                multi = True
        if self.compat_bkmr:
            value -= 2.0 * bkmr_log_choice(included, multi)
        return value


def bkmr_log_choice(included: int, multi_member: bool = False) -> float:
    """Log probability with which R's bkmr chooses its switch move in a state.

    1 in the empty model, else 1/2, or 1/3 when a group of more than one exposure is in.
    """
    if included == 0:
        return 0.0
    return -float(np.log(3.0 if multi_member else 2.0))
