"""Run one chain: warm-up, kept draws, checkpoints."""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from mixepi.arrays import FloatArray
from mixepi.bkmr.likelihood.lambda_conditional import LambdaGrid
from mixepi.bkmr.likelihood.low_rank import trace_tolerance
from mixepi.bkmr.likelihood.solver import Evaluation, Joint, Solver, finite, naming
from mixepi.bkmr.likelihood.surrogate import Local, Surrogate
from mixepi.bkmr.model.model import Model
from mixepi.bkmr.probit.importance import ProbitEvaluation
from mixepi.bkmr.probit.site_map import SiteMap
from mixepi.bkmr.probit.sites import Sites
from mixepi.bkmr.probit.stage import ProbitStage, draw_latent, null_predictors, surrogate_data
from mixepi.bkmr.sampler import checkpoint
from mixepi.bkmr.sampler.adaptation import Record, Tuning, initial_tuning, learn
from mixepi.bkmr.sampler.draws import Draws
from mixepi.bkmr.sampler.transition import Counts, Exact, ExactStage, GaussianStage, Kernel, Point
from mixepi.bkmr.spec import ChainOptions
from mixepi.random_streams import random_stream

SURROGATE_RANK = 32
FIRST_STEPS = 8
# A probit correction costs more than a cheap step, so that more steps are worth their while.
MOST_STEPS = {"gaussian": 20, "binomial": 30}
UPDATES = 10
LARGE = 5000


@dataclass(frozen=True)
class ChainTask:
    """Everything one chain needs; picklable. `sweeps`: the file of `progress.show_sweeps`."""

    model: Model
    solver: Solver
    options: ChainOptions
    seed: int
    chain: int
    monitors: FloatArray
    fingerprint: str
    sweeps: Path | None = None


@dataclass(frozen=True)
class ChainRun:
    """A finished chain: its draws, counts by move, surrogate evaluations and processor seconds."""

    draws: Draws
    attempts: dict[str, int]
    accepted: dict[str, int]
    evaluations: int
    seconds: float


@dataclass
class ChainState:
    """What a checkpoint holds."""

    sweep: int
    point: Point
    exact: Exact
    rng: np.random.Generator
    tuning: Tuning
    record: Record
    counts: Counts
    rounds: int
    sites: Sites | None
    site_maps: dict[bytes, SiteMap]
    draws: Draws
    evaluations: int = 0
    seconds: float = 0.0


@dataclass
class Chain:
    """A chain's kernel and state, rebuilt identically from a checkpoint."""

    task: ChainTask
    state: ChainState
    kernel: Kernel
    local: Local = field(init=False)

    def __post_init__(self) -> None:
        self.local = self.kernel.surrogate.at(self.state.point.r, self.state.point.cluster_variance)

    def advance(self) -> None:
        """One sweep, with what warm-up learns and what is kept afterwards."""
        state, kernel, options = self.state, self.kernel, self.task.options
        kernel.adapting = state.sweep < options.warmup
        state.point, self.local, state.exact = kernel.sweep(state.point, self.local, state.exact, state.rng)
        state.sweep += 1
        if kernel.adapting:
            self._learn()
        elif (state.sweep - options.warmup) % options.thin == 0:
            self._keep((state.sweep - options.warmup) // options.thin - 1)
        state.tuning, state.rounds = kernel.tuning, kernel.rounds
        state.evaluations = kernel.surrogate.evaluations

    def _learn(self) -> None:
        state, kernel, warmup = self.state, self.kernel, self.task.options.warmup
        every = max(1, warmup // UPDATES)
        last = state.sweep == warmup
        if state.sweep % every == 0 or last:
            kernel.tuning = learn(kernel.tuning, kernel.record, self.task.model.groups)
            if isinstance(kernel.stage, ProbitStage) and self.task.model.use_likelihood:
                self._match_sites(kernel.stage, every)
        if last:
            state.counts = kernel.counts = Counts()
            state.record = kernel.record = Record()

    def _match_sites(self, stage: ProbitStage, sweeps: int) -> None:
        """Match the probit's sites to the latest sweeps."""
        state, model = self.state, self.task.model
        latest = self.kernel.record.states[-sweeps:]
        points = [Point(r, u, state.point.cluster_variance) for r, u, _ in latest]
        state.sites = stage.sites = stage.matched_sites(points)
        rough = self.kernel.tuning.blocks
        state.site_maps = stage.site_maps = {k: m for k, m in stage.site_maps.items() if k in rough}
        for key in rough:
            of_this_set = [point for point in points if (point.r > 0).tobytes() == key]
            if of_this_set:
                stage.extend_site_map(of_this_set)
        self.kernel.surrogate.set_data(surrogate_data(model, stage.sites))
        self.local = self.kernel.surrogate.at(state.point.r, state.point.cluster_variance)
        state.exact = stage.evaluate(state.point, self.local, state.rng)

    def _keep(self, index: int) -> None:
        state, model, solver = self.state, self.task.model, self.task.solver
        point, draws, rng = state.point, state.draws, state.rng
        data = model.working(point.cluster_variance)
        if isinstance(state.exact, ProbitEvaluation):
            latent = draw_latent(_signs(model), state.exact.eta, rng)
            if state.exact.root_variance is not None:
                latent = latent * state.exact.root_variance
            draws.latent[index] = latent
            data = model.working(point.cluster_variance, draws.latent[index])
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


def draw_sigma2(model: Model, posterior: Joint, rng: np.random.Generator) -> float:
    """sigma2 given r and lambda, b integrated out (1 for the probit)."""
    if model.family == "binomial":
        return 1.0
    prior = model.priors.sigma2
    if not model.use_likelihood:
        return 1.0 / max(rng.gamma(prior.shape) / prior.rate, 1e-300)
    shape = prior.shape + 0.5 * (model.n - model.X.shape[1])
    return float((prior.rate + 0.5 * posterior.quadratic) / rng.gamma(shape))


def response_joint(model: Model, posterior: Joint, z_new: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance / sigma2 of (b, h(z_new) + flat intercept)."""
    mean, covariance = posterior.joint(z_new, model.z)
    if model.intercept:
        p = model.X.shape[1]
        mean = mean.copy()
        mean[p:] += mean[0]
        covariance = covariance.copy()
        covariance[p:] += covariance[0]
        covariance[:, p:] += covariance[:, :1]
    return mean, covariance


def symmetric_root(covariance: FloatArray) -> FloatArray:
    """The one symmetric square root: eigenvectors alone may turn with the last bit of the covariance."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)


def _signs(model: Model) -> FloatArray:
    return 2.0 * model.y - 1.0


def _start(task: ChainTask, rng: np.random.Generator) -> Point:
    """Overdispersed starting values, so that R-hat can see a chain that is stuck."""
    model = task.model
    r = np.zeros(model.z.shape[1])
    # Several exposures at once have a high rank, which at a large n takes long to leave.
    most = 5 if model.n < LARGE else 1
    order = rng.permutation(len(model.groups)) if model.select else range(len(model.groups))
    included = int(rng.integers(min(most, len(model.groups)) + 1)) if model.select else len(model.groups)
    for k in list(order)[:included]:
        group = model.groups[k]
        for m in group if not model.select else (group[int(rng.integers(len(group)))],):
            r[m] = float(model.priors.r.quantile(np.array(rng.uniform(0.01, 0.6))))
    u = float(np.log(model.priors.lambda_.quantile(np.array(rng.uniform(0.02, 0.5)))))
    return Point(r, u, 0.0 if model.cluster is None else float(rng.uniform(0.05, 0.5)))


def _kernel(task: ChainTask, tuning: Tuning, sites: Sites | None, site_maps: dict[bytes, SiteMap]) -> Kernel:
    model, solver = task.model, task.solver
    cluster_variance = 0.0 if model.cluster is None else 1.0
    plain = model.working(cluster_variance)
    data = plain if sites is None else surrogate_data(model, sites)
    cap = min(SURROGATE_RANK, model.n)
    surrogate = Surrogate(
        model.zt,
        data,
        LambdaGrid.for_prior(model.priors.lambda_),
        cap,
        trace_tolerance(solver.tolerance, model.most_change, 10.0),
        model.intercept,
        model.use_likelihood,
    )
    stage: ExactStage
    if model.family == "binomial":
        assert sites is not None
        stage = ProbitStage(model, solver, _signs(model), sites, site_maps)
    else:
        stage = GaussianStage(GaussianEvaluator(model, solver))
    return Kernel(model, surrogate, stage, tuning)


@dataclass(frozen=True)
class GaussianEvaluator:
    """Exact log density; where the surrogate is certified itself, its value is used."""

    model: Model
    solver: Solver

    def __call__(self, point: Point, local: Local) -> Exact:
        model, solver = self.model, self.solver
        if not model.use_likelihood:
            return Evaluation(local.likelihood.at(point.lambda_), "prior", 0)
        if solver.name == "lowrank" and local.likelihood.error_bound(point.lambda_) <= solver.tolerance:
            with naming(point.r, point.lambda_, point.cluster_variance):
                return Evaluation(finite(local.log_likelihood(point.u)), "lowrank", local.rank)
        data = model.working(point.cluster_variance)
        return solver.evaluate(model, point.r, point.lambda_, data)


def _first_state(task: ChainTask) -> Chain:
    model, options = task.model, task.options
    rng = random_stream(task.seed, "bkmr", "chain", task.chain)
    tuning = initial_tuning(
        model.priors.r,
        model.z.shape[1],
        len(model.groups),
        FIRST_STEPS,
        MOST_STEPS[model.family],
    )
    sites = None
    if model.family == "binomial":
        sites = Sites.at(_signs(model), null_predictors(model))
    site_maps: dict[bytes, SiteMap] = {}
    kernel = _kernel(task, tuning, sites, site_maps)
    point = _start(task, rng)
    if isinstance(kernel.stage, ProbitStage) and model.use_likelihood:
        sites = kernel.stage.sites = kernel.stage.matched_sites([point])
        kernel.surrogate.set_data(surrogate_data(model, sites))
    local = kernel.surrogate.at(point.r, point.cluster_variance)
    exact = kernel.stage.evaluate(point, local, rng)
    draws = Draws.empty(model, options.draws, len(task.monitors))
    state = ChainState(0, point, exact, rng, tuning, Record(), kernel.counts, 0, sites, site_maps, draws)
    kernel.record = state.record
    return Chain(task, state, kernel)


def _resume(task: ChainTask, path: Path) -> Chain:
    state: ChainState = checkpoint.load(path, task.fingerprint)
    if len(state.draws.r) != task.options.draws:
        state.draws = state.draws.resized(task.options.draws)
    kernel = _kernel(task, state.tuning, state.sites, state.site_maps)
    kernel.counts, kernel.record, kernel.rounds = state.counts, state.record, state.rounds
    kernel.surrogate.evaluations = state.evaluations
    return Chain(task, state, kernel)


def _save(chain: Chain, path: Path) -> None:
    state = chain.state
    if isinstance(state.exact, ProbitEvaluation):
        state = replace(state, exact=replace(state.exact, proposal=None))
    checkpoint.save(path, chain.task.fingerprint, state)


def run_chain(task: ChainTask) -> ChainRun:
    """Run (or resume) one chain to its end."""
    options = task.options
    path = None if options.checkpoint is None else Path(options.checkpoint) / f"chain-{task.chain}.pickle"
    chain = _resume(task, path) if path is not None and path.exists() else _first_state(task)
    state = chain.state
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
                _save(chain, path)
            saved = now
        if done is not None:
            done[task.chain] = state.sweep
    return ChainRun(
        state.draws,
        state.counts.attempts,
        state.counts.accepted,
        chain.kernel.surrogate.evaluations,
        state.seconds,
    )
