"""The probit's chain against its exact posterior: orthant probabilities of five people, one exposure."""

from dataclasses import replace

import numpy as np
import pytest

from mixepi.bkmr.probit import importance
from mixepi.bkmr.probit import sites as probit_sites
from mixepi.bkmr.probit import stage as probit
from mixepi.bkmr.probit.likelihood import log_likelihoods
from mixepi.bkmr.probit.site_map import SiteMap
from mixepi.bkmr.probit.stage import draw_latent
from tests.bkmr.support import chains, naive
from tests.bkmr.support.chains import z_score

SWEEPS = 3000


@pytest.fixture(scope="module")
def people():
    model = naive.model(n=5, m=1, intercept=False, family="binomial")
    z = np.array([[-2.0], [-1.2], [0.1], [1.1], [2.0]])
    return replace(model, z=z, y=np.array([1.0, 1.0, 0.0, 1.0, 1.0]))


@pytest.fixture(scope="module")
def exact(people):
    """P(the exposure is in), P(lambda below its median), P(latent outcome of the first beyond 1)."""
    levels = (np.arange(10) + 0.5) / 10
    lambdas = people.priors.lambda_.quantile(levels)
    beyond = np.array([-1.0, 0.0, 0.0, 0.0, 0.0])
    weights = np.concatenate([[1.0], np.full(10, 0.1)])  # in and out are equally probable
    r = np.concatenate([[0.0], people.priors.r.quantile(levels)])
    mass, first = (
        weights[:, None] * [[naive.orthant(people, [x], lambda_, upper) for lambda_ in lambdas] for x in r]
        for upper in (np.zeros(5), beyond)
    )
    return {
        "included": mass[1:].sum() / mass.sum(),
        "lambda below its median": mass[:, :5].sum() / mass.sum(),
        "latent beyond 1": first.sum() / mass.sum(),
    }


def scores(model, exact, site_map=None):
    chain = chains.chain(model, warmup=0, draws=SWEEPS, seed=2)
    state = chain.state
    state.tuning = replace(state.tuning, steps=5)
    # Sites that match nothing: the estimates are noisy, and must be right all the same.
    signs = 2 * model.y - 1
    state.stage = replace(state.stage, sites=probit_sites.Sites.at(signs, -3.0 * signs))
    if site_map is not None:
        inside = replace(state.point, r=np.array([0.5]))
        state.stage = replace(state.stage, site_maps={inside.subset: site_map})
        assert state.stage.sites_at(inside) is not state.stage.sites
    chains.go_to(chain, state.point)
    median = model.priors.lambda_.quantile(np.array(0.5))
    found = {name: np.empty(SWEEPS) for name in exact}
    for t in range(SWEEPS):
        chain.transition.sweep(state)
        found["included"][t] = state.point.r[0] > 0
        found["lambda below its median"][t] = state.point.lambda_ < median
        found["latent beyond 1"][t] = signs[0] * draw_latent(signs, state.exact.eta, state.rng)[0] > 1
    return {name: abs(z_score(found[name], exact[name])) for name in exact}


@pytest.fixture(autouse=True)
def few_pairs(monkeypatch):
    """So that the estimates are noisy."""
    monkeypatch.setattr(probit, "PAIRS", 2)


def test_chain_has_the_exact_posterior(people, exact):
    found = scores(people, exact)
    assert max(found.values()) < 4, found


def test_sites_that_change_with_the_parameters_leave_the_posterior_alone(people, exact):
    """Sites of four places, none of which match, and far from all of them their average."""
    rng = np.random.default_rng(0)
    theta = np.log([[0.02, 1.0], [0.02, 30.0], [0.5, 1.0], [0.5, 30.0]])
    sites = tuple(probit_sites.Sites(rng.normal(size=5), rng.uniform(0.1, 1.0, 5)) for _ in theta)
    site_map = SiteMap(theta, sites)
    assert np.ptp([site_map.at(place).weights for place in theta], axis=0).min() > 0.1
    found = scores(people, exact, site_map)
    assert max(found.values()) < 4, found


def test_negative_control_a_pair_that_is_not_the_chosen_one(monkeypatch, people, exact):
    """Kept in its place, a new pair lets a lucky estimate go, and the noise is no longer corrected for.

    Without slice steps, which bring any draw back to the posterior.
    """
    monkeypatch.setattr(probit, "slice_steps", lambda proposal, signs, normal, rng: normal)

    def wrong(self, point, evaluated, rng):
        return replace(evaluated, normal=rng.standard_normal(evaluated.proposal.dimension))

    correct = probit.ProbitStage.refresh
    monkeypatch.setattr(
        probit.ProbitStage, "refresh", lambda s, p, e, rng: correct(s, p, wrong(s, p, e, rng), rng)
    )
    found = scores(people, exact)
    assert max(found.values()) > 6, found


def test_negative_control_weights_without_the_proposal(monkeypatch, people, exact):
    monkeypatch.setattr(importance, "log_weights", lambda proposal, signs, eta: log_likelihoods(signs, eta))
    found = scores(people, exact)
    assert max(found.values()) > 6, found
