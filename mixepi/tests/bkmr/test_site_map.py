"""Sites matched under one covariance, and the map that gives those of the states in between."""

from dataclasses import replace

import numpy as np
import pytest

from mixepi.bkmr.likelihood.solver import Solver
from mixepi.bkmr.model.point import Point
from mixepi.bkmr.probit import dense as probit_dense
from mixepi.bkmr.probit import site_map as probit_site_map
from mixepi.bkmr.probit import stage as probit
from mixepi.bkmr.probit.site_map import SiteMap
from mixepi.bkmr.probit.sites import (
    Sites,
    covariance_marginals,
    expectation_propagation,
    feature_marginals,
)
from mixepi.bkmr.sampler import checkpoint
from mixepi.bkmr.sampler.chain import Chain, saved_state
from tests.bkmr.support import chains, naive

BOTH = np.ones(2, dtype=bool).tobytes()


@pytest.fixture(scope="module")
def high_rank():
    """A probit whose kernel is of high rank."""
    return naive.model(n=80, family="binomial", signal=2.0)


def stage_of(model):
    return probit.ProbitStage.at_null(model, Solver("dense", 1e-3, 5))


def states(count, seed, spread=0.4):
    """Points around r = (3, 2), lambda = 6."""
    rng = np.random.default_rng(seed)
    logs = np.log([3.0, 2.0, 6.0]) + spread * rng.normal(size=(count, 3))
    return [Point(np.exp(x[:2]), float(x[2])) for x in logs]


def moments(covariance, X, weights, natural):
    """By plain inverses, with a prior variance of 1e8 in place of the flat one."""
    prior = covariance + 1e8 * X @ X.T
    posterior = np.linalg.inv(np.linalg.inv(prior) + np.diag(weights))
    return posterior @ natural, np.diag(posterior)


@pytest.mark.parametrize("p", [0, 3])
def test_marginals_of_both_forms_are_the_posterior_moments(p):
    rng = np.random.default_rng(0)
    X, features = rng.normal(size=(20, p)), rng.normal(size=(20, 20))
    weights, natural = rng.uniform(0.1, 1.5, 20), rng.normal(size=20)
    covariance = features @ features.T
    expected = moments(covariance, X, weights, natural)
    # Nothing may look below the diagonal.
    upper = np.where(np.tri(20, k=-1) > 0, np.nan, covariance)
    for found in (
        covariance_marginals(upper, X)(weights, natural),
        feature_marginals(np.column_stack([X, features]), p)(weights, natural),
    ):
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(found[1], expected[1], rtol=1e-4)


@pytest.mark.parametrize("clustered", [False, True])
def test_the_average_covariance_is_that_of_the_states(monkeypatch, high_rank, clustered):
    """Two of three states have a kernel, one of them close to the identity."""
    monkeypatch.setattr(probit_dense, "RIDGE", 0.0)
    variance = 0.7 if clustered else 0.0
    cluster = np.arange(80) % 10
    model = replace(high_rank, cluster=cluster if clustered else None)
    points = [
        Point(np.array([3.0, 2.0]), np.log(6.0), variance),
        Point(np.full(2, 1e5), np.log(2.0), variance),
    ]
    found, noise = probit_dense.average_covariance(model, points, 3)
    kernels = [point.lambda_ / 3 * naive.kernel(model.z, point.r) for point in points]
    total = sum(kernels) + variance * (cluster[:, None] == cluster)
    assert noise == pytest.approx(1 + 2 / 3, rel=0.01)
    np.testing.assert_allclose(
        np.triu(found), np.triu((total - (noise - 1) * np.eye(80)) / noise), atol=1e-10
    )


def test_a_map_gives_the_sites_of_states_it_has_not_seen(high_rank):
    """Closer by far than their average is."""
    stage = stage_of(high_rank)
    for k in range(0, 36, 6):
        stage = stage.with_map_of(states(36, 1)[k : k + 6])
    known = stage.site_maps[BOTH]
    average = np.mean([np.log(s.weights) for s in known.sites], axis=0)
    stage = replace(stage, site_maps={})
    errors = []
    for point in states(12, 2):
        matched = np.log(stage._match([point]).weights)
        mapped = np.log(known.at(point.coordinates).weights)
        errors.append([np.mean((mapped - matched) ** 2), np.mean((average - matched) ** 2)])
    mapped_error, average_error = np.mean(errors, axis=0)
    assert mapped_error < 0.1 * average_error
    far = known.at(np.array([40.0, 40.0, 40.0]))
    np.testing.assert_allclose(far.weights, np.exp(average))


def test_a_map_keeps_the_tails_of_the_weights_down(high_rank):
    """At large r and lambda, sites of the average kernel leave a few draws of great weight."""
    stage = stage_of(high_rank)
    around = states(48, 1, spread=0.6)
    stage = replace(stage, sites=stage.matched_sites(around))
    corner = Point(np.array([6.0, 2.0]), np.log(20.0))
    rng = np.random.default_rng(3)
    before = np.array([stage.evaluate(corner, None, rng).log_likelihood for _ in range(300)])
    for k in range(0, 48, 6):
        stage = stage.with_map_of(around[k : k + 6])
    after = np.array([stage.evaluate(corner, None, rng).log_likelihood for _ in range(300)])
    assert after.std() < 0.75 * before.std()
    # What lies in the draws of great weight is what nearly all estimates miss.
    assert after.mean() > before.mean() + 1.0


def test_a_map_has_distinct_states_the_latest_of_them(monkeypatch, high_rank):
    monkeypatch.setattr(probit_site_map, "MAX_STATES", 8)
    stage, points = stage_of(high_rank), states(8, 4)
    stage = stage.with_map_of([points[0]] * 5)
    assert len(stage.site_maps[BOTH].theta) == 1
    stage = stage.with_map_of(points[:6])
    known = stage.site_maps[BOTH]
    assert len(known.theta) == len(known.sites) == 6
    stage = stage.with_map_of(points[6:])
    stage = stage.with_map_of(points[:3])
    latest = stage.site_maps[BOTH].theta
    assert len(latest) == len(stage.site_maps[BOTH].sites) == 8
    np.testing.assert_array_equal(latest[-3:], [p.coordinates for p in points[:3]])


def test_a_few_states_are_no_map_yet_and_other_sets_have_none(high_rank):
    stage, points = stage_of(high_rank), states(4, 5)
    stage = stage.with_map_of(points[:3])
    assert stage.sites_at(points[0]) is stage.sites
    stage = stage.with_map_of(points[3:])
    assert stage.sites_at(points[0]) is not stage.sites
    alone = Point(np.array([1.0, 0.0]), 0.0)
    assert stage.sites_at(alone) is stage.sites


def test_no_site_is_far_beyond_all_that_were_matched(monkeypatch):
    """Weights that rise along theta: beyond the last state a process would go on."""
    monkeypatch.setattr(probit_site_map, "BEYOND", 0.02)
    theta = np.linspace(-1.0, 1.0, 5)[:, None]
    sites = tuple(Sites(np.array([x]), np.array([np.exp(2 * x)])) for x in theta[:, 0])
    known = SiteMap(theta, sites)
    found = np.array([known.at(np.array([x])).weights[0] for x in np.linspace(-3, 3, 61)])
    assert found.min() == pytest.approx(np.exp(-2.08), rel=1e-6)
    assert found.max() == pytest.approx(np.exp(2.08), rel=1e-6)


def test_a_resumed_chain_goes_on_with_its_maps(tmp_path, high_rank):
    """Kernels of high rank on a surrogate of rank 3: warm-up learns blocks, and maps for them."""
    chain = chains.chain(replace(high_rank, select=False), warmup=120, draws=40, solver="dense", cap=3)
    while chain.state.sweep < 130:
        chain.advance()
    assert len(chain.state.stage.site_maps[BOTH].theta) > probit.MATCHED
    checkpoint.save(tmp_path / "chain.pickle", chain.task.fingerprint, chain.state)
    resumed = Chain(chain.task, saved_state(chain.task, tmp_path / "chain.pickle"))
    for _ in range(5):
        chain.advance()
        resumed.advance()
    assert resumed.state.exact.log_likelihood == chain.state.exact.log_likelihood
    np.testing.assert_array_equal(resumed.state.draws.latent, chain.state.draws.latent)


def test_sites_matched_by_either_form_are_the_same(high_rank):
    stage, point = stage_of(high_rank), Point(np.array([0.3, 0.2]), np.log(6.0))
    root = np.linalg.cholesky(6.0 * naive.kernel(high_rank.z, point.r) + 1e-9 * np.eye(80))
    marginals = feature_marginals(np.column_stack([high_rank.X, root]), 1)
    expected = expectation_propagation(marginals, stage.signs, stage.sites)
    found = stage._match([point])
    np.testing.assert_allclose(found.weights, expected.weights, rtol=1e-4)
    np.testing.assert_allclose(found.pseudo, expected.pseudo, rtol=1e-4)
