"""The exact stage: the log density of the outcome that decides what the surrogate has proposed.

A chain asks the protocol; which of the stages answers depends on the family, and on whether the likelihood
is used at all. A stage changes in warm-up only (`adapted`), and is constant after it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

import numpy as np

from mixepi.arrays import FloatArray
from mixepi.bkmr.likelihood.solver import Evaluation, Solver, finite, naming
from mixepi.bkmr.likelihood.surrogate import Local
from mixepi.bkmr.model.model import Model
from mixepi.bkmr.model.point import Point
from mixepi.bkmr.model.projected_data import ProjectedData


class Exact(Protocol):
    """Result of the exact stage at one point.

    Attributes
    ----------
    log_likelihood : float
        Log density, or an unbiased estimate's log.
    rank : int
        Of the kernel's factor, n when dense.
    method : str
        How it was computed.
    noise : float
        Standard deviation of the error that an emulator of the log density may smooth over.
    """

    @property
    def log_likelihood(self) -> float: ...

    @property
    def rank(self) -> int: ...

    @property
    def method(self) -> str: ...

    @property
    def noise(self) -> float: ...


E = TypeVar("E", bound=Exact)


class ExactStage(Protocol[E]):
    """The exact (or unbiasedly estimated) log density of the outcome."""

    def surrogate_data(self) -> ProjectedData:
        """The gaussian problem that the surrogate solves."""

    def evaluate(self, point: Point, local: Local, rng: np.random.Generator) -> E:
        """At a proposed point, where the surrogate is `local`."""

    def refresh(self, point: Point, exact: E, rng: np.random.Generator) -> E:
        """Renew auxiliary variables at the current point."""

    def adapted(self, points: Sequence[Point], high_rank: Collection[bytes]) -> Self:
        """The stage fitted to the latest states of warm-up; itself where nothing is to be fitted.

        Parameters
        ----------
        points : sequence of Point
        high_rank : collection of bytes
            Sets of exposures (`Point.subset`) that the surrogate mostly fails.
        """

    def latent_outcome(self, exact: E, rng: np.random.Generator) -> FloatArray | None:
        """A draw of the gaussian outcome behind the observed one; None where that is gaussian itself."""


class DeterministicStage:
    """A stage that estimates nothing: no auxiliary variables, nothing to fit, no latent outcome."""

    def refresh(self, point: Point, exact: Evaluation, rng: np.random.Generator) -> Evaluation:
        """Nothing to renew."""
        return exact

    def adapted(self, points: Sequence[Point], high_rank: Collection[bytes]) -> Self:
        """Nothing to fit."""
        return self

    def latent_outcome(self, exact: Evaluation, rng: np.random.Generator) -> None:
        """The outcome is gaussian."""


@dataclass(frozen=True, kw_only=True)
class PriorStage(DeterministicStage):
    """Log density 0 everywhere: the chain samples the prior."""

    model: Model

    def surrogate_data(self) -> ProjectedData:
        """See `ExactStage`."""
        return self.model.projected()

    def evaluate(self, point: Point, local: Local, rng: np.random.Generator) -> Evaluation:
        """See `ExactStage`."""
        return Evaluation(0.0, "prior", 0)


@dataclass(frozen=True, kw_only=True)
class GaussianStage(DeterministicStage):
    """The gaussian family, by the solver that the user chose."""

    model: Model
    solver: Solver

    def surrogate_data(self) -> ProjectedData:
        """See `ExactStage`."""
        return self.model.projected()

    def evaluate(self, point: Point, local: Local, rng: np.random.Generator) -> Evaluation:
        """The exact log density; where the surrogate is certified itself, its value is used."""
        solver, likelihood = self.solver, local.likelihood
        if solver.name == "lowrank" and likelihood.error_bound(point.lambda_) <= solver.tolerance:
            with naming(point.r, point.lambda_, point.cluster_variance):
                return Evaluation(finite(local.log_likelihood(point.u)), "lowrank", local.rank)
        data = self.model.projected(point.cluster_variance)
        return solver.evaluate(self.model, point.r, point.lambda_, data)
