"""What warm-up learns and then freezes: step sizes, the birth density, the length of the cheap stage."""

from dataclasses import dataclass, field, replace

import numpy as np

from mixepi.arrays import FloatArray
from mixepi.bkmr.model.priors import PositivePrior
from mixepi.bkmr.sampler.moves import BirthDensity, Groups, SwitchRates
from mixepi.bkmr.sampler.within_model_moves import Block, initial_block, learn_block

WALK_TARGET = 0.44
PSEUDO_DRAWS = 20.0
ROUGH_SHARE = 0.2
LATEST_CORRECTIONS = 60
HOPELESS = 0.1
TRUSTED = 0.5


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
    inclusion : ndarray, shape (groups,)
        How often each group was in, never 0 or 1; sets how often a switch of it is proposed.
    steps, most_steps : int
        Cheap steps between two exact corrections, and the most that warm-up may choose.
    cheap : float
        Probability a sweep of the cheap stage: 1, or less where its results are nearly never accepted.
    exact_flip : float
        Probability a sweep of an add/delete decided by the exact likelihood alone, for kernels so rough
        that the surrogate misjudges it.
    blocks : dict
        Sets of exposures (bytes of the indicator) that have joint moves of their own.
    """

    walk: FloatArray
    scale: float
    cluster: float
    birth: BirthDensity
    inclusion: FloatArray
    steps: int
    most_steps: int
    cheap: float = 1.0
    exact_flip: float = 0.2
    blocks: dict[bytes, Block] = field(default_factory=dict)

    def block(self, r: FloatArray) -> Block | None:
        """Joint moves for the set of exposures in r, if it needs them.

        Where the cheap stage is of no use a set that warm-up has not learned gets a plain walk: without
        one a chain that enters it late would stand still.
        """
        known = self.blocks.get((r > 0).tobytes())
        return initial_block(r) if known is None and self.cheap < 1.0 else known

    @property
    def rates(self) -> SwitchRates:
        """Probabilities of proposing that a group enters or leaves, each tried now and then."""
        margin = min(0.1, 0.5 / len(self.inclusion))
        return SwitchRates.for_inclusion(np.clip(self.inclusion, margin, 1 - margin))

    @property
    def exact_rates(self) -> SwitchRates:
        """The same after warm-up where kernels are rough: seldom what is nearly always refused.

        There a proposal costs an exact evaluation of a dense kernel.
        """
        return SwitchRates.for_inclusion(self.inclusion)


def initial_tuning(prior: PositivePrior, exposures: int, groups: int, steps: int, most_steps: int) -> Tuning:
    """Before anything is known: births from the prior, every group alike."""
    ones = np.ones(exposures)
    return Tuning(
        walk=np.full(exposures, 0.7),
        scale=0.5,
        cluster=0.7,
        birth=BirthDensity(prior, ones, ones),
        inclusion=np.full(groups, 0.5),
        steps=steps,
        most_steps=most_steps,
    )


@dataclass
class Record:
    """Warm-up history.

    Attributes
    ----------
    states : list of (r, log lambda, whether the surrogate was capped)
        One entry a sweep.
    evaluated : list of (r, log lambda, exact log-likelihood, standard deviation of its error)
    corrections : list of (bytes, bool)
        For each exact correction the set of exposures it started from, and whether it accepted.
    """

    states: list[tuple[FloatArray, float, bool]] = field(default_factory=list)
    evaluated: list[tuple[FloatArray, float, float, float]] = field(default_factory=list)
    corrections: list[tuple[bytes, bool]] = field(default_factory=list)


def learn(tuning: Tuning, record: Record, groups: Groups) -> Tuning:
    """Update everything that is learned from history: birth density, blocks, number of cheap steps."""
    if not record.states:
        return tuning
    recent = record.states[len(record.states) // 3 :]
    r = np.array([state[0] for state in recent])
    u = np.array([state[1] for state in recent])
    capped = np.array([state[2] for state in recent])
    blocks = dict(tuning.blocks)
    evaluated = record.evaluated[len(record.evaluated) // 3 :]
    keys = [(row > 0).tobytes() for row in r]
    # Of sets that move slowly the first half is still the way to where they belong.
    late = np.arange(len(keys)) >= len(record.states) // 2 - len(record.states) // 3
    for key in set(keys):
        mine = np.array([k == key for k in keys])
        trusted = [accepted for k, accepted in record.corrections if k == key][-LATEST_CORRECTIONS:]
        if len(trusted) >= 5 and np.mean(trusted) > TRUSTED:
            blocks.pop(key, None)
        # Judged by the latest half, so that a set found late in warm-up counts.
        elif mine[len(mine) // 2 :].mean() >= ROUGH_SHARE and capped[mine].mean() > 0.5:
            known = blocks.get(key) or initial_block(r[mine][0])
            blocks[key] = learn_block(known, r[mine & late], u[mine & late], evaluated)
    steps, cheap = tuning.steps, tuning.cheap
    corrections = [accepted for _, accepted in record.corrections[-LATEST_CORRECTIONS:]]
    if len(corrections) >= 10:
        share = float(np.mean(corrections))
        cheap = 1.0 if share > HOPELESS else 0.1
        if share < 0.4:
            steps = max(1, steps // 2)
        elif share > 0.8:
            steps = min(tuning.most_steps, steps * 2)
    exact_flip = 0.5 if blocks else 0.02
    return replace(
        tuning,
        birth=fit_birth(tuning.birth, r),
        inclusion=estimate_inclusion(r, groups),
        blocks=blocks,
        steps=steps,
        cheap=cheap,
        exact_flip=exact_flip,
    )


def estimate_inclusion(draws: FloatArray, groups: Groups) -> FloatArray:
    """Share of warm-up sweeps with each group in, never 0 or 1, shape (groups,).

    Groups that were never, or always, in are tried all the same.
    """
    inside = np.array([(draws[:, list(group)] > 0).any(axis=1).mean() for group in groups])
    margin = min(0.02, 0.1 / len(groups))
    return np.asarray(np.clip(inside, margin, 1 - margin))


def robbins_monro(step: float, accepted: float, round_: int) -> float:
    """Move a step size towards the target acceptance."""
    gain = min(0.5, 4.0 / (10 + round_) ** 0.6)
    return float(np.clip(step * np.exp(gain * (accepted - WALK_TARGET)), 0.02, 5.0))


def fit_birth(birth: BirthDensity, draws: FloatArray) -> BirthDensity:
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
        # Births far up the tail cost the most and are the least often accepted: never favour them.
        beta[m] = float(np.clip((1 - mean) * size, 1.0, 1e4))
    return replace(birth, alpha=alpha, beta=beta)
