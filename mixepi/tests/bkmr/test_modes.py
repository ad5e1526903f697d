"""The modes that the search finds, jumps between them, and what a fit says that has missed one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import special

from mixepi import BKMR, ChainOptions
from mixepi.bkmr import fit as fit_module
from mixepi.bkmr.design import build
from mixepi.bkmr.likelihood.solver import Solver
from mixepi.bkmr.model.point import Point
from mixepi.bkmr.sampler.modes import Mode, ModeMixture, point_at, scores
from mixepi.bkmr.sampler.search import search
from tests.bkmr.support import chains, naive
from tests.bkmr.support.chains import z_score
from tests.bkmr.support.fits import quiet_fit

NAMES = ("z0", "z1")
SHORT = ChainOptions(chains=2, warmup=100, draws=150, workers=1, progress=False)


def rough(frequencies, n, noise, seed=1, exposures=None):
    """y = the product of sin(k z) and noise: no exposure but all of them together explain it."""
    rng = np.random.default_rng(seed)
    z = rng.uniform(-2, 2, (n, exposures or len(frequencies)))
    y = np.prod([np.sin(k * z[:, j]) for j, k in enumerate(frequencies)], axis=0)
    frame = pd.DataFrame(z, columns=[f"z{j}" for j in range(z.shape[1])])
    return frame.assign(y=y + noise * rng.standard_normal(n))


def spec_of(frame, **options):
    return BKMR(outcome="y", exposures=tuple(c for c in frame if c.startswith("z")), **options)


def modes_of(frame, **options):
    model, _ = build(spec_of(frame, **options), frame)
    return search((model, Solver("lowrank", 1e-3, 50), 1))


@pytest.fixture(scope="module")
def frame():
    return rough((3, 3), n=110, noise=0.2)


def grid_posterior(model):
    """P(set | y) of two exposures, by a grid over normal scores of r and of lambda."""
    # A rough mode is about 0.1 wide and lies between 2 and 3.5: trapezoids with more of them there.
    nodes = np.concatenate([np.arange(-3.5, 2.0, 0.5), np.arange(2.0, 3.6, 0.1), [3.8, 4.2, 4.6]])
    r, log_prior = model.priors.r.quantile(special.ndtr(nodes)), -0.5 * nodes**2 + np.log(np.gradient(nodes))
    log_prior = log_prior - special.logsumexp(log_prior)
    w = np.linspace(-3.5, 3.5, 20)
    lambdas, log_prior_w = model.priors.lambda_.quantile(special.ndtr(w)), -0.5 * w**2
    log_prior_w = log_prior_w - special.logsumexp(log_prior_w)
    basis = np.linalg.svd(model.X)[0][:, model.X.shape[1] :]
    y = basis.T @ model.y
    squares = [(model.z[:, None, m] - model.z[None, :, m]) ** 2 for m in range(2)]
    prior, mass = model.priors.sigma2, {}
    for delta, share in {(0, 0): 1 / 3, (1, 0): 1 / 6, (0, 1): 1 / 6, (1, 1): 1 / 3}.items():
        found = []
        for a, log_a in zip(r, log_prior, strict=True) if delta[0] else [(0.0, 0.0)]:
            for b, log_b in zip(r, log_prior, strict=True) if delta[1] else [(0.0, 0.0)]:
                values, vectors = np.linalg.eigh(basis.T @ np.exp(-a * squares[0] - b * squares[1]) @ basis)
                scale = 1 + lambdas[:, None] * np.maximum(values, 0)
                quadratic = ((vectors.T @ y) ** 2 / scale).sum(axis=1)
                value = -0.5 * np.log(scale).sum(axis=1)
                value -= (prior.shape + 0.5 * len(y)) * np.log(prior.rate + 0.5 * quadratic)
                found.append(special.logsumexp(value + log_prior_w) + log_a + log_b)
        mass[delta] = special.logsumexp(found) + np.log(share)
    total = special.logsumexp(list(mass.values()))
    return {delta: float(np.exp(value - total)) for delta, value in mass.items()}


def test_scores_and_points_are_inverses():
    model = naive.model(m=3)
    point = Point(np.array([0.02, 0.0, 7.0]), np.log(3.0))
    x = scores(model, point)
    again = point_at(model, point.r > 0, x)
    np.testing.assert_allclose(again.r, point.r, rtol=1e-9)
    assert again.u == pytest.approx(point.u, abs=1e-9)
    assert special.ndtr(x[0]) == pytest.approx(0.5)  # half of the prior lies below 0.02


@pytest.fixture(scope="module")
def found(frame):
    return quiet_fit(spec_of(frame), frame, seed=1, options=SHORT)


def test_a_rough_interaction_is_found(frame, found):
    """Both exposures in every draw of both chains, as the sum of the posterior over a grid says."""
    model, _ = build(spec_of(frame), frame)
    right = grid_posterior(model)
    assert right[1, 1] > 0.999
    assert found.included.all(axis=(1, 2)).all()
    assert found.status == "converged" or "no chain" not in found.status


def test_negative_control_chains_without_the_search_miss_it_and_say_so(monkeypatch, frame, found):
    monkeypatch.setattr(fit_module, "search", lambda task: ())
    alone = quiet_fit(spec_of(frame), frame, seed=1, options=SHORT)
    assert alone.included.mean() < 0.7
    told = replace(alone, modes=found.modes)
    assert "no chain visited r of z0 " in told.status
    assert "where about 100 % of the posterior lies" in told.status
    # A chain that is in it and one that is not: the place is named too.
    mixed = {name: np.stack([array[0], found.arrays()[name][0]]) for name, array in alone.arrays().items()}
    assert "chain 2 never left r of z0 " in replace(found, **mixed).status


@pytest.mark.parametrize(
    ("frequencies", "n", "noise", "exposures", "options"),
    [
        ((12,), 120, 0.3, 2, {}),
        ((2.5, 2.5), 150, 0.5, 3, {}),
        ((4, 4), 150, 0.3, 2, {"selection": "none"}),
        ((2, 2, 2), 250, 0.1, 4, {}),
        ((3, 3), 150, 0.3, 3, {"selection": "hierarchical", "groups": (("z0", "z2"), ("z1",))}),
    ],
    ids=["one", "two", "no selection", "three", "groups"],
)
def test_the_largest_mode_is_the_truth(frequencies, n, noise, exposures, options):
    mode = modes_of(rough(frequencies, n, noise, exposures=exposures), **options)[0]
    truth = np.arange(exposures) < len(frequencies)
    np.testing.assert_array_equal(mode.r > 0.3, truth)


@pytest.mark.statistical
def test_masses_are_those_of_the_grid():
    """Where the sets are near one another: within a factor of 2 of the posterior summed over a grid."""
    frame = rough((3, 3), n=60, noise=0.6)
    model, _ = build(spec_of(frame), frame)
    right, found = grid_posterior(model), modes_of(frame)
    total = special.logsumexp([mode.log_mass for mode in found])
    for delta, share in right.items():
        log_masses = [m.log_mass for m in found if np.array_equal(m.active, np.array(delta, dtype=bool))]
        mass = np.exp(special.logsumexp(log_masses) - total) if log_masses else 0.0
        assert 0.5 * share < mass + 0.01 < 2 * share + 0.02, (delta, share, mass)


def test_a_random_intercept():
    frame = rough((3, 3), n=130, noise=0.3, exposures=2)
    rng = np.random.default_rng(2)
    clinic = np.arange(130) % 20
    frame = frame.assign(y=frame["y"] + rng.normal(size=20)[clinic], clinic=clinic)
    mode = modes_of(frame, cluster="clinic")[0]
    np.testing.assert_array_equal(mode.r > 0.3, [True, True])


ARBITRARY = (
    Mode(
        active=np.array([True, False]),
        r=np.array([0.02, 0.0]),
        centre=np.array([0.5, -0.5]),
        root=np.array([[0.8, 0.0], [0.3, 0.7]]),
        log_mass=0.0,
    ),
    Mode(
        active=np.array([True, True]),
        r=np.array([0.02, 0.02]),
        centre=np.zeros(3),
        root=np.eye(3),
        log_mass=2.0,
    ),
    Mode(
        active=np.array([False, False]),
        r=np.zeros(2),
        centre=np.zeros(1),
        root=np.eye(1),
        log_mass=-1.0,
    ),
)


@pytest.mark.parametrize("faulty", [False, True])
def test_jumps_alone_leave_the_prior_as_it_is(monkeypatch, faulty):
    """Whatever the modes and their masses; the negative control forgets the density of the way back."""
    model = naive.model(n=6, m=2, use_likelihood=False)
    chain = chains.chain(model, warmup=0)
    state = chain.state
    state.tuning = replace(state.tuning, mixture=ModeMixture(ARBITRARY))
    chains.go_to(chain, Point(np.array([0.02, 0.0]), 1.0))
    if faulty:
        monkeypatch.setattr(ModeMixture, "log_prior_over_density", lambda self, model, point: 0.0)
    r, u = [], []
    for _ in range(2500):
        chain.transition._jump(state)
        r.append(state.point.r)
        u.append(state.point.u)
    r, u = np.array(r), np.array(u)
    inside = r > 0
    # The set {2} has no mode: of the others the prior is 1/3, 1/6 and 1/3.
    right = {(False, False): 0.4, (True, False): 0.2, (True, True): 0.4}
    worst = max(abs(z_score((inside == np.array(delta)).all(axis=1), p)) for delta, p in right.items())
    v = model.priors.r.distribution(r[inside[:, 0], 0])
    w = model.priors.lambda_.distribution(np.exp(u))
    worst = max(worst, abs(z_score(v < 0.5, 0.5)), abs(z_score(w < 0.3, 0.3)))
    assert worst > 6 if faulty else worst < 4
