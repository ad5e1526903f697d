"""What warm-up learns and then freezes: step sizes, the birth density, the length of the cheap stage."""

from dataclasses import dataclass, field, replace

import numpy as np

from envmix.bkmr.arrays import Array
from envmix.bkmr.moves import BirthDensity
from envmix.bkmr.priors import PositivePrior

WALK_TARGET = 0.44
PSEUDO_DRAWS = 20.0


@dataclass(frozen=True)
class Tuning:
    """Free constants of the moves. Constant after warm-up, so that the chain is Markov.

    Attributes
    ----------
    walk : ndarray, shape (M,)
        Step of the random walk on each log r_m.
    scale, cluster : float
        Steps of the common-scale walk and of the walk on log lambda_2.
    birth : BirthDensity
        How r is drawn when an exposure enters.
    flip : ndarray, shape (groups,)
        Probability of choosing each group for a switch.
    steps : int
        Cheap steps between two exact corrections.
    """

    walk: Array
    scale: float
    cluster: float
    birth: BirthDensity
    flip: Array
    steps: int


def initial_tuning(prior: PositivePrior, exposures: int, groups: int, steps: int) -> Tuning:
    """Before anything is known: births from the prior, every group alike."""
    ones = np.ones(exposures)
    return Tuning(
        walk=np.full(exposures, 0.7),
        scale=0.5,
        cluster=0.7,
        birth=BirthDensity(prior, ones, ones),
        flip=np.full(groups, 1.0 / groups),
        steps=steps,
    )


@dataclass
class Record:
    """Warm-up history."""

    r: list[Array] = field(default_factory=list)
    log_lambda: list[float] = field(default_factory=list)
    difference: list[float] = field(default_factory=list)
    difference_r: list[Array] = field(default_factory=list)
    difference_log_lambda: list[float] = field(default_factory=list)


def robbins_monro(step: float, accepted: float, round_: int) -> float:
    """Move a step size towards the target acceptance."""
    gain = min(0.5, 4.0 / (10 + round_) ** 0.6)
    return float(np.clip(step * np.exp(gain * (accepted - WALK_TARGET)), 0.02, 5.0))


def fit_birth(birth: BirthDensity, draws: Array) -> BirthDensity:
    """Fit each exposure's Beta to where its r was when it was in, shrunk towards the pooled fit.

    Parameters
    ----------
    draws : ndarray, shape (T, M)
        r at warm-up sweeps, zero when out.
    """
    v = birth.prior.distribution(np.where(draws > 0, draws, 1.0))
    active = draws > 0
    pooled_mean, pooled_var = 0.5, 1 / 12
    total = float(active.sum())
    if total > 0:
        share = total / (total + PSEUDO_DRAWS)
        pooled_mean = share * float(v[active].mean()) + (1 - share) * 0.5
        pooled_var = share * float(v[active].var()) + (1 - share) / 12
    alpha, beta = birth.alpha.copy(), birth.beta.copy()
    for m in range(draws.shape[1]):
        count = float(active[:, m].sum())
        share = count / (count + PSEUDO_DRAWS)
        inside = v[active[:, m], m]
        mean = share * (float(inside.mean()) if count else 0.0) + (1 - share) * pooled_mean
        spread = share * (float(inside.var()) if count else 0.0) + (1 - share) * pooled_var
        # A little wider than what was seen: a proposal must not be narrower than its target.
        spread = min(1.3 * spread, 0.95 * mean * (1 - mean))
        size = max(mean * (1 - mean) / spread - 1, 0.2)
        alpha[m] = float(np.clip(mean * size, 0.3, 1e4))
        beta[m] = float(np.clip((1 - mean) * size, 0.3, 1e4))
    return replace(birth, alpha=alpha, beta=beta)
