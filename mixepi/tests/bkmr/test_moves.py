"""Each move's log q-ratio against a density written out branch by branch."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from mixepi.bkmr.model.priors import GammaPrior, InverseUniformPrior, UniformPrior
from mixepi.bkmr.sampler import moves
from mixepi.bkmr.sampler.adaptation import estimate_inclusion, initial_tuning

GROUPS = {
    "component": ((0,), (1,), (2,)),
    "grouped": ((0, 1), (2,)),
    "one group": ((0, 1, 2),),
}
PRIORS = [InverseUniformPrior(), GammaPrior(5, 5), UniformPrior(0, 100)]


def birth(prior):
    return moves.BirthDensity(
        prior=prior, alpha=np.array([1.0, 2.0, 0.7]), beta=np.array([1.0, 3.0, 1.4]), weight=0.8
    )


def q_enter(b, m, r):
    v = b.prior.distribution(np.array(r))
    return float(np.exp(b.prior.log_density(np.array(r)))) * (
        b.weight * stats.beta.pdf(v, b.alpha[m], b.beta[m]) + 1 - b.weight
    )


RATES = moves.SwitchRates(np.array([0.3, 0.8, 0.5]), np.array([0.9, 0.2, 0.6]))


def flip_density(old, new, groups, b):
    """Every group on its own: enters, leaves, stays in or stays out."""
    total = 1.0
    for g, group in enumerate(groups):
        before = [m for m in group if old[m] > 0]
        after = [m for m in group if new[m] > 0]
        if before and after:
            total *= (1 - RATES.leave[g]) * (before == after and old[before[0]] == new[after[0]])
        elif before:
            total *= RATES.leave[g]
        elif after:
            total *= RATES.enter[g] / len(group) * q_enter(b, after[0], new[after[0]])
        else:
            total *= 1 - RATES.enter[g]
    return total


def switch_density(old, new, groups, b):
    """One group, each as likely, enters or leaves."""
    total = 0.0
    for group in groups:
        before = [m for m in group if old[m] > 0]
        after = [m for m in group if new[m] > 0]
        others = [m for m in range(3) if m not in group]
        if len(before) + len(after) == 1 and np.array_equal(old[others], new[others]):
            total += (q_enter(b, after[0], new[after[0]]) / len(group) if after else 1.0) / len(groups)
    return total


def swap_density(old, new, groups, b):
    total = 0.0
    occupied = [g for g in groups if any(old[m] > 0 for m in g)]
    for group in occupied:
        leaving = next(m for m in group if old[m] > 0)
        places = [
            m for g in groups for m in g if m != leaving and (g == group or not any(old[k] > 0 for k in g))
        ]
        for m in places:
            after = old.copy()
            after[leaving] = 0
            after[m] = new[m]
            if new[m] > 0 and np.array_equal(after, new):
                total += 1 / len(occupied) / len(places) * q_enter(b, m, new[m])
    return total


def refresh_density(old, new, b):
    inside = np.flatnonzero(old > 0)
    total = 0.0
    for m in inside:
        if np.array_equal(np.delete(old, m), np.delete(new, m)) and new[m] != old[m]:
            total += q_enter(b, m, new[m]) / len(inside)
    return total


def walk_density(old, new, scales):
    inside = np.flatnonzero(old > 0)
    total = 0.0
    for m in inside:
        if np.array_equal(np.delete(old, m), np.delete(new, m)) and new[m] != old[m]:
            total += stats.lognorm.pdf(new[m], scales[m], scale=old[m]) / len(inside)
    return total


def states(groups, rng, prior):
    for _ in range(60):
        r = np.zeros(3)
        for group in groups:
            if rng.random() < 0.6:
                r[rng.choice(group)] = prior.quantile(np.array(rng.uniform(0.02, 0.98)))
        yield r


def propose(kind, r, groups, b, rng):
    """A proposal and the two densities written out."""
    scales = np.array([0.3, 0.8, 1.5])
    if kind == "flip":
        return moves.flip(r, groups, RATES, b, rng), lambda x, y: flip_density(x, y, groups, b)
    if kind == "switch":
        return moves.switch(r, groups, b, rng), lambda x, y: switch_density(x, y, groups, b)
    if kind == "swap":
        return moves.swap(r, groups, b, rng), lambda x, y: swap_density(x, y, groups, b)
    if kind == "refresh":
        return moves.refresh(r, b, rng), lambda x, y: refresh_density(x, y, b)
    return moves.walk(r, scales, rng), lambda x, y: walk_density(x, y, scales)


@pytest.mark.parametrize("kind", ["flip", "switch", "swap", "refresh", "walk"])
@pytest.mark.parametrize("groups", GROUPS.values(), ids=GROUPS.keys())
@pytest.mark.parametrize("prior", PRIORS, ids=lambda p: type(p).__name__)
def test_log_q_ratio_equals_enumeration(kind, groups, prior):
    rng = np.random.default_rng(5)
    b = birth(prior)
    compared = 0
    for r in states(groups, rng, prior):
        proposal, density = propose(kind, r, groups, b, rng)
        if proposal is None:
            continue
        forward, backward = density(r, proposal.r), density(proposal.r, r)
        assert forward > 0
        assert backward > 0
        assert proposal.log_q_ratio == pytest.approx(np.log(backward / forward), abs=1e-8)
        compared += 1
    assert compared > 10


def test_flips_at_the_rates_of_independent_groups_need_no_correction():
    """enter / leave is the odds of being in: then the ratio of independent probabilities cancels."""
    inclusion = np.array([0.1, 0.5, 0.97])
    rates = moves.SwitchRates.for_inclusion(inclusion)
    np.testing.assert_allclose(rates.enter / rates.leave, inclusion / (1 - inclusion))
    expected = (1 - inclusion) @ rates.enter + inclusion @ rates.leave
    assert expected == pytest.approx(1.0)
    assert max(rates.enter.max(), rates.leave.max()) < 1
    rare = moves.SwitchRates.for_inclusion(np.full(3, 0.02))
    np.testing.assert_allclose(rare.leave, 1.0)


def test_an_exact_evaluation_is_seldom_paid_for_what_is_nearly_always_refused():
    """First group in and second out in all of warm-up; the way back is proposed at once in both."""
    draws = np.tile([0.2, 0.0], (400, 1))
    tuning = initial_tuning(prior=PRIORS[0], exposures=2, groups=2, steps=20, max_steps=40, modes=())
    tuning = replace(tuning, inclusion=estimate_inclusion(draws, ((0,), (1,))))
    seldom, often = tuning.exact_rates, tuning.rates
    assert 4 * seldom.leave[0] < often.leave[0]
    assert 4 * seldom.enter[1] < often.enter[1]
    assert 0 < seldom.leave[0] == pytest.approx(seldom.enter[1])
    np.testing.assert_allclose([seldom.enter[0], seldom.leave[1]], 1.0)


def test_scale_moves_every_log_alike():
    rng = np.random.default_rng(0)
    r = np.array([0.2, 0.0, 3.0])
    proposal = moves.scale(r, 0.5, rng)
    factor = proposal.r[0] / r[0]
    np.testing.assert_allclose(proposal.r, r * factor)
    # Change of variables: density in log r symmetric, so the ratio is the product of new r / old r.
    assert proposal.log_q_ratio == pytest.approx(2 * np.log(factor))


@pytest.mark.parametrize("prior", PRIORS, ids=lambda p: type(p).__name__)
def test_birth_draws_follow_the_birth_density(prior):
    rng = np.random.default_rng(1)
    b = birth(prior)
    v = prior.distribution(np.array([b.draw(1, rng) for _ in range(4000)]))
    reference = 0.8 * stats.beta.cdf(np.sort(v), 2.0, 3.0) + 0.2 * np.sort(v)
    assert np.abs(reference - (np.arange(4000) + 0.5) / 4000).max() < 0.03


@pytest.mark.parametrize("prior", [*PRIORS, InverseUniformPrior(0.1, 50)], ids=lambda p: type(p).__name__)
def test_prior_density_distribution_and_quantile_agree(prior):
    p = np.array([0.05, 0.3, 0.8])
    x = prior.quantile(p)
    np.testing.assert_allclose(prior.distribution(x), p, rtol=1e-9)
    step = 1e-6 * x
    slope = (prior.distribution(x + step) - prior.distribution(x - step)) / (2 * step)
    np.testing.assert_allclose(np.exp(prior.log_density(x)), slope, rtol=1e-4)


@pytest.mark.parametrize("prior", [*PRIORS, InverseUniformPrior(0.1, 50)], ids=lambda p: type(p).__name__)
def test_priors_of_one_number_are_those_of_arrays(prior):
    x = np.array([-1.0, 0.0, 1e-3, *prior.quantile(np.array([0.01, 0.4, 0.99])), 1e6])
    one = [[prior.distribution_at(value), prior.log_density_at(value)] for value in x.tolist()]
    np.testing.assert_allclose(
        one, np.column_stack([prior.distribution(x), prior.log_density(x)]), rtol=1e-14
    )
