"""What warm-up learns and then freezes: step sizes, the birth density, the length of the cheap stage."""

from dataclasses import dataclass, field, replace

import numpy as np

from mixepi.arrays import FloatArray
from mixepi.bkmr.model.model import Groups
from mixepi.bkmr.model.point import Point
from mixepi.bkmr.model.priors import PositivePrior
from mixepi.bkmr.sampler.modes import Mode, ModeMixture
from mixepi.bkmr.sampler.moves import BirthDensity, SwitchRates
from mixepi.bkmr.sampler.within_model_moves import Block, Evaluated, initial_block, learn_block

# Acceptance of a random walk in one dimension at which it mixes fastest (Gelman, Roberts and Gilks 1996).
WALK_TARGET = 0.44
# Gain of the first step sizes, its scale, its delay and its power: between 1/2 and 1, so that steps settle
# and are not stuck where they began (Robbins and Monro 1951).
MAX_GAIN, GAIN, GAIN_DELAY, GAIN_POWER = 0.5, 4.0, 10, 0.6
# Of log r or log lambda_2: below the first a walk stands still, beyond the second it leaves the prior.
MIN_STEP, MAX_STEP = 0.02, 5.0
# Steps before anything is known: below the prior standard deviations of log r and log lambda_2 (1.0 and 1.3
# by default), and less for all r at once.
FIRST_STEP, FIRST_SCALE = 0.7, 0.5
# Draws that the pooled fit of births counts for beside an exposure's own.
PSEUDO_DRAWS = 20.0
# A proposal must not be narrower than its target; nor wider than nearly the widest Beta with its mean.
WIDENING, WIDEST = 1.3, 0.95
# Of the Beta of births: alpha + beta, alpha, and what both stay below. beta < 1 would favour births far up
# the tail, which cost the most and are the least often accepted (what was tried, "births from a Beta tilt").
MIN_SIZE, MIN_ALPHA, MIN_BETA, MAX_BETA_PARAMETER = 0.2, 0.3, 1.0, 1e4
# How far recorded inclusions stay from 0 and 1: in all, and in all groups together.
INCLUSION_MARGIN, TOTAL_MARGIN = 0.02, 0.1
# The same of the rates by which the surrogate proposes, which cost little (what was tried, "switches of
# exposures").
RATE_MARGIN, TOTAL_RATE_MARGIN = 0.1, 0.5
# Share of warm-up's latest sweeps above which a set is worth joint moves of its own.
BLOCK_SHARE = 0.2
# The surrogate is judged by so many of its latest results, at least by so few of one set or of all; above
# which share accepted a set needs no joint moves, and below which the cheap stage is of no use.
LATEST_CORRECTIONS = 60
MIN_OF_SET, MIN_OF_ALL = 5, 10
TRUSTED, HOPELESS = 0.5, 0.1
# Of sweeps that run the cheap stage then (what was tried, "the cheap stage where fewer than 10 %").
SELDOM = 0.1
# Steps are halved below the one share accepted, doubled above the other.
TOO_FEW_ACCEPTED, MANY_ACCEPTED = 0.4, 0.8
# Exact flips a sweep: at first, with high-rank sets (what was tried, "one exposure of PIP 0.997"), and
# without them, where the surrogate's own switches do.
FIRST_EXACT_FLIP, HIGH_RANK_EXACT_FLIP, LOW_RANK_EXACT_FLIP = 0.2, 0.5, 0.02


@dataclass(frozen=True, kw_only=True)
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
    steps, max_steps : int
        Cheap steps between two exact corrections, and the most that warm-up may choose.
    cheap : float
        Probability a sweep of the cheap stage: 1, or less where its results are nearly never accepted.
    exact_flip : float
        Probability a sweep of an add/delete decided by the exact likelihood alone, for kernels of
        so high a rank that the surrogate misjudges it.
    blocks : dict
        Sets of exposures (bytes of the indicator) that have joint moves of their own.
    mixture : ModeMixture
        Of the modes, for jumps between them.
    """

    walk: FloatArray
    scale: float
    cluster: float
    birth: BirthDensity
    inclusion: FloatArray
    steps: int
    max_steps: int
    cheap: float = 1.0
    exact_flip: float = FIRST_EXACT_FLIP
    blocks: dict[bytes, Block] = field(default_factory=dict)
    mixture: ModeMixture = field(default_factory=lambda: ModeMixture(()))

    def block(self, point: Point) -> Block | None:
        """Joint moves for the set of exposures at a point, if it needs them.

        Where the cheap stage is of no use a set that warm-up has not learned gets a plain walk: without
        one a chain that enters it late would stand still.
        """
        known = self.blocks.get(point.subset)
        return initial_block(point.r) if known is None and self.cheap < 1.0 else known

    @property
    def rates(self) -> SwitchRates:
        """Probabilities of proposing that a group enters or leaves, each tried now and then."""
        margin = min(RATE_MARGIN, TOTAL_RATE_MARGIN / len(self.inclusion))
        return SwitchRates.for_inclusion(np.clip(self.inclusion, margin, 1 - margin))

    @property
    def exact_rates(self) -> SwitchRates:
        """The same after warm-up where kernels are of high rank: seldom what is nearly always refused.

        There a proposal costs an exact evaluation of a dense kernel.
        """
        return SwitchRates.for_inclusion(self.inclusion)


def initial_tuning(
    *, prior: PositivePrior, exposures: int, groups: int, steps: int, max_steps: int, modes: tuple[Mode, ...]
) -> Tuning:
    """Before anything is known: births from the prior, every group alike."""
    ones = np.ones(exposures)
    return Tuning(
        walk=np.full(exposures, FIRST_STEP),
        scale=FIRST_SCALE,
        cluster=FIRST_STEP,
        birth=BirthDensity(prior=prior, alpha=ones, beta=ones),
        inclusion=np.full(groups, 0.5),
        steps=steps,
        max_steps=max_steps,
        mixture=ModeMixture(modes),
    )


@dataclass(frozen=True)
class Visit:
    """The state after a sweep of warm-up, and whether the surrogate was capped there."""

    point: Point
    capped: bool


@dataclass(frozen=True)
class Correction:
    """An exact correction: the set of exposures it started from, and whether it accepted."""

    subset: bytes
    accepted: bool


@dataclass
class Record:
    """Warm-up's history: the state after every sweep, every exact evaluation, every exact correction."""

    visits: list[Visit] = field(default_factory=list)
    evaluated: list[Evaluated] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)

    @property
    def recent(self) -> list[Visit]:
        """Without the first third, in which the chain finds its way."""
        return self.visits[len(self.visits) // 3 :]


def learn(tuning: Tuning, record: Record, groups: Groups) -> Tuning:
    """Update everything that is learned from history: birth density, blocks, number of cheap steps."""
    if not record.visits:
        return tuning
    r = np.array([visit.point.r for visit in record.recent])
    blocks = _learn_blocks(tuning.blocks, record)
    steps, cheap = tuning.steps, tuning.cheap
    corrections = [correction.accepted for correction in record.corrections[-LATEST_CORRECTIONS:]]
    if len(corrections) >= MIN_OF_ALL:
        share = float(np.mean(corrections))
        cheap = 1.0 if share > HOPELESS else SELDOM
        if share < TOO_FEW_ACCEPTED:
            steps = max(1, steps // 2)
        elif share > MANY_ACCEPTED:
            steps = min(tuning.max_steps, steps * 2)
    return replace(
        tuning,
        birth=fit_birth(tuning.birth, r),
        inclusion=estimate_inclusion(r, groups),
        blocks=blocks,
        steps=steps,
        cheap=cheap,
        exact_flip=HIGH_RANK_EXACT_FLIP if blocks else LOW_RANK_EXACT_FLIP,
    )


def _learn_blocks(known: dict[bytes, Block], record: Record) -> dict[bytes, Block]:
    """Joint moves for the sets that the surrogate mostly fails and that the chain is often in."""
    recent, blocks = record.recent, dict(known)
    evaluated = record.evaluated[len(record.evaluated) // 3 :]
    subsets = [visit.point.subset for visit in recent]
    capped = np.array([visit.capped for visit in recent])
    # Of sets that move slowly the first half is still the way to where they belong.
    first_late = len(record.visits) // 2 - len(record.visits) // 3
    for key in dict.fromkeys(subsets):
        mine = np.array([subset == key for subset in subsets])
        trusted = [c.accepted for c in record.corrections if c.subset == key][-LATEST_CORRECTIONS:]
        if len(trusted) >= MIN_OF_SET and np.mean(trusted) > TRUSTED:
            blocks.pop(key, None)
        # Judged by the latest half, so that a set found late in warm-up counts.
        elif mine[len(mine) // 2 :].mean() >= BLOCK_SHARE and capped[mine].mean() > 0.5:
            visited = [visit.point for visit in recent if visit.point.subset == key]
            late = [visit.point for visit in recent[first_late:] if visit.point.subset == key]
            blocks[key] = learn_block(blocks.get(key) or initial_block(visited[0].r), late, evaluated)
    return blocks


def estimate_inclusion(draws: FloatArray, groups: Groups) -> FloatArray:
    """Share of warm-up sweeps with each group in, never 0 or 1, shape (groups,).

    Groups that were never, or always, in are tried all the same.
    """
    inside = np.array([(draws[:, list(group)] > 0).any(axis=1).mean() for group in groups])
    margin = min(INCLUSION_MARGIN, TOTAL_MARGIN / len(groups))
    return np.asarray(np.clip(inside, margin, 1 - margin))


def robbins_monro(step: float, accepted: float, attempts: int) -> float:
    """Move a step size towards the target acceptance."""
    gain = min(MAX_GAIN, GAIN / (GAIN_DELAY + attempts) ** GAIN_POWER)
    return float(np.clip(step * np.exp(gain * (accepted - WALK_TARGET)), MIN_STEP, MAX_STEP))


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
        spread = min(WIDENING * spread, WIDEST * mean * (1 - mean))
        size = max(mean * (1 - mean) / spread - 1, MIN_SIZE)
        alpha[m] = float(np.clip(mean * size, MIN_ALPHA, MAX_BETA_PARAMETER))
        beta[m] = float(np.clip((1 - mean) * size, MIN_BETA, MAX_BETA_PARAMETER))
    return replace(birth, alpha=alpha, beta=beta)
