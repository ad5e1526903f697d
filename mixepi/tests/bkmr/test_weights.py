"""Sampling weights as powers of the likelihood: against repeated rows, textbook densities and integrals."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import special

from mixepi import BKMR, SpecificationError
from mixepi.bkmr.design import build
from mixepi.bkmr.likelihood import fitc
from mixepi.bkmr.likelihood.response import response_joint
from mixepi.bkmr.likelihood.solver import Solver
from mixepi.bkmr.model.point import Point
from mixepi.bkmr.probit.sites import Sites, expectation_propagation, feature_marginals
from mixepi.bkmr.probit.stage import ProbitStage
from mixepi.bkmr.survey.weights import kish_size, likelihood_weights
from tests.bkmr.support import chains, naive
from tests.bkmr.support.fits import quiet_fit

R, LAMBDA = np.array([0.3, 0.05]), 1.7
TIMES = np.array([1, 2, 3, 1, 2] * 5)


def repeated(model):
    """The model with every row as often as its weight says."""
    rows = np.repeat(np.arange(model.n), model.weights.astype(int))
    return replace(model, y=model.y[rows], X=model.X[rows], z=model.z[rows], weights=None)


@pytest.mark.parametrize("solver", ["lowrank", "dense", "fitc"])
def test_a_weight_of_two_is_a_row_twice(solver):
    weighted = naive.model(weights=TIMES.astype(float))
    plain = repeated(weighted)
    points = np.array([[0.0, 0.0], [1.0, -1.0]])
    found = []
    for model in (weighted, plain):
        # As many columns as there are distinct rows, with which fitc leaves nothing out.
        name = Solver(solver, 1e-9, 25)
        data = model.projected()
        joint = name.posterior(model, R, LAMBDA, data)
        mean, covariance = response_joint(model, joint, points)
        value = name.evaluate(model, R, LAMBDA, data).log_likelihood
        found.append(np.concatenate([[value, joint.quadratic], mean, covariance.ravel()]))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6, atol=1e-8)


def test_noise_left_over_keeps_the_powers():
    """fitc with fewer columns than rows: the same as the textbook density of what it stands for."""
    weights = np.linspace(0.3, 2.0, 25)
    model = naive.model(weights=weights)
    solver = Solver("fitc", 1e-3, 4)
    factor = solver.factor(model, R, LAMBDA)
    v = np.diag(1 / weights + LAMBDA * factor.residual) + LAMBDA * factor.rows.T @ factor.rows
    inverse = np.linalg.inv(v)
    x = model.X
    gram = x.T @ inverse @ x
    residual = model.y - x @ np.linalg.solve(gram, x.T @ inverse @ model.y)
    a, rate = model.priors.sigma2.shape, model.priors.sigma2.rate
    degrees = weights.sum() - 1
    expected = (
        special.gammaln(a + degrees / 2)
        - special.gammaln(a)
        + a * np.log(rate)
        - degrees / 2 * np.log(2 * np.pi)
        - 0.5 * (np.linalg.slogdet(v)[1] + np.linalg.slogdet(gram)[1] + np.log(weights).sum())
        - (a + degrees / 2) * np.log(rate + residual @ inverse @ residual / 2)
    )
    assert fitc.log_likelihood(factor, model.projected(), LAMBDA) == pytest.approx(expected, rel=1e-10)


def test_the_certificate_holds_for_weighted_rows():
    model = naive.model(n=200, weights=np.geomspace(0.2, 8.0, 200))
    exact = Solver("dense", 1e-3, 20).evaluate(model, 0.1 * R, LAMBDA, model.projected())
    low_rank = Solver("lowrank", 1e-3, 20).evaluate(model, 0.1 * R, LAMBDA, model.projected())
    assert low_rank.method == "lowrank"
    assert 0 < abs(low_rank.log_likelihood - exact.log_likelihood) < 1e-3


def test_chain_draws_the_pseudo_posterior():
    """Against the sum over a grid (`naive.posterior_by_quadrature`)."""
    weighted = naive.model(n=12, signal=0.5, weights=np.array([0.6, 1.4, 0.3, 1.0] * 3))
    expected, log_lambda = naive.posterior_by_quadrature(weighted)
    r, u = chains.run(chains.chain(weighted, warmup=100), 1000)
    for delta, probability in expected.items():
        assert abs(chains.z_score(((r > 0) == delta).all(axis=1), probability)) < 4
    assert abs(chains.z_score(u, log_lambda)) < 4


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_weights_alone_leave_the_prior(family):
    model = naive.model(n=6, m=2, family=family, use_likelihood=False, weights=np.linspace(0.5, 2, 6))
    r, u = chains.run(chains.chain(model, warmup=100), 1000)
    assert abs(chains.z_score(r[:, 0] > 0, 0.5)) < 4
    assert abs(chains.z_score(model.priors.lambda_.distribution(np.exp(u)), 0.5)) < 4


# --- The probit ----------------------------------------------------------------------------------------


def integral(model, r, lambda_):
    """integral of prod_i Phi(s_i eta_i)^w_i N(eta; 0, lambda K), by quadrature, for three rows."""
    nodes, masses = np.polynomial.hermite_e.hermegauss(60)
    root = np.linalg.cholesky(lambda_ * naive.kernel(model.z, r) + 1e-12 * np.eye(3))
    grid = np.stack(np.meshgrid(nodes, nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 3)
    mass = np.prod(
        np.stack(np.meshgrid(masses, masses, masses, indexing="ij"), axis=-1).reshape(-1, 3), axis=1
    )
    eta = grid @ root.T
    signs = 2 * model.y - 1
    values = np.exp(special.log_ndtr(signs * eta) @ model.weights)
    return float(mass @ values / (2 * np.pi) ** 1.5), (mass * values) @ eta / (mass @ values)


@pytest.mark.parametrize("solver", ["lowrank", "dense"])
def test_probit_of_weighted_rows(solver):
    model = naive.model(n=3, intercept=False, family="binomial", weights=np.array([0.4, 1.0, 2.7]), seed=2)
    expected, mean = integral(model, R, LAMBDA)
    stage = ProbitStage.at_null(model, Solver(solver, 1e-9, 3))
    point = Point(R, float(np.log(LAMBDA)), 0.0)
    stage = stage.adapted([point], ())
    rng = np.random.default_rng(1)
    found = [stage.evaluate(point, None, rng) for _ in range(2000)]
    assert {one.method for one in found} == {"dense" if solver == "dense" else found[0].method}
    likelihoods = np.exp([one.log_likelihood for one in found])
    error = likelihoods.std() / np.sqrt(len(found))
    assert abs(likelihoods.mean() - expected) < max(4 * error, 1e-6)
    assert error < 0.01 * expected
    # Draws, weighted by their estimates, are of the linear predictors' pseudo-posterior.
    etas = np.array([stage.latent_outcome(one, rng) for one in found])
    share = likelihoods / likelihoods.sum()
    sd = etas.std(axis=0) / np.sqrt(len(found))
    np.testing.assert_array_less(np.abs(share @ etas - mean), 5 * sd)


def test_sites_of_a_whole_weight_are_those_of_repeated_rows():
    rng = np.random.default_rng(4)
    design = np.column_stack([np.ones(30), rng.normal(size=(30, 3))])
    signs = np.where(rng.random(30) < 0.3, 1.0, -1.0)
    twice = np.full(30, 2.0)
    start = Sites.at(signs, np.zeros(30), twice)
    once = expectation_propagation(
        feature_marginals(design, 1), signs, Sites.at(signs, np.zeros(30), np.ones(30))
    )
    plain = expectation_propagation(feature_marginals(design, 1), signs, Sites.at(signs, np.zeros(30)))
    np.testing.assert_allclose(once.weights, plain.weights, atol=1e-4)
    np.testing.assert_allclose(once.pseudo, plain.pseudo, atol=1e-3)
    # A pair of equal rows has the posterior mean of one row of weight two.
    both = expectation_propagation(feature_marginals(design, 1), signs, start)
    pair = np.concatenate([design, design])
    apart = expectation_propagation(
        feature_marginals(pair, 1), np.tile(signs, 2), Sites.at(np.tile(signs, 2), np.zeros(60))
    )
    one = feature_marginals(design, 1)(both.weights, both.weights * both.pseudo)[0]
    two = feature_marginals(pair, 1)(apart.weights, apart.weights * apart.pseudo)[0][:30]
    np.testing.assert_allclose(one, two, atol=0.02)


def test_response_follows_from_known_predictors():
    """Of a weighted probit h at the rows is what the predictors are, whichever solver."""
    model = naive.model(family="binomial", weights=np.linspace(0.5, 1.5, 25))
    rng = np.random.default_rng(1)
    root = np.linalg.cholesky(LAMBDA * naive.kernel(model.z, R) + 1e-10 * np.eye(25))
    eta = 0.3 + root @ rng.normal(size=25)
    for name in ("lowrank", "dense"):
        joint = Solver(name, 1e-9, 20).posterior(model, R, LAMBDA, model.projected(0.0, eta))
        mean, covariance = response_joint(model, joint, model.z)
        np.testing.assert_allclose(mean[1:], eta, atol=2e-3)
        assert np.diag(covariance)[1:].max() < 1e-5


# --- From a data frame ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def weighted_people(people):
    rng = np.random.default_rng(3)
    return people.assign(w=rng.gamma(2.0, size=len(people)), one=3.7)


@pytest.mark.parametrize(("outcome", "family"), [("bmd_fn", "gaussian"), ("osteo", "binomial")])
def test_equal_weights_give_the_unweighted_draws(outcome, family, people, spec, short, weighted_people):
    spec = replace(spec, outcome=outcome, family=family)
    plain = quiet_fit(spec, people, seed=1, options=short)
    equal = quiet_fit(replace(spec, weights="one"), weighted_people, seed=1, options=short)
    for name, array in plain.arrays().items():
        np.testing.assert_array_equal(array, getattr(equal, name), err_msg=name)


def test_a_constant_changes_nothing(spec, short, weighted_people):
    spec = replace(spec, weights="w")
    times = weighted_people.assign(w=weighted_people["w"] * 12_345.678)
    first = quiet_fit(spec, weighted_people, seed=1, options=short)
    second = quiet_fit(spec, times, seed=1, options=short)
    np.testing.assert_array_equal(first.r, second.r)
    np.testing.assert_array_equal(first.response, second.response)


def test_totals(weighted_people):
    w = weighted_people["w"].to_numpy()
    assert kish_size(np.array([1.0, 1.0, 2.0])) == pytest.approx(16 / 6)
    for total, expected in (("effective", kish_size(w)), ("rows", 100.0), (40, 40.0)):
        found = likelihood_weights(weighted_people, "w", total)
        assert found.sum() == pytest.approx(expected, rel=1e-9)
        np.testing.assert_allclose(found / found[0], w / w[0], rtol=1e-9)
    assert likelihood_weights(weighted_people, "one", "effective") is None
    assert likelihood_weights(weighted_people, None, "effective") is None


def test_only_the_domain_enters(spec, weighted_people):
    inside = weighted_people["age"] > 60
    people = weighted_people.assign(old=inside)
    people.loc[~inside, ["bmd_fn", "w"]] = np.nan
    model, _ = build(replace(spec, weights="w", domain="old"), people)
    alone, _ = build(replace(spec, weights="w"), people[inside])
    np.testing.assert_array_equal(model.y, alone.y)
    np.testing.assert_array_equal(model.z, alone.z)
    np.testing.assert_array_equal(model.weights, alone.weights)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"strata": "s", "psu": "u"}, "weights, strata and psu together"),
        ({"weights": "w", "total_weight": "all"}, "total_weight"),
        ({"total_weight": "rows"}, "only with weights"),
        ({"weights": "w", "cluster": "c"}, "random intercept"),
        ({"weights": "w", "family": "binomial", "solver": "fitc"}, "fitc"),
        ({"weights": "y"}, "y"),
    ],
)
def test_contradictions(options, words):
    with pytest.raises(SpecificationError, match=words):
        BKMR(outcome="y", exposures=("a", "b"), **options)
