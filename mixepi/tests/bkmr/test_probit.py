from dataclasses import replace

import numpy as np
import pytest
from scipy import special, stats

from mixepi.bkmr.likelihood import low_rank
from mixepi.bkmr.likelihood.solver import Solver
from mixepi.bkmr.model.point import Point
from mixepi.bkmr.probit import dense as probit_dense
from mixepi.bkmr.probit import importance
from mixepi.bkmr.probit import likelihood as probit_likelihood
from mixepi.bkmr.probit import sites as probit_sites
from mixepi.bkmr.probit import stage as probit
from mixepi.errors import SeparationError
from tests.bkmr.support import naive
from tests.bkmr.support.chains import z_score

SIGNS = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
START = probit_sites.Sites.at(SIGNS, np.zeros(5))


def stage_at(model, solver, sites):
    return probit.ProbitStage(model=model, solver=solver, sites=sites)


def test_log_phi_in_both_tails():
    t = np.array([-40.0, -20.0, -8.1, -7.9, -1.0, 0.0, 3.0, 9.0])
    found = [probit_likelihood.log_phi(x) for x in t]
    np.testing.assert_allclose(found, special.log_ndtr(t), rtol=1e-7, atol=1e-15)


def test_null_predictors_are_the_maximum_likelihood():
    model = naive.model(n=60, family="binomial")
    eta = probit.null_predictors(model)
    signs = 2 * model.y - 1
    residual = signs * np.exp(stats.norm.logpdf(eta) - special.log_ndtr(signs * eta))
    np.testing.assert_allclose(model.X.T @ residual, 0, atol=1e-5)


def test_the_site_of_one_observation_gives_the_exact_posterior():
    """h ~ N(0, 2), y = 1: mean and variance of h by integration."""
    found = probit_sites.expectation_propagation(
        probit_sites.feature_marginals(np.array([[np.sqrt(2.0)]]), 0),
        np.ones(1),
        probit_sites.Sites(np.zeros(1), np.ones(1)),
    )
    h = np.linspace(-15, 15, 20001)
    density = special.ndtr(h) * stats.norm.pdf(h, scale=np.sqrt(2.0))
    mean = np.sum(h * density) / np.sum(density)
    variance = np.sum((h - mean) ** 2 * density) / np.sum(density)
    precision = 0.5 + found.weights[0]
    assert 1 / precision == pytest.approx(variance, rel=5e-3)
    assert found.weights[0] * found.pseudo[0] / precision == pytest.approx(mean, rel=5e-3)


def test_sites_keep_the_moments_of_every_factor():
    """At the fixed point, posterior moments are those of the cavity times the factor, by integration."""
    rng = np.random.default_rng(0)
    design = np.column_stack([np.ones(25), rng.normal(size=(25, 6))])
    signs = np.where(rng.random(25) < 0.3, 1.0, -1.0)
    marginals = probit_sites.feature_marginals(design, 1)
    sites = probit_sites.expectation_propagation(marginals, signs, probit_sites.Sites.at(signs, np.zeros(25)))
    precision = design.T @ (design * sites.weights[:, None]) + np.diag([0.0] + [1.0] * 6)
    covariance = design @ np.linalg.solve(precision, design.T)
    mean = covariance @ (sites.weights * sites.pseudo)
    for i in range(25):
        variance = covariance[i, i]
        cavity = 1 / (1 / variance - sites.weights[i])
        centre = cavity * (mean[i] / variance - sites.weights[i] * sites.pseudo[i])
        x = centre + np.sqrt(cavity) * np.linspace(-9, 9, 4001)
        density = special.ndtr(signs[i] * x) * np.exp(-0.5 * (x - centre) ** 2 / cavity)
        tilted = np.sum(x * density) / density.sum()
        assert mean[i] == pytest.approx(tilted, abs=0.01)
        assert variance == pytest.approx(np.sum((x - tilted) ** 2 * density) / density.sum(), rel=0.02)


def test_estimates_at_matched_sites_vary_less():
    model = naive.model(n=80, family="binomial", signal=1.5)
    signs, rng = 2 * model.y - 1, np.random.default_rng(1)
    point = Point(np.array([1.0, 0.5]), np.log(4.0))
    start = probit_sites.Sites.at(signs, probit.null_predictors(model))
    stage = stage_at(model, Solver("dense", 1e-3, 5), start)
    matched = stage_at(model, stage.solver, stage.matched_sites([point] * 5))
    sd = [np.std([s.evaluate(point, None, rng).log_likelihood for _ in range(200)]) for s in (stage, matched)]
    assert sd[1] < 0.5 * sd[0]


@pytest.mark.parametrize("name", ["lowrank", "dense"])
def test_estimate_is_unbiased_for_the_orthant_probability(name):
    """No covariates: p(y) is a normal orthant probability, computed by scipy."""
    model = replace(naive.model(n=5, intercept=False, family="binomial"), y=(SIGNS > 0).astype(float))
    point = Point(np.array([0.4, 0.2]), np.log(1.5))
    stage = stage_at(model, Solver(name, 1e-10, 5), START)
    rng = np.random.default_rng(2)
    evaluations = [stage.evaluate(point, None, rng) for _ in range(4000)]
    found = np.exp([e.log_likelihood for e in evaluations])
    v = np.eye(5) + 1.5 * naive.kernel(model.z, point.r)
    v = SIGNS[:, None] * v * SIGNS[None, :]
    exact = stats.multivariate_normal.cdf(np.zeros(5), cov=v, abseps=1e-9, releps=1e-9, rng=0)
    assert found.mean() == pytest.approx(exact, abs=4 * found.std() / np.sqrt(4000) + 1e-7)
    assert found.std() / found.mean() < 0.1


@pytest.mark.parametrize("clustered", [False, True])
def test_dense_and_feature_estimates_agree(clustered):
    """Covariates with flat priors, a random intercept, curvature taken at a poor place."""
    model = naive.model(n=30, family="binomial")
    if clustered:
        model = replace(model, cluster=np.arange(30) % 6)
    signs, point = 2 * model.y - 1, Point(np.array([0.4, 0.2]), np.log(1.5), 0.7 if clustered else 0.0)
    rng = np.random.default_rng(2)
    values, etas = {}, {}
    for name in ("lowrank", "dense"):
        solver = Solver(name, 1e-8, 5)
        stage = stage_at(model, solver, probit_sites.Sites.at(signs, 0.3 * signs))
        if name == "lowrank":
            factor = low_rank.factorise(model.zt, point.r, max_rank=30, trace=1e-10)
            design, _ = stage._features(point, factor)
            p = model.X.shape[1]
            proposal = importance.FeatureProposal.for_sites(design, p, stage.sites)
        else:
            proposal = stage.evaluate(point, None, rng).proposal
            assert isinstance(proposal, probit_dense.DenseProposal)
        found = [
            importance.estimate(proposal, signs, rng.normal(size=(40, proposal.dimension)), rng, 30)
            for _ in range(1000)
        ]
        for f in found[:5]:
            np.testing.assert_allclose(
                f.eta, proposal.mean + proposal.deviations(f.normal[None])[0], rtol=1e-6, atol=1e-9
            )
        values[name] = np.exp([f.log_likelihood for f in found])
        etas[name] = np.array([f.eta for f in found])
    one, two = values["lowrank"], values["dense"]
    assert two.mean() == pytest.approx(one.mean(), abs=4 * np.hypot(one.std(), two.std()) / np.sqrt(1000))
    assert one.std() / one.mean() < 0.2 > two.std() / two.mean()
    difference = etas["lowrank"].mean(0) - etas["dense"].mean(0)
    error = np.sqrt((etas["lowrank"].var(0) + etas["dense"].var(0)) / 1000)
    assert np.abs(difference / error).max() < 4
    np.testing.assert_allclose(etas["lowrank"].std(0), etas["dense"].std(0), rtol=0.15)


@pytest.mark.parametrize("lambda_", [3.0, 30.0])
def test_a_kernel_close_to_the_identity_is_noise(lambda_):
    """Then h is noise of variance lambda, and the flat intercept is left: one integral, by quadrature."""
    model = naive.model(n=60, family="binomial")
    model = replace(model, X=np.ones((60, 1)))
    signs = 2 * model.y - 1
    point = Point(np.array([1e5, 1e5]), np.log(lambda_))
    far = probit_sites.Sites.at(signs, np.zeros(60))
    stage = stage_at(model, Solver("dense", 1e-3, 5), far)
    rng = np.random.default_rng(0)
    found = [stage.evaluate(point, None, rng).log_likelihood for _ in range(20)]
    b = np.linspace(-60, 60, 40001)
    values = special.log_ndtr(signs[:, None] * b / np.sqrt(1 + lambda_)).sum(0)
    exact = special.logsumexp(values) + np.log(b[1] - b[0])
    np.testing.assert_allclose(found, exact, atol=0.05)


def test_fitc_probit_is_the_orthant_probability_of_its_own_covariance():
    model = replace(naive.model(n=5, intercept=False, family="binomial"), y=(SIGNS > 0).astype(float))
    point = Point(np.array([0.4, 0.2]), np.log(1.5))
    solver = Solver("fitc", 1e-3, 2)
    stage = stage_at(model, solver, START)
    rng = np.random.default_rng(2)
    found = np.array([np.exp(stage.evaluate(point, None, rng).log_likelihood) for _ in range(2000)])
    factor = solver.factor(model, point.r, 1.5)
    v = np.eye(5) + 1.5 * (factor.rows.T @ factor.rows + np.diag(factor.residual))
    exact = stats.multivariate_normal.cdf(
        np.zeros(5), cov=SIGNS[:, None] * v * SIGNS, abseps=1e-9, releps=1e-9, rng=0
    )
    assert found.mean() == pytest.approx(exact, abs=4 * found.std() / np.sqrt(2000) + 1e-7)


@pytest.mark.parametrize("name", ["lowrank", "dense"])
def test_an_estimate_knows_its_noise(monkeypatch, name):
    """Standard error from the pairs of one estimate against the sd of many, without the least."""
    monkeypatch.setattr(importance, "MIN_NOISE", 0.0)
    monkeypatch.setattr(probit, "PAIRS", 24)
    model = naive.model(n=30, family="binomial", signal=1.5)
    point, rng = Point(np.array([0.1, 0.05]), np.log(3.0)), np.random.default_rng(0)
    stage = probit.ProbitStage.at_null(model, Solver(name, 1e-3, 5))
    found = [stage.evaluate(point, None, rng) for _ in range(400)]
    said = np.sqrt(np.mean([e.noise**2 for e in found]))
    assert said == pytest.approx(np.std([e.log_likelihood for e in found]), rel=0.25)


def test_flat_intercept_is_integrated_out():
    rng = np.random.default_rng(3)
    design = np.ones((5, 1))
    proposal = importance.FeatureProposal.for_sites(design, 1, START)
    grid = np.linspace(-12, 12, 4001)
    exact = np.trapezoid(np.prod(special.ndtr(SIGNS * grid[:, None]), axis=1), grid)
    found = [
        np.exp(importance.estimate(proposal, SIGNS, rng.normal(size=(8, 1)), rng, 0).log_likelihood)
        for _ in range(4000)
    ]
    assert np.mean(found) == pytest.approx(exact, rel=4 * np.std(found) / np.mean(found) / np.sqrt(4000))


def test_chosen_draws_follow_the_posterior():
    rng = np.random.default_rng(4)
    design = np.ones((5, 1))
    proposal = importance.FeatureProposal.for_sites(design, 1, START)
    grid = np.linspace(-6, 6, 2001)
    density = np.prod(special.ndtr(SIGNS * grid[:, None]), axis=1)
    mean = (grid * density).sum() / density.sum()
    normals = rng.normal(size=(1, 1))
    draws = []
    for _ in range(6000):
        pairs = rng.normal(size=(8, 1))
        pairs[0] = normals  # conditional refresh, as the chain does
        estimate = importance.estimate(proposal, SIGNS, pairs, rng, 0)
        normals = estimate.normal
        draws.append(estimate.eta[0])
    assert np.mean(draws) == pytest.approx(mean, abs=0.05)


def intercept_alone(pseudo):
    """An importance density of one intercept, sites at `pseudo`; the posterior's mean and sd by a grid."""
    sites = probit_sites.Sites(pseudo * np.ones(5), 0.3 * np.ones(5))
    grid = np.linspace(-8, 8, 4001)
    density = np.prod(special.ndtr(SIGNS * grid[:, None]), axis=1)
    mean = (grid * density).sum() / density.sum()
    sd = np.sqrt(((grid - mean) ** 2 * density).sum() / density.sum())
    return importance.FeatureProposal.for_sites(np.ones((5, 1)), 1, sites), mean, sd


def after_slice_steps(proposal, normal, times, **count):
    """The intercept after each of so many calls."""
    rng, etas = np.random.default_rng(5), []
    for _ in range(times):
        normal = importance.slice_steps(proposal, SIGNS, normal, rng, **count)
        etas.append(proposal.mean[0] + proposal.deviations(normal[None, :])[0, 0])
    return np.array(etas)


def test_slice_steps_leave_the_posterior_alone():
    """The importance density is two posterior standard deviations off: steps without its weight are seen."""
    proposal, mean, sd = intercept_alone(1.5)
    assert abs(proposal.mean[0] - mean) > 2 * sd
    etas = after_slice_steps(proposal, np.zeros(1), 10_000)
    assert abs(z_score(etas, mean)) < 4
    assert abs(z_score((etas - mean) ** 2, sd**2)) < 4


def test_a_draw_far_in_the_tail_comes_back():
    proposal, mean, sd = intercept_alone(0.0)
    etas = after_slice_steps(proposal, np.array([15.0]), 60, count=1)
    assert abs(etas[0] - mean) > 5 * sd
    assert np.abs(etas[30:] - mean).max() < 5 * sd


def test_refresh_lets_go_of_a_draw_of_great_weight(monkeypatch):
    """A draw whose weight makes the estimate hundreds of times too large stays the chosen one, unmoved."""
    model = naive.model(n=30, family="binomial", signal=1.5)
    signs, point = 2 * model.y - 1, Point(np.array([0.2, 0.1]), np.log(2.0))
    sites = probit_sites.Sites.at(signs, 0.3 * signs)
    stage = stage_at(model, Solver("dense", 1e-3, 5), sites)
    rng = np.random.default_rng(6)
    found = stage.evaluate(point, None, rng)
    normals = rng.standard_normal((16_000, found.proposal.dimension))
    deviations = found.proposal.deviations(normals)
    eta = np.concatenate([found.proposal.mean + deviations, found.proposal.mean - deviations])
    log_weights = importance.log_weights(found.proposal, signs, eta)
    truth = special.logsumexp(log_weights) - np.log(32_000)
    heaviest = int(log_weights.argmax())
    farther = 1.5 if heaviest < 16_000 else -1.5
    found = replace(found, normal=farther * normals[heaviest % 16_000])

    def refreshes_until_back():
        evaluation, count = stage.refresh(point, found, rng), 1
        while evaluation.log_likelihood > truth + 1.0 and count < 200:
            evaluation, count = stage.refresh(point, evaluation, rng), count + 1
        return count

    moved = np.mean([refreshes_until_back() for _ in range(10)])
    monkeypatch.setattr(probit, "slice_steps", lambda proposal, signs, normal, rng: normal)
    unmoved = np.mean([refreshes_until_back() for _ in range(10)])
    assert moved < 15 < 120 < unmoved


def test_latent_outcomes_are_truncated_normals():
    rng = np.random.default_rng(0)
    signs, eta = np.tile([1.0, -1.0], 20000), np.tile([-1.5, 0.7], 20000)
    draws = probit.draw_latent(signs, eta, rng)
    assert np.all(signs * draws >= 0)
    up = stats.truncnorm(1.5, np.inf, loc=-1.5)
    assert draws[::2].mean() == pytest.approx(up.mean(), abs=4 * up.std() / np.sqrt(20000))
    extreme = probit.draw_latent(np.ones(3), np.array([-30.0, -300.0, 30.0]), rng)
    assert np.all(np.isfinite(extreme))
    assert np.all(extreme > 0)


def test_linearisation_matches_value_and_slope():
    signs, eta = np.array([1.0, -1.0]), np.array([0.3, 0.8])
    pseudo, weights = probit_likelihood.linearise(signs, eta)
    step = 1e-5

    def value(x):
        return special.log_ndtr(signs * x)

    slope = (value(eta + step) - value(eta - step)) / (2 * step)
    curve = (value(eta + step) - 2 * value(eta) + value(eta - step)) / step**2
    np.testing.assert_allclose(weights * (pseudo - eta), slope, rtol=1e-6)
    np.testing.assert_allclose(weights, -curve, rtol=1e-4)


def test_an_outlying_covariate_is_no_separation():
    rng = np.random.default_rng(0)
    model = naive.model(n=400, family="binomial")
    x = np.append(rng.normal(size=399), 12.0)
    y = (0.9 * x + rng.normal(size=400) > 0).astype(float)
    eta = probit.null_predictors(replace(model, X=np.column_stack([np.ones(400), x]), y=y, z=model.z))
    assert eta.max() > probit.LARGEST_PREDICTOR
    assert np.abs(eta[:-1]).max() < probit.LARGEST_PREDICTOR


def test_a_level_without_cases_is_separation():
    model = naive.model(n=60, family="binomial")
    level = (np.arange(60) < 12).astype(float)
    y = np.where(level == 1, 0.0, np.arange(60) % 2)
    rare = replace(model, X=np.column_stack([np.ones(60), level]), y=y)
    with pytest.raises(SeparationError, match="predicts the outcome perfectly"):
        probit.null_predictors(rare)


def test_separation_is_named():
    model = naive.model(n=20, family="binomial")
    separated = np.column_stack([np.ones(20), 2 * model.y - 1])
    with pytest.raises(SeparationError, match="predicts the outcome perfectly"):
        probit.null_predictors(replace(model, X=separated))
