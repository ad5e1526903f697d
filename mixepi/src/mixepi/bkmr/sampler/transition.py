"""One chain: cheap steps on the surrogate, then one exact correction.

A sweep runs `steps` surrogate moves from the current point, each of a kind drawn at random
(random scan: the composition is reversible with respect to the surrogate's posterior), and then
accepts or rejects the point reached with

    log alpha = [exact(new) - surrogate(new)] - [exact(old) - surrogate(old)],

which leaves the exact posterior invariant. Where the surrogate is exact every sweep is accepted.
Sets of exposures whose kernel is rough have joint moves of their own (`blocks`).
"""

import math
from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from mixepi.arrays import FloatArray
from mixepi.bkmr.likelihood.surrogate import Local, Surrogate
from mixepi.bkmr.model.model import Model
from mixepi.bkmr.sampler import moves
from mixepi.bkmr.sampler import within_model_moves as blocks
from mixepi.bkmr.sampler.adaptation import Record, Tuning, robbins_monro
from mixepi.bkmr.sampler.emulator import coordinates
from mixepi.bkmr.sampler.within_model_moves import Block

# Of the emulated walks of warm-up, and of the sweeps after it beside an emulated walk.
EXPLORING_SHARE = 0.5
PLAIN_WALK_SHARE = 0.2
KINDS = ("flip", "switch", "swap", "refresh", "walk", "scale", "lambda", "lambda_walk", "cluster")


@dataclass(frozen=True)
class Point:
    """A point of the parameter space: r, u = log lambda, lambda_2."""

    r: FloatArray
    u: float
    cluster_variance: float = 0.0

    @property
    def lambda_(self) -> float:
        return float(np.exp(self.u))


class Exact(Protocol):
    """Result of the exact stage."""

    @property
    def log_likelihood(self) -> float: ...

    @property
    def rank(self) -> int: ...

    @property
    def method(self) -> str: ...

    @property
    def noise(self) -> float: ...


class ExactStage(Protocol):
    """The exact (or unbiasedly estimated) log density of the outcome."""

    def evaluate(self, point: Point, local: Local, rng: np.random.Generator) -> Exact:
        """At a proposed point."""

    def refresh(self, point: Point, exact: Exact, rng: np.random.Generator) -> Exact:
        """Renew auxiliary variables at the current point."""


@dataclass
class Counts:
    """Attempts and acceptances by move, and whether fitc has decided any since the last draw was kept."""

    attempts: dict[str, int] = field(default_factory=dict)
    accepted: dict[str, int] = field(default_factory=dict)
    approximate: bool = False

    def add(self, kind: str, accepted: bool) -> None:
        self.attempts[kind] = self.attempts.get(kind, 0) + 1
        self.accepted[kind] = self.accepted.get(kind, 0) + int(accepted)


def kind_probabilities(model: Model) -> FloatArray:
    """How often each kind of surrogate move is tried."""
    several = len(model.groups) > 1 or any(len(g) > 1 for g in model.groups)
    weights = {
        "flip": 0.25 if model.select else 0.0,
        "switch": 0.25 if model.select else 0.0,
        "swap": 0.1 if model.select and several else 0.0,
        "refresh": 0.1,
        "walk": 0.2,
        "scale": 0.05,
        "lambda": 0.08,
        "lambda_walk": 0.02,
        "cluster": 0.15 if model.cluster is not None else 0.0,
    }
    values = np.array([weights[k] for k in KINDS])
    return np.asarray(values / values.sum())


@dataclass
class Kernel:
    """The transition kernel: model, surrogate, exact stage and tuning."""

    model: Model
    surrogate: Surrogate
    stage: ExactStage
    tuning: Tuning
    counts: Counts = field(default_factory=Counts)
    adapting: bool = False
    record: Record = field(default_factory=Record)
    rounds: int = 0

    def __post_init__(self) -> None:
        self._cumulative = np.cumsum(kind_probabilities(self.model)).tolist()
        self._prior_of_point = b"", 0.0
        self._current_over_conditional: tuple[Point, Local, float] | None = None

    def _log_prior_r(self, point: Point) -> float:
        """Log prior of r at the current point, which is often asked for until it moves."""
        key = point.r.tobytes()
        if self._prior_of_point[0] != key:
            self._prior_of_point = key, self.model.log_prior_r(point.r)
        return self._prior_of_point[1]

    def log_density(self, point: Point, local: Local) -> float:
        """Surrogate log posterior over (r, log lambda, log lambda_2), without the prior of r."""
        value = local.log_likelihood(point.u) + self._log_prior_u(point.u)
        if self.model.cluster is not None:
            variance = point.cluster_variance
            value += self.model.priors.cluster.log_density_at(variance) + math.log(variance)
        return value

    def _log_prior_u(self, u: float) -> float:
        return self.model.priors.lambda_.log_density_at(math.exp(u)) + u if u < 700 else -math.inf

    def sweep(
        self, point: Point, local: Local, exact: Exact, rng: np.random.Generator
    ) -> tuple[Point, Local, Exact]:
        """One sweep: `steps` surrogate moves with one exact correction, block moves, a refresh."""
        new, new_local = point, local
        cheap = self.tuning.cheap == 1.0 or rng.random() < self.tuning.cheap
        for _ in range(self.tuning.steps if cheap else 0):
            kind = KINDS[min(bisect(self._cumulative, rng.random()), len(KINDS) - 1)]
            new, new_local = self._step(kind, new, new_local, rng)
        if new is not point:
            cheap_new, cheap_old = new_local.log_likelihood(new.u), local.log_likelihood(point.u)
            point, local, exact = self._correct(
                "exact correction", point, local, exact, new, new_local, cheap_old - cheap_new, rng
            )
        if self.model.select and rng.random() < self.tuning.exact_flip:
            point, local, exact = self._exact_flip(point, local, exact, rng)
        block = self.tuning.block(point.r)
        if block is not None:
            point, local, exact = self._block_moves(block, point, local, exact, rng)
        exact = self.stage.refresh(point, exact, rng)
        if self.adapting:
            self.record.states.append((point.r, point.u, local.likelihood.leftover > 0))
        return point, local, exact

    def _correct(
        self,
        kind: str,
        point: Point,
        local: Local,
        exact: Exact,
        new: Point,
        new_local: Local,
        log_q_ratio: float,
        rng: np.random.Generator,
    ) -> tuple[Point, Local, Exact]:
        """Accept `new` with the exact ratio times exp(log_q_ratio)."""
        proposed = self.stage.evaluate(new, new_local, rng)
        log_ratio = proposed.log_likelihood - exact.log_likelihood + log_q_ratio
        accepted = bool(math.log(1.0 - rng.random()) < log_ratio)
        self.counts.add(kind, accepted)
        self.counts.approximate |= "fitc" in (proposed.method, exact.method)
        if self.adapting:
            self.record.evaluated.append((new.r, new.u, proposed.log_likelihood, proposed.noise))
            if kind == "exact correction":
                self.record.corrections.append(((point.r > 0).tobytes(), accepted))
        return (new, new_local, proposed) if accepted else (point, local, exact)

    def _exact_flip(
        self, point: Point, local: Local, exact: Exact, rng: np.random.Generator
    ) -> tuple[Point, Local, Exact]:
        """Add or delete at the same lambda, without asking the surrogate first."""
        # Warm-up must find sets that it has not seen yet.
        seldom = bool(self.tuning.blocks) and not self.adapting
        rates = self.tuning.exact_rates if seldom else self.tuning.rates
        proposal = moves.flip(point.r, self.model.groups, rates, self.tuning.birth, rng)
        if proposal is None:
            return point, local, exact
        prior = self.model.log_prior_r(proposal.r)
        if prior == -math.inf:
            return point, local, exact
        ratio = prior - self._log_prior_r(point) + proposal.log_q_ratio
        new = replace(point, r=proposal.r)
        new_local = self.surrogate.at(proposal.r, point.cluster_variance)
        return self._correct("exact flip", point, local, exact, new, new_local, ratio, rng)

    def _log_prior_theta(self, r: FloatArray, u: float) -> float:
        """Log prior of (log r, log lambda) within one set of exposures."""
        value = self._log_prior_u(u)
        for x in r[r > 0].tolist():
            density = self.model.priors.r.log_density_at(x)
            if density == -math.inf:
                return density
            value += density + math.log(x)
        return value

    def _block_moves(
        self, block: Block, point: Point, local: Local, exact: Exact, rng: np.random.Generator
    ) -> tuple[Point, Local, Exact]:
        emulator = block.emulator
        if emulator is not None:
            # Places that the emulator puts too low are never proposed, and so never corrected, unless some
            # walks of warm-up look at the outskirts.
            exploring = self.adapting and rng.random() < EXPLORING_SHARE
            power = blocks.EXPLORING_POWER if exploring else 1.0
            x = emulator.standardise(point.r, point.u)
            y = blocks.emulated_walk(emulator, x, self._log_prior_theta, rng, power)
            if not np.array_equal(x, y):
                r, u = emulator.restore(y)
                new = replace(point, r=r, u=u)
                ratio = power * (emulator.log_likelihood(x) - emulator.log_likelihood(y))
                new_local = self.surrogate.at(r, point.cluster_variance)
                point, local, exact = self._correct(
                    "emulated walk", point, local, exact, new, new_local, ratio, rng
                )
        # The plain walk needs no emulator to be right: while warming up it gives the emulator points, and
        # afterwards it leads the chain out of places where the emulator is wrong.
        walks = 2 if emulator is None else 1 if self.adapting else int(rng.random() < PLAIN_WALK_SHARE)
        for _ in range(walks):
            theta = blocks.walk(block, coordinates(point.r, point.u), rng)
            r = np.zeros_like(point.r)
            r[block.active] = np.exp(np.minimum(theta[:-1], 700.0))
            u = float(theta[-1])
            ratio = self._log_prior_theta(r, u) - self._log_prior_theta(point.r, point.u)
            if ratio == -np.inf:
                self.counts.add("block walk", False)
            else:
                new = replace(point, r=r, u=u)
                new_local = self.surrogate.at(r, point.cluster_variance)
                point, local, exact = self._correct(
                    "block walk", point, local, exact, new, new_local, ratio, rng
                )
        return point, local, exact

    def _step(self, kind: str, point: Point, local: Local, rng: np.random.Generator) -> tuple[Point, Local]:
        if kind == "lambda_walk":
            u = point.u + 1.5 * rng.standard_normal()
            new = replace(point, u=u)
            ratio = self.log_density(new, local) - self.log_density(point, local)
            return self._decide(kind, point, local, new, local, ratio, rng)
        if kind == "lambda":
            return self._with_new_lambda(kind, point, local, point.r, point.cluster_variance, local, 0.0, rng)
        if kind == "cluster":
            step = self.tuning.cluster * rng.standard_normal()
            variance = point.cluster_variance * float(np.exp(step))
            new_local = self.surrogate.at(point.r, variance)
            # The walk is symmetric in log lambda_2, on which `log_density` is defined.
            result = self._with_new_lambda(kind, point, local, point.r, variance, new_local, 0.0, rng)
            self._adapt_cluster(result[0] is not point)
            return result
        proposal = self._propose(kind, point.r, rng)
        if proposal is None:
            return point, local
        prior = self.model.log_prior_r(proposal.r)
        if prior == -np.inf:
            self._count(kind, point.r, proposal.r, False)
            return point, local
        prior_ratio = prior - self._log_prior_r(point)
        new_local = self.surrogate.at(proposal.r, point.cluster_variance)
        return self._with_new_lambda(
            kind,
            point,
            local,
            proposal.r,
            point.cluster_variance,
            new_local,
            prior_ratio + proposal.log_q_ratio,
            rng,
        )

    def _propose(self, kind: str, r: FloatArray, rng: np.random.Generator) -> moves.Proposal | None:
        tuning, groups = self.tuning, self.model.groups
        propose: dict[str, Callable[[], moves.Proposal | None]] = {
            "flip": lambda: moves.flip(r, groups, tuning.rates, tuning.birth, rng),
            "switch": lambda: moves.switch(r, groups, tuning.birth, rng),
            "swap": lambda: moves.swap(r, groups, tuning.birth, rng),
            "refresh": lambda: moves.refresh(r, tuning.birth, rng),
            "walk": lambda: moves.walk(r, tuning.walk, rng),
            "scale": lambda: moves.scale(r, tuning.scale, rng),
        }
        return propose[kind]()

    def _with_new_lambda(
        self,
        kind: str,
        point: Point,
        local: Local,
        r: FloatArray,
        cluster_variance: float,
        new_local: Local,
        log_ratio: float,
        rng: np.random.Generator,
    ) -> tuple[Point, Local]:
        """Draw lambda from its conditional at the new place, and accept or reject both together."""
        new = Point(r, new_local.proposal.draw(rng), cluster_variance)
        kept = self._current_over_conditional
        # The current point is asked for at every step until it moves.
        if kept is None or kept[0] is not point or kept[1] is not local:
            kept = point, local, self._over_conditional(point, local)
        forward = self._over_conditional(new, new_local)
        decided = self._decide(kind, point, local, new, new_local, log_ratio + forward - kept[2], rng)
        self._current_over_conditional = kept if decided[0] is point else (new, new_local, forward)
        return decided

    def _over_conditional(self, point: Point, local: Local) -> float:
        """Log density less that of lambda's conditional, from which lambda is drawn."""
        return self.log_density(point, local) - local.proposal.log_density(point.u)

    def _decide(
        self,
        kind: str,
        point: Point,
        local: Local,
        new: Point,
        new_local: Local,
        log_ratio: float,
        rng: np.random.Generator,
    ) -> tuple[Point, Local]:
        accepted = bool(math.log(1.0 - rng.random()) < log_ratio)
        self._count(kind, point.r, new.r, accepted)
        return (new, new_local) if accepted else (point, local)

    def _count(self, kind: str, old: FloatArray, new: FloatArray, accepted: bool) -> None:
        name = kind
        if kind in ("flip", "switch"):
            change = np.count_nonzero(new) - np.count_nonzero(old)
            name = "add" if change > 0 else "delete" if change < 0 else "exchange"
        self.counts.add(name, accepted)
        if not self.adapting:
            return
        self.rounds += 1
        if kind == "walk":
            walk = self.tuning.walk.copy()
            changed = int(np.argmax(old != new))
            walk[changed] = robbins_monro(float(walk[changed]), float(accepted), self.rounds // 10)
            self.tuning = replace(self.tuning, walk=walk)
        elif kind == "scale":
            step = robbins_monro(self.tuning.scale, float(accepted), self.rounds // 20)
            self.tuning = replace(self.tuning, scale=step)

    def _adapt_cluster(self, accepted: bool) -> None:
        if self.adapting:
            step = robbins_monro(self.tuning.cluster, float(accepted), self.rounds // 10)
            self.tuning = replace(self.tuning, cluster=step)


@dataclass(frozen=True)
class GaussianStage:
    """Exact stage of the gaussian family: deterministic, so nothing to refresh."""

    kernel_evaluate: Callable[[Point, Local], Exact]

    def evaluate(self, point: Point, local: Local, rng: np.random.Generator) -> Exact:
        """Exact log density at a proposed point."""
        return self.kernel_evaluate(point, local)

    def refresh(self, point: Point, exact: Exact, rng: np.random.Generator) -> Exact:
        """Nothing to do."""
        return exact
