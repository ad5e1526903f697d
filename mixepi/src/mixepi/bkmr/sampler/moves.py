"""Proposals of r: each with log q(old | new) - log q(new | old).

A move knows nothing of the likelihood or of the prior: the caller accepts with probability
min(1, target(new) / target(old) * exp(log_q_ratio)). Adding the logarithm with the opposite sign
is the fault of R's bkmr; `tests/bkmr/test_sampler.py` has it as a negative control.

An exposure is in the model when its r is positive. Selection works on groups of exposures, of
which at most one member is in; with component-wise selection every exposure is its own group.
Densities are with respect to dr for exposures in the model.
"""

import math
from dataclasses import dataclass

import numpy as np

from mixepi.arrays import FloatArray
from mixepi.bkmr.model.model import Groups
from mixepi.bkmr.model.priors import PositivePrior

# Of the births that warm-up tilts: the rest, from the prior, keeps every region within reach.
TILTED = 0.9
# Distance of a quantile from 0 and 1, where a Beta density and the prior's quantile may be infinite.
SMALLEST_TAIL = 1e-12


@dataclass(frozen=True)
class Proposal:
    """A proposed place and the logarithm of q(old | new) / q(new | old).

    Attributes
    ----------
    r : ndarray, shape (M,)
    log_q_ratio : float
    u : float, optional
        log lambda; by default lambda is drawn from its conditional at the new place.
    cluster_variance : float, optional
        lambda_2; by default as before.
    """

    r: FloatArray
    log_q_ratio: float
    u: float | None = None
    cluster_variance: float | None = None


@dataclass(frozen=True, kw_only=True)
class BirthDensity:
    """How r is drawn for an exposure that enters: a mixture on the scale of the prior's quantiles.

    With v = F(r), F the prior's distribution function, v has the density
    w Beta(v; alpha_m, beta_m) + (1 - w): the prior tilted towards where warm-up found this exposure,
    and the prior itself so that no region is out of reach.

    Attributes
    ----------
    prior : PositivePrior
        Prior of r given inclusion.
    alpha, beta : ndarray, shape (M,)
        Tilt for each exposure; ones give the prior.
    weight : float
        w.
    """

    prior: PositivePrior
    alpha: FloatArray
    beta: FloatArray
    weight: float = TILTED

    def draw(self, exposure: int, rng: np.random.Generator) -> float:
        """One draw of r for `exposure`."""
        if rng.random() < self.weight:
            v = rng.beta(self.alpha[exposure], self.beta[exposure])
        else:
            v = rng.random()
        return float(self.prior.quantile(np.array(_inner(v))))

    def log_density(self, exposure: int, r: float) -> float:
        """Log density of that draw with respect to dr."""
        v = self.prior.distribution_at(r)
        a, b = float(self.alpha[exposure]), float(self.beta[exposure])
        v = _inner(v)
        norm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
        beta = math.exp((a - 1) * math.log(v) + (b - 1) * math.log1p(-v) + norm)
        return math.log(self.weight * beta + 1 - self.weight) + self.prior.log_density_at(r)


def _inner(v: float) -> float:
    return min(max(v, SMALLEST_TAIL), 1 - SMALLEST_TAIL)


@dataclass(frozen=True)
class SwitchRates:
    """Probabilities with which a group is proposed to enter when out, and to leave when in.

    Attributes
    ----------
    enter, leave : ndarray, shape (groups,)
    """

    enter: FloatArray
    leave: FloatArray

    @classmethod
    def for_inclusion(cls, inclusion: FloatArray) -> "SwitchRates":
        """Proportional to min(1, odds) to enter and min(1, 1 / odds) to leave, one switch expected at most.

        If groups were independent with these inclusion probabilities, every proposal would be
        accepted (Griffin, Latuszynski and Steel 2021): rare exposures are rarely tried, and leave at once.
        """
        odds = inclusion / (1 - inclusion)
        scale = min(1.0, 1.0 / float(np.sum(2 * np.minimum(inclusion, 1 - inclusion))))
        return cls(scale * np.minimum(1.0, odds), scale * np.minimum(1.0, 1 / odds))


def _member_in(r: FloatArray, group: tuple[int, ...]) -> int | None:
    return next((m for m in group if r[m] > 0), None)


def flip(
    r: FloatArray, groups: Groups, rates: SwitchRates, birth: BirthDensity, rng: np.random.Generator
) -> Proposal | None:
    """Switch groups, each independently: a member enters with r from the birth density, or leaves.

    A group that stays has the same probability of staying on the way back. One that enters gives
    log leave - [log enter + log(1 / size) + log q(r)]; one that leaves the negative.
    None when no group is chosen.
    """
    uniform = rng.random(len(groups))
    new, ratio, switched = r.copy(), 0.0, False
    for g, group in enumerate(groups):
        member = _member_in(r, group)
        if uniform[g] >= (rates.enter if member is None else rates.leave)[g]:
            continue
        switched = True
        back = math.log(rates.leave[g]) - math.log(rates.enter[g])
        ratio += (back if member is None else -back) + _enter_or_leave(new, group, birth, rng)
    return Proposal(new, ratio) if switched else None


def switch(r: FloatArray, groups: Groups, birth: BirthDensity, rng: np.random.Generator) -> Proposal:
    """Switch one group, chosen uniformly whichever way it goes.

    Where groups enter and leave together, `flip`, made for independent ones, is nearly never accepted:
    sets of many exposures, each of little use, are left one exposure at a time.
    log_q_ratio = -log(1 / size) - log q(r) when a member enters, the negative when one leaves.
    """
    new = r.copy()
    return Proposal(new, _enter_or_leave(new, groups[int(rng.integers(len(groups)))], birth, rng))


def _enter_or_leave(
    new: FloatArray, group: tuple[int, ...], birth: BirthDensity, rng: np.random.Generator
) -> float:
    """Switch `group` within `new`; the log q-ratio given that this group is switched both ways."""
    member = _member_in(new, group)
    if member is None:
        member = group[int(rng.integers(len(group)))]
        new[member] = birth.draw(member, rng)
        return math.log(len(group)) - birth.log_density(member, float(new[member]))
    ratio = birth.log_density(member, float(new[member])) - math.log(len(group))
    new[member] = 0.0
    return ratio


def swap(r: FloatArray, groups: Groups, birth: BirthDensity, rng: np.random.Generator) -> Proposal | None:
    """One exposure leaves and another enters, in one of the empty groups or in the same group.

    The number of groups in, and the number of places to go to, are the same before and after, so
    log_q_ratio = log q(r of the one that leaves) - log q(r of the one that enters).
    None when there is nothing to swap.
    """
    included = [g for g in groups if _member_in(r, g) is not None]
    if not included:
        return None
    group = included[int(rng.integers(len(included)))]
    old = _member_in(r, group)
    assert old is not None
    places = [m for g in groups if g is group or _member_in(r, g) is None for m in g if m != old]
    if not places:
        return None
    member = places[int(rng.integers(len(places)))]
    new = r.copy()
    new[old] = 0.0
    new[member] = birth.draw(member, rng)
    ratio = birth.log_density(old, float(r[old])) - birth.log_density(member, float(new[member]))
    return Proposal(new, ratio)


def refresh(r: FloatArray, birth: BirthDensity, rng: np.random.Generator) -> Proposal | None:
    """Redraw one included r from the birth density: log_q_ratio = log q(old) - log q(new)."""
    included = np.flatnonzero(r > 0)
    if len(included) == 0:
        return None
    m = int(included[int(rng.integers(len(included)))])
    new = r.copy()
    new[m] = birth.draw(m, rng)
    return Proposal(new, birth.log_density(m, float(r[m])) - birth.log_density(m, float(new[m])))


def walk(r: FloatArray, scales: FloatArray, rng: np.random.Generator) -> Proposal | None:
    """Random walk on log r of one included exposure, with step `scales[m]`.

    Symmetric in log r, hence log_q_ratio = log r_new - log r_old (the Jacobian).
    """
    included = np.flatnonzero(r > 0)
    if len(included) == 0:
        return None
    m = int(included[int(rng.integers(len(included)))])
    step = scales[m] * rng.standard_normal()
    new = r.copy()
    new[m] = r[m] * np.exp(step)
    return Proposal(new, float(step))


def scale(r: FloatArray, width: float, rng: np.random.Generator) -> Proposal | None:
    """Multiply every included r by one factor exp(width * N(0, 1)).

    Symmetric in log r, hence log_q_ratio = (number included) * log factor.
    """
    included = r > 0
    count = int(np.count_nonzero(included))
    if count == 0:
        return None
    step = width * rng.standard_normal()
    return Proposal(np.where(included, r * np.exp(step), 0.0), float(count * step))
