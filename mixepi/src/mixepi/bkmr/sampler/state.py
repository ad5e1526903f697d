"""Everything that changes while a chain runs."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from mixepi.bkmr.likelihood.exact_stage import Exact, ExactStage
from mixepi.bkmr.likelihood.surrogate import Local
from mixepi.bkmr.model.point import Point
from mixepi.bkmr.sampler.adaptation import Record, Tuning
from mixepi.bkmr.sampler.draws import Draws


@dataclass(frozen=True, kw_only=True)
class Position:
    """A point with what the surrogate says there.

    Attributes
    ----------
    point : Point
    local : Local
        The surrogate at its r and lambda_2.
    log_prior_r : float
        Log prior of r.
    log_density : float
        Surrogate log posterior over (r, log lambda, log lambda_2), without the prior of r.
    """

    point: Point
    local: Local
    log_prior_r: float
    log_density: float

    @cached_property
    def over_conditional(self) -> float:
        """Log density less that of lambda's conditional, from which lambda is drawn."""
        return self.log_density - self.local.proposal.log_density(self.point.u)

    @property
    def log_likelihood(self) -> float:
        """Surrogate log density of the outcome."""
        return self.local.log_likelihood(self.point.u)


@dataclass
class Counts:
    """Attempts and acceptances by move, and whether fitc has decided any since the last draw was kept."""

    attempts: dict[str, int] = field(default_factory=dict)
    accepted: dict[str, int] = field(default_factory=dict)
    approximate: bool = False

    def add(self, name: str, accepted: bool) -> None:
        self.attempts[name] = self.attempts.get(name, 0) + 1
        self.accepted[name] = self.accepted.get(name, 0) + int(accepted)


@dataclass(kw_only=True)
class ChainState:
    """A chain's only changing object, whole in a checkpoint.

    Attributes
    ----------
    rng : Generator
    position : Position
        Where the chain is.
    exact : Exact
        The exact stage's result there.
    stage : ExactStage
        Constant after warm-up.
    tuning : Tuning
        Constant after warm-up.
    draws : Draws
        Kept so far.
    sweep : int
        Sweeps done.
    adapting : bool
        Whether this is warm-up.
    moves : int
        Surrogate moves of warm-up so far.
    evaluations : int
        Surrogate evaluations so far.
    record : Record
        Warm-up's history.
    counts : Counts
        Of warm-up, then of the sweeps after it.
    seconds : float
        Processor time.
    """

    rng: np.random.Generator
    position: Position
    exact: Exact
    stage: ExactStage[Any]
    tuning: Tuning
    draws: Draws
    sweep: int = 0
    adapting: bool = False
    moves: int = 0
    evaluations: int = 0
    record: Record = field(default_factory=Record)
    counts: Counts = field(default_factory=Counts)
    seconds: float = 0.0

    @property
    def point(self) -> Point:
        return self.position.point
