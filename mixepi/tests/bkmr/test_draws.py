"""What is drawn once r and lambda are known, against the textbook distributions; and the draw of lambda."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from mixepi.bkmr.likelihood.lambda_conditional import LambdaProposal
from mixepi.bkmr.likelihood.response import symmetric_root
from mixepi.bkmr.model.point import Point
from mixepi.bkmr.model.priors import InverseGammaPrior
from mixepi.bkmr.sampler.draws import Draws
from tests.bkmr.support import chains, naive

COUNT = 2000


@pytest.fixture(scope="module")
def kept():
    """Draws at one (r, lambda), and the conditional of (b, h + intercept) there."""
    rng = np.random.default_rng(5)
    priors = naive.Priors(sigma2=InverseGammaPrior(2.0, 1.5))
    model = naive.model(n=15, priors=priors)
    model = replace(model, X=np.column_stack([np.ones(15), rng.normal(size=(15, 2))]))
    points = rng.normal(size=(3, 2))
    chain = chains.chain(model, draws=COUNT)
    chain.task = replace(chain.task, monitors=points)
    chain.state.draws = Draws.empty(model, COUNT, len(points))
    chains.go_to(chain, Point(np.array([0.8, 0.3]), np.log(2.5)))
    for index in range(COUNT):
        chain._keep(index)
    k = 2.5 * naive.kernel(np.vstack([model.z, points]), np.array([0.8, 0.3]))
    mean, covariance, quadratic = naive.conditional(
        model.y, model.X, k[:15, :15] + np.eye(15), k[15:, :15], k[15:, 15:]
    )
    with_intercept = np.eye(6)
    with_intercept[3:, 0] = 1.0
    return chain.state.draws, with_intercept @ mean, with_intercept @ covariance @ with_intercept.T, quadratic


def test_sigma2_is_inverse_gamma(kept):
    """Shape 2 + (n - p) / 2 with n = 15, p = 3."""
    draws, _, _, quadratic = kept
    law = stats.invgamma(2.0 + 0.5 * (15 - 3), scale=1.5 + 0.5 * quadratic)
    assert stats.kstest(draws.sigma2, law.cdf).pvalue > 1e-3


def test_coefficients_and_response_are_jointly_normal(kept):
    draws, mean, covariance, _ = kept
    deviations = np.column_stack([draws.beta, draws.response]) - mean
    standard = np.linalg.solve(np.linalg.cholesky(covariance), deviations.T) / np.sqrt(draws.sigma2)
    assert np.abs(standard.mean(axis=1)).max() < 4 / np.sqrt(COUNT)
    # Variances have a standard error of sqrt(2 / COUNT), covariances of sqrt(1 / COUNT).
    np.testing.assert_allclose(np.cov(standard), np.eye(6), atol=4 * np.sqrt(2 / COUNT))
    for values in standard:
        assert stats.kstest(values, stats.norm.cdf).pvalue > 1e-3


def test_lambda_is_drawn_from_the_density_that_is_claimed():
    nodes = np.linspace(-4.0, 3.0, 12)
    proposal = LambdaProposal.from_log_density(nodes, np.sin(3 * nodes) - 0.3 * nodes**2 - 200)
    u = np.linspace(-4.0, 3.0, 11 * 400 + 1)  # every node is one of these, and the density linear between
    density = np.exp([proposal.log_density(x) for x in 0.5 * (u[1:] + u[:-1])])
    cumulative = np.concatenate([[0.0], np.cumsum(density * (u[1] - u[0]))])
    assert cumulative[-1] == pytest.approx(1.0, abs=1e-9)
    rng = np.random.default_rng(0)
    draws = [proposal.draw(rng) for _ in range(5000)]
    assert stats.kstest(draws, lambda x: np.interp(x, u, cumulative)).pvalue > 1e-3
    assert proposal.log_density(-4.01) == proposal.log_density(3.01) == -np.inf


def test_draws_do_not_hang_on_the_last_bit_of_a_covariance():
    """With equal eigenvalues the eigenvectors are arbitrary; the root that draws are made with is not."""
    rng = np.random.default_rng(1)
    low_rank = rng.normal(size=(6, 3))
    for covariance in (np.eye(6), low_rank @ low_rank.T, np.ones((6, 6))):
        root = symmetric_root(covariance)
        np.testing.assert_allclose(root @ root, covariance, atol=1e-12)
        nudge = 1e-15 * rng.normal(size=(6, 6))
        np.testing.assert_allclose(symmetric_root(covariance + nudge + nudge.T), root, atol=1e-6)
