"""Chains to test the sampler with: without a fit around them, and checks of what they draw."""

from dataclasses import replace

import numpy as np
from tests.bkmr.support import naive

from mixepi import ChainOptions
from mixepi.bkmr.diagnostics import effective_size
from mixepi.bkmr.likelihood.solver import Solver
from mixepi.bkmr.model.priors import InverseGammaPrior
from mixepi.bkmr.sampler.chain import SURROGATE_RANK, Chain, ChainTask, first_state


def chain(model, seed=1, warmup=300, draws=1000, solver="lowrank", cap=SURROGATE_RANK, modes=(), **options):
    """A chain ready to advance."""
    task = ChainTask(
        model=model,
        solver=Solver(solver, 1e-3, min(20, model.n)),
        options=ChainOptions(chains=1, warmup=warmup, draws=draws, progress=False, **options),
        seed=seed,
        chain=0,
        monitors=np.zeros((1, model.z.shape[1])),
        fingerprint="test",
        max_rank=cap,
        modes=modes,
    )
    return Chain(task, first_state(task))


def go_to(chain, point):
    """Put a chain at a point."""
    state = chain.state
    state.position = chain.transition.position(point)
    state.exact = state.stage.evaluate(point, state.position.local, state.rng)


def run(chain, sweeps, adapting=False):
    """Advance and record r and log lambda after warm-up."""
    while chain.state.sweep < chain.task.options.warmup:
        chain.advance()
    state = chain.state
    state.adapting = adapting
    r, u = [], []
    for _ in range(sweeps):
        chain.transition.sweep(state)
        r.append(state.point.r)
        u.append(state.point.u)
    return np.array(r), np.array(u)


def z_score(draws, truth):
    """Distance of a chain's mean from the truth in Monte-Carlo standard errors."""
    size = effective_size(draws[None, :].astype(float))
    sd = max(draws.std(), 1e-9)
    return (draws.mean() - truth) / (sd / np.sqrt(size))


def prior_run(sweeps=3000, **options):
    """A model without likelihood, and the r and log lambda of its chain."""
    model = naive.model(n=6, m=options.pop("m", 5), use_likelihood=False, **options)
    return model, *run(chain(model, warmup=100), sweeps)


def geweke(fault=False, sweeps=2500):
    """Successive-conditional simulation: draw y given the parameters, then one sweep (Geweke 2004)."""
    priors = replace(naive.Priors(), sigma2=InverseGammaPrior(3.0, 2.0))
    model = naive.model(n=8, intercept=False, priors=priors)
    chain_ = chain(model, cap=3, warmup=0, seed=11)
    state = chain_.state
    state.tuning = replace(state.tuning, steps=6)
    rng = np.random.default_rng(12)
    r, u = [], []
    for _ in range(sweeps):
        v = np.eye(8) + state.point.lambda_ * naive.kernel(model.z, state.point.r)
        sigma2 = 2.0 / rng.gamma(3.0)
        y = np.linalg.cholesky(v) @ rng.normal(size=8) * np.sqrt(sigma2)
        new = replace(model, y=1.6 * y if fault else y)
        state.stage = replace(state.stage, model=new)
        again = Chain(replace(chain_.task, model=new), state)
        go_to(again, state.point)
        again.transition.sweep(state)
        r.append(state.point.r)
        u.append(state.point.u)
    r, u = np.array(r), np.array(u)
    v = model.priors.lambda_.distribution(np.exp(u))
    return {
        "P(none in)": z_score(~r.any(axis=1), 1 / 3),
        "PIP": z_score(r[:, 0] > 0, 0.5),
        "lambda": z_score(v, 0.5),
        "lambda squared": z_score(v**2, 1 / 3),
        "lambda when in": z_score(v * (r[:, 0] > 0), 0.25),
    }
