"""The chain as a whole: prior-only runs, exact enumeration, and faults that must be caught."""

from dataclasses import replace

import numpy as np
import pytest

from mixepi.bkmr.diagnostics import effective_size
from mixepi.bkmr.likelihood.exact_stage import GaussianStage
from mixepi.bkmr.likelihood.solver import Evaluation
from mixepi.bkmr.model.model import bkmr_log_choice
from mixepi.bkmr.model.priors import InclusionPrior
from mixepi.bkmr.sampler import moves
from mixepi.bkmr.sampler import within_model_moves as blocks
from mixepi.bkmr.sampler.adaptation import fit_birth
from mixepi.bkmr.sampler.emulator import fit_emulator
from mixepi.bkmr.sampler.transition import Transition
from tests.bkmr.support import chains, naive
from tests.bkmr.support.chains import geweke, prior_run, z_score


def test_prior_only_run_returns_the_prior():
    """The test that R's bkmr fails: P(empty) 0.051 there, 1/6 here."""
    model, r, u = prior_run()
    size = (r > 0).sum(axis=1)
    for k in range(6):
        assert abs(z_score(size == k, 1 / 6)) < 4, f"P({k} exposures in) = {np.mean(size == k):.3f}"
    for m in range(5):
        assert abs(z_score(r[:, m] > 0, 0.5)) < 4
    v = model.priors.r.distribution(r[r > 0])
    np.testing.assert_allclose(np.quantile(v, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.04)
    w = model.priors.lambda_.distribution(np.exp(u))
    for level in (0.1, 0.5, 0.9):
        assert abs(z_score(w < level, level)) < 4


def test_prior_only_run_with_another_inclusion_prior():
    priors = replace(naive.Priors(), inclusion=InclusionPrior(1.0, 4.0))
    _, r, _ = prior_run(priors=priors)
    assert abs(z_score(r[:, 0] > 0, 0.2)) < 4


def test_prior_only_run_with_groups():
    """Groups {1, 2}, {3}, {4}: each group in with probability 1/2, members alike."""
    _, r, _ = prior_run(m=4, groups=((0, 1), (2,), (3,)))
    inside = r > 0
    assert not np.any(inside[:, 0] & inside[:, 1])
    for group in ([0, 1], [2], [3]):
        assert abs(z_score(inside[:, group].any(axis=1), 0.5)) < 4
    assert abs(z_score(inside[:, 0], 0.25)) < 4


def test_compat_reproduces_the_law_of_bkmr():
    """peers.md 3.1: P(empty) 0.0476 and PIP 0.571; grouped PIPs 0.783, 0.630, 0.630."""
    _, r, _ = prior_run(compat_bkmr=True)
    assert abs(z_score(~r.any(axis=1), 0.0476)) < 4
    assert abs(z_score(r[:, 0] > 0, 0.5714)) < 4
    _, r, _ = prior_run(m=4, groups=((0, 1), (2,), (3,)), compat_bkmr=True)
    assert abs(z_score((r[:, :2] > 0).any(axis=1), 0.783)) < 4
    assert abs(z_score(r[:, 2] > 0, 0.630)) < 4


@pytest.mark.parametrize(
    ("adapting", "high_rank", "seldom"), [(True, True, False), (False, True, True), (False, False, False)]
)
def test_exact_flips_are_seldom_only_after_warm_up_and_where_kernels_are_of_high_rank(
    monkeypatch, adapting, high_rank, seldom
):
    chain = chains.chain(naive.model(n=20))
    state = chain.state
    state.adapting = adapting
    known = {state.point.subset: blocks.initial_block(state.point.r)} if high_rank else {}
    always_out = np.full(len(state.point.r), 0.01)
    tuning = state.tuning = replace(state.tuning, inclusion=always_out, blocks=known)
    asked = []
    monkeypatch.setattr(moves, "flip", lambda r, groups, rates, birth, rng: asked.append(rates.enter[0]))
    chain.transition._exact_flip(state)
    rates = tuning.exact_rates if seldom else tuning.rates
    assert asked == [rates.enter[0]]
    assert tuning.exact_rates.enter[0] < 0.5 * tuning.rates.enter[0]


@pytest.mark.parametrize("fault", ["flipped sign", "bkmr's choice ratio"])
@pytest.mark.parametrize("move", ["flip", "switch"])
def test_negative_control_a_faulty_move_is_caught(monkeypatch, move, fault):
    correct = getattr(moves, move)

    def faulty(r, *arguments):
        proposal = correct(r, *arguments)
        if proposal is None:
            return None
        if fault == "flipped sign":
            return moves.Proposal(proposal.r, -proposal.log_q_ratio)
        # The logarithm of p(move | new) / p(move | old), added with the opposite sign.
        old, new = np.count_nonzero(r), np.count_nonzero(proposal.r)
        wrong = bkmr_log_choice(old) - bkmr_log_choice(new)
        return moves.Proposal(proposal.r, proposal.log_q_ratio + wrong)

    # The other move is left out: a right one beside it would water the fault down.
    monkeypatch.setattr(moves, move, faulty)
    monkeypatch.setattr(moves, {"flip": "switch", "switch": "flip"}[move], lambda *_: None)
    _, r, _ = prior_run()
    assert abs(z_score(~r.any(axis=1), 1 / 6)) > 6


ENUMERATION = {
    "surrogate exact": {},
    "surrogate capped at rank 3": {"cap": 3},
    "no flat intercept": {"intercept": False},
}


@pytest.mark.parametrize("options", ENUMERATION.values(), ids=ENUMERATION.keys())
def test_posterior_equals_enumeration(options):
    options = dict(options)
    cap = {"cap": options.pop("cap")} if "cap" in options else {}
    model = naive.model(n=25, signal=0.8, **options)
    chain = chains.chain(model, seed=3, **cap)
    r, u = chains.run(chain, 2000)
    probability, log_lambda = naive.posterior_by_quadrature(model)
    inside = r > 0
    for delta, p in probability.items():
        found = np.all(inside == np.array(delta, dtype=bool), axis=1)
        assert abs(z_score(found, p)) < 4.5, (delta, p, found.mean())
    assert abs(z_score(u, log_lambda)) < 4.5


def test_negative_control_an_uncorrected_surrogate_is_caught(monkeypatch):
    monkeypatch.setattr(
        GaussianStage,
        "evaluate",
        lambda self, point, local, rng: Evaluation(local.log_likelihood(point.u), "wrong", 0),
    )
    model = naive.model(n=25, signal=0.8)
    r, _ = chains.run(chains.chain(model, cap=2, seed=3), 3000)
    probability, _ = naive.posterior_by_quadrature(model)
    worst = max(
        abs(z_score(np.all((r > 0) == np.array(d, dtype=bool), axis=1), p)) for d, p in probability.items()
    )
    assert worst > 6


def wrong_emulator(model, rng):
    """An emulator that only rises with lambda: the exact correction must make up for it."""
    theta = rng.normal(size=(80, 3)) + np.array([np.log(0.3), np.log(0.05), 0.0])
    values = 1.5 * theta[:, 2] + 0.01 * rng.normal(size=80)
    active = np.ones(2, dtype=bool)
    return fit_emulator(
        active=active,
        theta=theta,
        values=values,
        centre=theta.mean(axis=0),
        covariance=np.eye(3),
        noise=np.full(len(values), 0.02),
    )


@pytest.mark.parametrize(
    ("correct", "adapting"),
    [(True, False), (True, True), (False, False), (False, True)],
    ids=["after warm-up", "exploring in warm-up", "uncorrected", "exploring, power forgotten"],
)
def test_block_moves_are_exact_even_with_a_wrong_emulator(monkeypatch, correct, adapting):
    rng = np.random.default_rng(0)
    model = naive.model(n=25, signal=0.8, select=False)
    chain = chains.chain(model, seed=4)
    block = blocks.Block(
        active=np.ones(2, dtype=bool),
        centre=np.zeros(3),
        covariance=0.5 * np.eye(3),
        emulator=wrong_emulator(model, rng),
    )
    chain.state.tuning = replace(chain.state.tuning, blocks={block.active.tobytes(): block}, steps=0)
    chain.task = replace(chain.task, options=replace(chain.task.options, warmup=0))
    if not correct:
        inner = Transition._correct

        def no_ratio(self, name, new, ratio, state):
            wrong = (
                0.0 if not adapting else ratio / blocks.EXPLORING_POWER if name == "emulated walk" else ratio
            )
            inner(self, name, new, wrong, state)

        monkeypatch.setattr(Transition, "_correct", no_ratio)
    _, u = chains.run(chain, 1500, adapting)
    monkeypatch.undo()
    reference, ru = chains.run(chains.chain(model, seed=5), 2000)
    se = np.hypot(u.std() / np.sqrt(effective_size(u[None])), ru.std() / np.sqrt(effective_size(ru[None])))
    distance = abs(u.mean() - ru.mean()) / se
    assert (distance < 4.5) if correct else (distance > 6)
    assert len(reference) == 2000


def standard_emulator(theta, values, noise):
    """Of one exposure, its posterior taken to be standard normal."""
    return fit_emulator(
        active=np.ones(1, dtype=bool),
        theta=theta,
        values=values,
        centre=np.zeros(2),
        covariance=np.eye(2),
        noise=noise,
    )


def test_an_exploring_walk_has_the_law_of_the_emulator_to_its_power():
    """A quadratic of curvature 1 to the power 0.5: standard deviation sqrt(2), flat prior."""
    rng = np.random.default_rng(0)
    theta = 1.5 * rng.normal(size=(120, 2))
    values = -0.5 * np.sum(theta**2, axis=1)
    emulator = standard_emulator(theta, values, np.full(120, 0.01))
    for power in (1.0, blocks.EXPLORING_POWER):
        x, found = np.zeros(2), []
        for _ in range(600):
            x = blocks.emulated_walk(emulator, x, lambda r, u: 0.0, rng, power)
            found.append(x)
        assert np.std(found) == pytest.approx(power**-0.5, rel=0.08)


def test_the_emulator_believes_noisy_values_less():
    rng = np.random.default_rng(0)
    theta = rng.normal(size=(80, 2))
    exact = -0.5 * np.sum(theta**2, axis=1)
    noise = np.where(np.arange(80) % 2, 1.0, 0.01)
    values = exact + noise * rng.normal(size=80)

    def error(said):
        emulator = standard_emulator(theta, values, said)
        near = theta[np.sum(theta**2, axis=1) < 2.0]
        return np.std([emulator.log_likelihood(x) + 0.5 * x @ x for x in near])

    assert error(noise) < 0.02
    assert 5 * error(noise) < error(np.full(80, 0.5))


def test_a_set_of_high_rank_that_warm_up_did_not_see_is_walked_too():
    model = naive.model(n=25, signal=0.8, select=False)
    chain = chains.chain(model, seed=4)
    chain.state.tuning = replace(chain.state.tuning, cheap=0.1, steps=0)
    chain.task = replace(chain.task, options=replace(chain.task.options, warmup=0))
    _, u = chains.run(chain, 60)
    assert len(np.unique(u)) > 20


def test_short_geweke():
    scores = geweke()
    assert max(abs(s) for s in scores.values()) < 4.5, scores


def test_negative_control_geweke_sees_a_wrong_likelihood():
    assert max(abs(s) for s in geweke(fault=True).values()) > 6


def test_birth_density_is_fitted_to_where_r_was():
    model = naive.model(m=3)
    draws = np.zeros((400, 3))
    rng = np.random.default_rng(0)
    draws[:, 1] = model.priors.r.quantile(rng.beta(8, 2, size=400))
    ones = np.ones(3)
    fitted = fit_birth(moves.BirthDensity(prior=model.priors.r, alpha=ones, beta=ones), draws)
    mean = fitted.alpha / (fitted.alpha + fitted.beta)
    assert mean[1] == pytest.approx(0.8, abs=0.05)
