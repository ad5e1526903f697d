"""Without the likelihood the sampler returns the prior, whatever the prior and the variant."""

import math
from dataclasses import replace

import numpy as np
import pytest

from mixepi.bkmr.model.priors import GammaPrior, UniformPrior
from mixepi.bkmr.sampler.transition import Transition
from tests.bkmr.support import chains, naive
from tests.bkmr.support.chains import prior_run, z_score

LEVELS = (0.1, 0.5, 0.9)


def clustered_prior_run():
    """Probabilities below lambda_2 and lambda, under their priors, in each sweep."""
    model = naive.model(n=6, m=2, use_likelihood=False)
    model = replace(model, cluster=np.arange(6) % 3)
    chain = chains.chain(model, warmup=100)
    chains.run(chain, 0)
    variances, lambdas = [], []
    for _ in range(1500):
        chain.transition.sweep(chain.state)
        variances.append(chain.state.point.cluster_variance)
        lambdas.append(chain.state.point.lambda_)
    priors = model.priors
    return priors.cluster.distribution(np.array(variances)), priors.lambda_.distribution(np.array(lambdas))


def worst(v):
    return max(abs(z_score(v < level, level)) for level in LEVELS)


def test_random_intercept():
    variance, lambda_ = clustered_prior_run()
    assert worst(variance) < 4
    assert worst(lambda_) < 4


def test_negative_control_a_missing_jacobian_is_caught(monkeypatch):
    correct = Transition.log_density
    monkeypatch.setattr(
        Transition,
        "log_density",
        lambda self, point, local: correct(self, point, local) - math.log(point.cluster_variance),
    )
    assert worst(clustered_prior_run()[0]) > 6


@pytest.mark.parametrize("select", [True, False], ids=["selection", "no selection"])
@pytest.mark.parametrize(
    "prior", [GammaPrior(0.5, 0.3), UniformPrior(0.0, 4.0)], ids=lambda p: type(p).__name__
)
def test_priors_of_r(prior, select):
    _, r, u = prior_run(sweeps=1200, m=2, priors=naive.Priors(r=prior), select=select)
    inside = r[:, 0] > 0
    if select:
        assert abs(z_score(inside, 0.5)) < 4
    else:
        assert r.all()
    for level in LEVELS:
        # The share below each level among the sweeps that include the exposure, as one mean over all sweeps.
        below = inside * ((prior.distribution(r[:, 0]) < level) - level)
        assert abs(z_score(below, 0.0)) < 4
    assert worst(naive.Priors().lambda_.distribution(np.exp(u))) < 4


def test_prior_inclusion_is_that_of_the_law_sampled():
    """By hand: four times the prior with an exposure in, nine times with one of {1, 2} in, and normed."""
    five = naive.model(m=5, n=6)
    assert five.prior_inclusion((0,)) == 0.5
    assert replace(five, select=False).prior_inclusion((0,)) == 1.0
    assert replace(five, compat_bkmr=True).prior_inclusion((0,)) == pytest.approx(4 / 7)
    groups = naive.model(m=4, n=6, groups=((0, 1), (2,), (3,)), compat_bkmr=True)
    found = [groups.prior_inclusion(group) for group in groups.groups]
    np.testing.assert_allclose(found, [18 / 23, 44 / 69, 44 / 69], rtol=1e-12)
