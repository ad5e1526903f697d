"""Run one chain: warm-up, kept draws, checkpoints."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mixepi.arrays import FloatArray
from mixepi.bkmr.likelihood.exact_stage import ExactStage, GaussianStage, PriorStage
from mixepi.bkmr.likelihood.lambda_conditional import LambdaGrid
from mixepi.bkmr.likelihood.low_rank import trace_tolerance
from mixepi.bkmr.likelihood.response import draw_sigma2, response_joint, symmetric_root
from mixepi.bkmr.likelihood.solver import Solver
from mixepi.bkmr.likelihood.surrogate import Surrogate
from mixepi.bkmr.model.model import Model
from mixepi.bkmr.model.point import Point
from mixepi.bkmr.probit.stage import ProbitStage
from mixepi.bkmr.sampler import checkpoint
from mixepi.bkmr.sampler.adaptation import Record, initial_tuning, learn
from mixepi.bkmr.sampler.draws import Draws
from mixepi.bkmr.sampler.modes import Mode, point_at
from mixepi.bkmr.sampler.state import ChainState, Counts
from mixepi.bkmr.sampler.transition import Transition
from mixepi.bkmr.spec import ChainOptions
from mixepi.random_streams import random_stream

# What was tried, "cap on the surrogate's rank".
SURROGATE_RANK = 32
# Of lambda, at which the surrogate's factor is certified: the mean of its prior.
SURROGATE_LAMBDA = 10.0
# Below both of the next, which warm-up reaches in two doublings where the surrogate is mostly right.
FIRST_STEPS = 8
# What was tried, "10 / 20 / 40 cheap steps". A probit correction costs more than a cheap step, so that more
# steps are worth their while.
MAX_STEPS = {"gaussian": 20, "binomial": 30}
# Times that warm-up learns: often enough for each to use what the last has found.
UPDATES = 10
# How far about a mode a chain begins, in its standard deviations.
OUTSKIRTS = 2.0
# Exposures that a chain begins with, at most. Several at once have a high rank, which at a large n takes long
# to leave.
MAX_FIRST, MAX_FIRST_LARGE, LARGE = 5, 1, 5000
# Where chains begin: quantiles of the priors of r and lambda up to where kernels are not yet of high rank,
# and values of lambda_2 about one another's size.
FIRST_R, FIRST_LAMBDA, FIRST_CLUSTER_VARIANCE = (0.01, 0.6), (0.02, 0.5), (0.05, 0.5)


@dataclass(frozen=True, kw_only=True)
class ChainTask:
    """Everything one chain needs; picklable.

    Attributes
    ----------
    model, solver, options, seed : as of the fit.
    chain : int
        Number of the chain, from 0.
    monitors : ndarray, shape (q, M)
        Points whose response is kept.
    fingerprint : str
        Of the fit, in checkpoints.
    modes : tuple of Mode
        Found by the search.
    max_rank : int
        Cap on the surrogate's rank.
    sweeps : Path, optional
        The file of `progress.show_sweeps`.
    """

    model: Model
    solver: Solver
    options: ChainOptions
    seed: int
    chain: int
    monitors: FloatArray
    fingerprint: str
    modes: tuple[Mode, ...] = ()
    max_rank: int = SURROGATE_RANK
    sweeps: Path | None = None


@dataclass(frozen=True, kw_only=True)
class ChainRun:
    """A finished chain: its draws, counts by move, surrogate evaluations and processor seconds."""

    draws: Draws
    attempts: dict[str, int]
    accepted: dict[str, int]
    evaluations: int
    seconds: float


@dataclass
class Chain:
    """A chain: what it was asked for, its state, and the transition that both determine."""

    task: ChainTask
    state: ChainState
    transition: Transition = field(init=False)

    def __post_init__(self) -> None:
        self.transition = _transition(self.task, self.state.stage)

    def advance(self) -> None:
        """One sweep, with what warm-up learns and what is kept afterwards."""
        state, options = self.state, self.task.options
        state.adapting = state.sweep < options.warmup
        self.transition.sweep(state)
        state.sweep += 1
        if state.adapting:
            self._learn()
        elif (state.sweep - options.warmup) % options.thin == 0:
            self._keep((state.sweep - options.warmup) // options.thin - 1)

    def _learn(self) -> None:
        state, warmup = self.state, self.task.options.warmup
        every = max(1, warmup // UPDATES)
        last = state.sweep == warmup
        if state.sweep % every == 0 or last:
            state.tuning = learn(state.tuning, state.record, self.task.model.groups)
            self._adapt_stage([visit.point for visit in state.record.visits[-every:]])
        if last:
            state.counts, state.record = Counts(), Record()

    def _adapt_stage(self, latest: list[Point]) -> None:
        state = self.state
        adapted = state.stage.adapted(latest, state.tuning.blocks)
        if adapted is not state.stage:
            state.stage = adapted
            self.transition = _transition(self.task, adapted)
            state.position = self.transition.position(state.point)
            state.exact = adapted.evaluate(state.point, state.position.local, state.rng)

    def _keep(self, index: int) -> None:
        state, model, solver = self.state, self.task.model, self.task.solver
        point, draws, rng = state.point, state.draws, state.rng
        latent = state.stage.latent_outcome(state.exact, rng)
        if latent is not None:
            draws.latent[index] = latent
        data = model.projected(point.cluster_variance, latent)
        posterior = solver.posterior(model, point.r, point.lambda_, data)
        sigma2 = draw_sigma2(model, posterior, rng)
        mean, covariance = response_joint(model, posterior, self.task.monitors)
        sample = mean + np.sqrt(sigma2) * (symmetric_root(covariance) @ rng.standard_normal(len(mean)))
        p = model.X.shape[1]
        draws.r[index] = point.r
        draws.lambda_[index] = point.lambda_
        draws.sigma2[index] = sigma2
        draws.cluster_variance[index] = point.cluster_variance
        draws.log_likelihood[index] = state.exact.log_likelihood
        draws.beta[index] = sample[:p]
        draws.response[index] = sample[p:]
        draws.rank[index] = state.exact.rank
        draws.approximate[index] = state.counts.approximate or state.exact.method == "fitc"
        state.counts.approximate = False


def first_stage(model: Model, solver: Solver) -> ExactStage[Any]:
    if not model.use_likelihood:
        return PriorStage(model=model)
    if model.family == "binomial":
        return ProbitStage.at_null(model, solver)
    return GaussianStage(model=model, solver=solver)


def _transition(task: ChainTask, stage: ExactStage[Any]) -> Transition:
    model = task.model
    surrogate = Surrogate(
        zt=model.zt,
        data=stage.surrogate_data(),
        grid=LambdaGrid.for_prior(model.priors.lambda_),
        max_rank=min(task.max_rank, model.n),
        trace=trace_tolerance(task.solver.tolerance, model.max_change, SURROGATE_LAMBDA),
        flat_intercept=model.intercept,
        use_likelihood=model.use_likelihood,
    )
    return Transition(model, surrogate)


def _first_point(task: ChainTask, rng: np.random.Generator) -> Point:
    """Overdispersed starting values, so that R-hat can see a chain that is stuck.

    Every second chain begins about a mode, each about another; the others anywhere.
    """
    model = task.model
    variance = 0.0 if model.cluster is None else float(rng.uniform(*FIRST_CLUSTER_VARIANCE))
    if task.modes and task.chain % 2 == 0:
        mode = task.modes[task.chain // 2 % len(task.modes)]
        return point_at(model, mode.active, mode.draw(rng, OUTSKIRTS), variance)
    r = np.zeros(model.z.shape[1])
    largest = MAX_FIRST if model.n < LARGE else MAX_FIRST_LARGE
    order = rng.permutation(len(model.groups)) if model.select else range(len(model.groups))
    included = int(rng.integers(min(largest, len(model.groups)) + 1)) if model.select else len(model.groups)
    for k in list(order)[:included]:
        group = model.groups[k]
        for m in group if not model.select else (group[int(rng.integers(len(group)))],):
            r[m] = float(model.priors.r.quantile(np.array(rng.uniform(*FIRST_R))))
    u = float(np.log(model.priors.lambda_.quantile(np.array(rng.uniform(*FIRST_LAMBDA)))))
    return Point(r, u, variance)


def first_state(task: ChainTask) -> ChainState:
    """Where a chain begins."""
    model, options = task.model, task.options
    rng = random_stream(task.seed, "bkmr", "chain", task.chain)
    point = _first_point(task, rng)
    stage = first_stage(model, task.solver).adapted([point], ())
    position = _transition(task, stage).position(point)
    return ChainState(
        rng=rng,
        position=position,
        exact=stage.evaluate(point, position.local, rng),
        stage=stage,
        tuning=initial_tuning(
            prior=model.priors.r,
            exposures=model.z.shape[1],
            groups=len(model.groups),
            steps=FIRST_STEPS,
            max_steps=MAX_STEPS[model.family],
            modes=task.modes,
        ),
        draws=Draws.empty(model, options.draws, len(task.monitors)),
    )


def saved_state(task: ChainTask, path: Path) -> ChainState:
    """Where a chain was when its checkpoint was written, with room for the draws that are wanted now."""
    state: ChainState = checkpoint.load(path, task.fingerprint)
    if len(state.draws.r) != task.options.draws:
        state.draws = state.draws.resized(task.options.draws)
    return state


def run_chain(task: ChainTask) -> ChainRun:
    """Run (or resume) one chain to its end."""
    options = task.options
    path = None if options.checkpoint is None else Path(options.checkpoint) / f"chain-{task.chain}.pickle"
    resumed = path is not None and path.exists()
    state = saved_state(task, path) if path is not None and resumed else first_state(task)
    chain = Chain(task, state)
    # On a cluster the file may be on another machine: then this chain's sweeps are not shown.
    done = None
    if task.sweeps is not None and task.sweeps.exists():
        done = np.memmap(task.sweeps, dtype=np.int64, mode="r+")
    begun, before, saved = time.process_time(), state.seconds, -np.inf
    while state.sweep < options.sweeps:
        chain.advance()
        now, last = time.monotonic(), state.sweep == options.sweeps
        # At once and then every few seconds, so that whatever ends this process loses little.
        if last or (path is not None and now - saved >= options.checkpoint_seconds):
            state.seconds = before + time.process_time() - begun
            if path is not None:
                checkpoint.save(path, task.fingerprint, state)
            saved = now
        if done is not None:
            done[task.chain] = state.sweep
    return ChainRun(
        draws=state.draws,
        attempts=state.counts.attempts,
        accepted=state.counts.accepted,
        evaluations=state.evaluations,
        seconds=state.seconds,
    )
