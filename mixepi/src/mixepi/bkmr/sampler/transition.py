"""One sweep of a chain: cheap moves on the surrogate, one exact correction, moves by the exact likelihood.

A sweep makes `steps` surrogate moves from the current point, each of a kind drawn at random (random scan: the
composition is reversible with respect to the surrogate's posterior), and then accepts or rejects the point
reached with

    log alpha = [exact(new) - surrogate(new)] - [exact(old) - surrogate(old)],

which leaves the exact posterior invariant (delayed acceptance, Christen and Fox 2005). Where the surrogate is
exact every sweep is accepted. Sets of exposures whose kernel is of high rank have joint moves of their own
(`within_model_moves`).
"""

import math
from bisect import bisect
from dataclasses import dataclass, field, replace

import numpy as np

from mixepi.arrays import FloatArray
from mixepi.bkmr.likelihood.surrogate import Local, Surrogate
from mixepi.bkmr.model.model import Model
from mixepi.bkmr.model.point import LARGEST_LOG, Point, from_coordinates
from mixepi.bkmr.sampler import moves
from mixepi.bkmr.sampler import within_model_moves as blocks
from mixepi.bkmr.sampler.adaptation import Correction, Visit
from mixepi.bkmr.sampler.emulator import Emulator
from mixepi.bkmr.sampler.state import ChainState, Position
from mixepi.bkmr.sampler.surrogate_moves import Move, surrogate_moves
from mixepi.bkmr.sampler.within_model_moves import Block, Evaluated

# What the exact likelihood decides, by the names under which it is counted.
CORRECTION, JUMP, EXACT_FLIP, EMULATED_WALK, BLOCK_WALK = EXACT_MOVES = (
    "exact correction",
    "jump between modes",
    "exact flip",
    "emulated walk",
    "block walk",
)
# Of the sweeps (what was tried, "jumps between modes"): a jump costs an exact evaluation, a twentieth of
# a sweep's time at low rank.
JUMP_SHARE = 0.5
# Of the emulated walks of warm-up (what was tried, "in warm-up, and only there, every second emulated walk").
EXPLORING_SHARE = 0.5
# Of the sweeps after warm-up that have an emulated walk (what was tried, "a plain walk in every sweep").
PLAIN_WALK_SHARE = 0.2
# In a sweep, of a set that has no emulator: two short walks, as an emulated walk and a plain one would be.
PLAIN_WALKS = 2


@dataclass(frozen=True)
class Transition:
    """The transition kernel of one chain: all that stays the same from sweep to sweep.

    What changes is in the `ChainState` that `sweep` moves on.
    """

    model: Model
    surrogate: Surrogate
    kinds: tuple[Move, ...] = field(init=False)
    cumulative: list[float] = field(init=False)

    def __post_init__(self) -> None:
        found = surrogate_moves(self.model)
        weights = np.array([move.weight for move in found])
        object.__setattr__(self, "kinds", found)
        object.__setattr__(self, "cumulative", np.cumsum(weights / weights.sum()).tolist())

    def log_density(self, point: Point, local: Local) -> float:
        """Surrogate log posterior over (r, log lambda, log lambda_2), without the prior of r."""
        value = local.log_likelihood(point.u) + self._log_prior_u(point.u)
        if self.model.cluster is not None:
            variance = point.cluster_variance
            value += self.model.priors.cluster.log_density_at(variance) + math.log(variance)
        return value

    def _log_prior_u(self, u: float) -> float:
        if u >= LARGEST_LOG:
            return -math.inf
        return self.model.priors.lambda_.log_density_at(math.exp(u)) + u

    def _log_prior_theta(self, r: FloatArray, u: float) -> float:
        """Log prior of (log r, log lambda) within one set of exposures."""
        value = self._log_prior_u(u)
        for x in r[r > 0].tolist():
            density = self.model.priors.r.log_density_at(x)
            if density == -math.inf:
                return density
            value += density + math.log(x)
        return value

    def position(
        self, point: Point, local: Local | None = None, log_prior_r: float | None = None
    ) -> Position:
        """The position at a point; the surrogate there and the prior of r, where they are known already."""
        local = self.surrogate.at(point.r, point.cluster_variance) if local is None else local
        return Position(
            point=point,
            local=local,
            log_prior_r=self.model.log_prior_r(point.r) if log_prior_r is None else log_prior_r,
            log_density=self.log_density(point, local),
        )

    def sweep(self, state: ChainState) -> None:
        """One sweep: surrogate moves with one exact correction, moves by the exact likelihood, a refresh."""
        tuning, rng = state.tuning, state.rng
        if tuning.cheap == 1.0 or rng.random() < tuning.cheap:
            self._surrogate_stage(state)
        if tuning.mixture.modes and rng.random() < JUMP_SHARE:
            self._jump(state)
        if self.model.select and rng.random() < tuning.exact_flip:
            self._exact_flip(state)
        block = tuning.block(state.point)
        if block is not None:
            self._block_moves(block, state)
        state.exact = state.stage.refresh(state.point, state.exact, rng)
        if state.adapting:
            capped = state.position.local.likelihood.leftover > 0
            state.record.visits.append(Visit(state.point, capped))

    # Moves that the surrogate decides

    def _surrogate_stage(self, state: ChainState) -> None:
        start = new = state.position
        for _ in range(state.tuning.steps):
            chosen = min(bisect(self.cumulative, state.rng.random()), len(self.kinds) - 1)
            new = self._step(self.kinds[chosen], new, state)
        if new is not start:
            self._correct(CORRECTION, new, start.log_likelihood - new.log_likelihood, state)

    def _step(self, move: Move, old: Position, state: ChainState) -> Position:
        proposal = move.propose(old.point, state.tuning, state.rng)
        if proposal is None:
            return old
        new = self._reached(proposal, old, state)
        accepted = False
        if new is not None:
            log_ratio = new.log_prior_r - old.log_prior_r + proposal.log_q_ratio
            if proposal.u is None:
                # Lambda was drawn from its conditional: as if it had been integrated out.
                log_ratio = log_ratio + new.over_conditional - old.over_conditional
            else:
                log_ratio = log_ratio + new.log_density - old.log_density
            accepted = bool(math.log(1.0 - state.rng.random()) < log_ratio)
        state.counts.add(move.counted_as(old.point.r, proposal.r), accepted)
        if state.adapting:
            state.moves += 1
            if move.adapt is not None:
                changed = old.point.r != proposal.r
                state.tuning = move.adapt(state.tuning, changed, accepted, state.moves)
        return new if new is not None and accepted else old

    def _reached(self, proposal: moves.Proposal, old: Position, state: ChainState) -> Position | None:
        """Where a proposal leads; None where the prior of r is zero."""
        point, log_prior_r, local = old.point, old.log_prior_r, old.local
        if proposal.r is not point.r:
            log_prior_r = self.model.log_prior_r(proposal.r)
            if log_prior_r == -math.inf:
                return None
        variance = point.cluster_variance if proposal.cluster_variance is None else proposal.cluster_variance
        if proposal.r is not point.r or proposal.cluster_variance is not None:
            local = self._surrogate_at(proposal.r, variance, state)
        u = local.proposal.draw(state.rng) if proposal.u is None else proposal.u
        return self.position(Point(proposal.r, u, variance), local, log_prior_r)

    def _surrogate_at(self, r: FloatArray, cluster_variance: float, state: ChainState) -> Local:
        state.evaluations += 1
        return self.surrogate.at(r, cluster_variance)

    # Moves that the exact likelihood decides

    def _correct(self, name: str, new: Position, log_q_ratio: float, state: ChainState) -> None:
        """Accept `new` with the exact ratio times exp(log_q_ratio)."""
        old = state.exact
        proposed = state.stage.evaluate(new.point, new.local, state.rng)
        log_ratio = proposed.log_likelihood - old.log_likelihood + log_q_ratio
        accepted = bool(math.log(1.0 - state.rng.random()) < log_ratio)
        state.counts.add(name, accepted)
        state.counts.approximate |= "fitc" in (proposed.method, old.method)
        if state.adapting:
            evaluated = Evaluated(new.point, proposed.log_likelihood, proposed.noise)
            state.record.evaluated.append(evaluated)
            if name == CORRECTION:
                state.record.corrections.append(Correction(state.point.subset, accepted))
        if accepted:
            state.position, state.exact = new, proposed

    def _jump(self, state: ChainState) -> None:
        """Propose a point of the modes' mixture, whatever the current one (Tierney 1994)."""
        mixture, old = state.tuning.mixture, state.point
        back = mixture.log_prior_over_density(self.model, old)
        if back == math.inf:
            state.counts.add(JUMP, False)
            return
        point = mixture.draw(self.model, old.cluster_variance, state.rng)
        log_ratio = mixture.log_prior_over_density(self.model, point) - back
        new = self.position(point, self._surrogate_at(point.r, point.cluster_variance, state))
        self._correct(JUMP, new, log_ratio, state)

    def _exact_flip(self, state: ChainState) -> None:
        """Add or delete at the same lambda, without asking the surrogate first."""
        old, tuning = state.position, state.tuning
        # Warm-up must find sets that it has not seen yet.
        seldom = bool(tuning.blocks) and not state.adapting
        rates = tuning.exact_rates if seldom else tuning.rates
        proposal = moves.flip(old.point.r, self.model.groups, rates, tuning.birth, state.rng)
        if proposal is None:
            return
        new = self._reached(replace(proposal, u=old.point.u), old, state)
        if new is not None:
            ratio = new.log_prior_r - old.log_prior_r + proposal.log_q_ratio
            self._correct(EXACT_FLIP, new, ratio, state)

    def _block_moves(self, block: Block, state: ChainState) -> None:
        walks = PLAIN_WALKS
        if block.emulator is not None:
            self._emulated_walk(block.emulator, state)
            # The plain walk needs no emulator to be right: while warming up it gives the emulator points, and
            # afterwards it leads the chain out of places where the emulator is wrong.
            walks = 1 if state.adapting else int(state.rng.random() < PLAIN_WALK_SHARE)
        for _ in range(walks):
            self._block_walk(block, state)

    def _emulated_walk(self, emulator: Emulator, state: ChainState) -> None:
        # Places that the emulator puts too low are never proposed, and so never corrected, unless some walks
        # of warm-up look at the outskirts.
        exploring = state.adapting and state.rng.random() < EXPLORING_SHARE
        power = blocks.EXPLORING_POWER if exploring else 1.0
        x = emulator.standardise(state.point)
        y = blocks.emulated_walk(emulator, x, self._log_prior_theta, state.rng, power)
        if not np.array_equal(x, y):
            ratio = power * (emulator.log_likelihood(x) - emulator.log_likelihood(y))
            self._correct(EMULATED_WALK, self._moved_to(*emulator.restore(y), state), ratio, state)

    def _block_walk(self, block: Block, state: ChainState) -> None:
        theta = blocks.walk(block, state.point.coordinates, state.rng)
        r, u = from_coordinates(theta, block.active)
        ratio = self._log_prior_theta(r, u) - self._log_prior_theta(state.point.r, state.point.u)
        if ratio == -math.inf:
            state.counts.add(BLOCK_WALK, False)
        else:
            self._correct(BLOCK_WALK, self._moved_to(r, u, state), ratio, state)

    def _moved_to(self, r: FloatArray, u: float, state: ChainState) -> Position:
        """The position at (r, log lambda), with the same lambda_2."""
        point = replace(state.point, r=r, u=u)
        return self.position(point, self._surrogate_at(r, point.cluster_variance, state))
