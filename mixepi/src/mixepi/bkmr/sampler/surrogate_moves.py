"""The moves of the surrogate stage: how each proposes, how often it is tried, what it learns in warm-up."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mixepi.arrays import FloatArray
from mixepi.bkmr.model.model import Model
from mixepi.bkmr.model.point import Point
from mixepi.bkmr.sampler import moves
from mixepi.bkmr.sampler.adaptation import Tuning, robbins_monro
from mixepi.bkmr.sampler.moves import Proposal

# Of log lambda: about the standard deviation of its prior (1.3 by default), so that it leads out of a tail.
LAMBDA_STEP = 1.5
# A step size's gain falls with its own attempts: one move in so many walks a given exposure, scales all, or
# walks on lambda_2, by the weights below (rounded).
MOVES_PER_WALK = 10
MOVES_PER_SCALE = 20
MOVES_PER_CLUSTER_WALK = 10


@dataclass(frozen=True, kw_only=True)
class Move:
    """One kind of move.

    Attributes
    ----------
    name : str
        Under which it is counted.
    propose : callable of (Point, Tuning, Generator)
        A proposal, or None where the move has nothing to do.
    weight : float
        How often it is tried, relative to the other moves.
    counted_by_change : bool
        Count it as "add", "delete" or "exchange", by what it did to the number of exposures in.
    adapt : callable of (Tuning, changed, accepted, moves so far), optional
        The tuning after an attempt in warm-up; `changed`, shape (M,): whose r was to change.
    """

    name: str
    propose: Callable[[Point, Tuning, np.random.Generator], Proposal | None]
    weight: float
    counted_by_change: bool = False
    adapt: Callable[[Tuning, FloatArray, bool, int], Tuning] | None = None

    def counted_as(self, old: FloatArray, new: FloatArray) -> str:
        """The name under which the attempt to go from r = `old` to `new` is counted."""
        if not self.counted_by_change:
            return self.name
        change = np.count_nonzero(new) - np.count_nonzero(old)
        return "add" if change > 0 else "delete" if change < 0 else "exchange"


def _walk_lambda(point: Point, tuning: Tuning, rng: np.random.Generator) -> Proposal:
    return Proposal(point.r, 0.0, u=point.u + LAMBDA_STEP * rng.standard_normal())


def _walk_cluster(point: Point, tuning: Tuning, rng: np.random.Generator) -> Proposal:
    # Symmetric in log lambda_2, on which the posterior is defined.
    step = tuning.cluster * rng.standard_normal()
    return Proposal(point.r, 0.0, cluster_variance=point.cluster_variance * float(np.exp(step)))


def _adapt_walk(tuning: Tuning, changed: FloatArray, accepted: bool, count: int) -> Tuning:
    steps, m = tuning.walk.copy(), int(np.argmax(changed))
    steps[m] = robbins_monro(float(steps[m]), float(accepted), count // MOVES_PER_WALK)
    return replace(tuning, walk=steps)


def _adapt_scale(tuning: Tuning, changed: FloatArray, accepted: bool, count: int) -> Tuning:
    return replace(tuning, scale=robbins_monro(tuning.scale, float(accepted), count // MOVES_PER_SCALE))


def _adapt_cluster(tuning: Tuning, changed: FloatArray, accepted: bool, count: int) -> Tuning:
    step = robbins_monro(tuning.cluster, float(accepted), count // MOVES_PER_CLUSTER_WALK)
    return replace(tuning, cluster=step)


def surrogate_moves(model: Model) -> tuple[Move, ...]:
    """The moves that a model needs.

    Half of them switch exposures, which mixes the slowest (what was tried, "switches of exposures" and "one
    group switched"); every move of r redraws lambda too, so that moves of lambda alone can be rare.
    """
    groups = model.groups
    several = len(groups) > 1 or any(len(group) > 1 for group in groups)
    found = [
        Move(
            name="flip",
            propose=lambda point, tuning, rng: moves.flip(point.r, groups, tuning.rates, tuning.birth, rng),
            weight=0.25 if model.select else 0.0,
            counted_by_change=True,
        ),
        Move(
            name="switch",
            propose=lambda point, tuning, rng: moves.switch(point.r, groups, tuning.birth, rng),
            weight=0.25 if model.select else 0.0,
            counted_by_change=True,
        ),
        Move(
            name="swap",
            propose=lambda point, tuning, rng: moves.swap(point.r, groups, tuning.birth, rng),
            weight=0.1 if model.select and several else 0.0,
        ),
        Move(
            name="refresh",
            propose=lambda point, tuning, rng: moves.refresh(point.r, tuning.birth, rng),
            weight=0.1,
        ),
        Move(
            name="walk",
            propose=lambda point, tuning, rng: moves.walk(point.r, tuning.walk, rng),
            weight=0.2,
            adapt=_adapt_walk,
        ),
        Move(
            name="scale",
            propose=lambda point, tuning, rng: moves.scale(point.r, tuning.scale, rng),
            weight=0.05,
            adapt=_adapt_scale,
        ),
        Move(name="lambda", propose=lambda point, tuning, rng: Proposal(point.r, 0.0), weight=0.08),
        Move(name="lambda_walk", propose=_walk_lambda, weight=0.02),
        Move(
            name="cluster",
            propose=_walk_cluster,
            weight=0.15 if model.cluster is not None else 0.0,
            adapt=_adapt_cluster,
        ),
    ]
    return tuple(move for move in found if move.weight > 0)
