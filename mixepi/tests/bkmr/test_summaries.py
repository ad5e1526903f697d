"""Summaries against the formulas written out draw by draw with dense algebra."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special, stats

from mixepi.bkmr import summaries
from mixepi.bkmr.contrasts import Contrast, Request, answer, mixture_quantile
from mixepi.bkmr.likelihood.solver import Solver
from mixepi.errors import SpecificationError
from tests.bkmr.support import naive


def by_hand(result, points):
    """Mean and covariance of h(points) for every draw, b integrated out."""
    model = result.model
    for chain in range(result.r.shape[0]):
        for t in range(result.r.shape[1]):
            r, lambda_ = result.r[chain, t], result.lambda_[chain, t]
            y = result.latent[chain, t] if result.latent.shape[2] else model.y
            both = np.vstack([model.z, points])
            k = lambda_ * naive_kernel(both, r)
            n = model.n
            v_inverse = np.linalg.inv(k[:n, :n] + np.eye(n))
            xv = model.X.T @ v_inverse
            beta_cov = np.linalg.inv(xv @ model.X)
            beta = beta_cov @ xv @ y
            gain = k[n:, :n] @ v_inverse
            loading = np.zeros((len(points), model.X.shape[1]))
            loading[:, 0] = 1.0
            tilt = loading - gain @ model.X
            mean = loading @ beta + gain @ (y - model.X @ beta)
            cov = k[n:, n:] - gain @ k[:n, n:] + tilt @ beta_cov @ tilt.T
            yield mean, result.sigma2[chain, t] * cov


def joint_by_hand(result, points):
    """Mean and covariance of (b, h(points)) for every draw, in units of sigma2, and sigma2."""
    model, n = result.model, result.model.n
    for chain, t in np.ndindex(result.lambda_.shape):
        k = result.lambda_[chain, t] * naive_kernel(np.vstack([model.z, points]), result.r[chain, t])
        v = k[:n, :n] + np.eye(n)
        if model.cluster is not None:
            v += result.cluster_variance[chain, t] * (model.cluster[:, None] == model.cluster)
        y = result.latent[chain, t] if result.latent.shape[2] else model.y
        mean, covariance, _ = naive.conditional(y, model.X, v, k[n:, :n], k[n:, n:])
        yield mean, covariance, result.sigma2[chain, t]


def naive_kernel(z, r):
    return np.exp(-((z[:, None] - z[None]) ** 2 @ r))


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_overall_effect_is_the_exact_mixture(request, family):
    result = request.getfixturevalue(family)
    points = np.quantile(result.model.z, [0.25, 0.75, 0.5], axis=0)
    contrast = np.array([[1.0, 0, -1], [0, 1, -1]])
    means, variances = [], []
    for mean, cov in by_hand(result, points):
        means.append(contrast @ mean)
        variances.append(np.diag(contrast @ cov @ contrast.T))
    means, variances = np.array(means), np.maximum(variances, 0)
    table = result.overall(quantiles=(0.25, 0.75))
    np.testing.assert_allclose(table["estimate"], means.mean(0), atol=2e-6)
    np.testing.assert_allclose(table["std_error"], np.sqrt(variances.mean(0) + means.var(0)), atol=2e-5)


def test_univariate_curves_are_centred_contrasts(gaussian):
    table = gaussian.univariate(grid=5)
    np.testing.assert_allclose(table.groupby("exposure")["estimate"].mean(), 0, atol=1e-9)
    first = table[table["exposure"] == "pb"]
    points = np.tile(np.quantile(gaussian.model.z, 0.5, axis=0), (5, 1))
    points[:, 0] = first["z"]
    means = np.array([mean - mean.mean() for mean, _ in by_hand(gaussian, points)])
    np.testing.assert_allclose(first["estimate"], means.mean(0), atol=2e-6)


def test_interaction_is_the_difference_of_single_effects(gaussian):
    single = gaussian.single().pivot(index="exposure", columns="fixed", values="estimate")
    table = gaussian.interactions().set_index("exposure")["estimate"]
    np.testing.assert_allclose(table, (single[0.75] - single[0.25]).loc[table.index], atol=1e-9)


def test_bivariate_marks_points_far_from_data(gaussian):
    table = gaussian.bivariate(pairs=[("pb", "cd")], grid=8)
    z = gaussian.model.z[:, :2]
    gaps = np.array([np.sqrt(((z - p) ** 2).sum(1)).min() for p in table[["z_1", "z_2"]].to_numpy()])
    np.testing.assert_array_equal(table["estimate"].isna(), gaps > 0.5)
    assert 0 < table["estimate"].isna().sum() < 64


def test_mixture_quantile_inverts_the_mixture():
    rng = np.random.default_rng(0)
    means, sds = rng.normal(size=(50, 1)), rng.uniform(0.1, 2, size=(50, 1))
    for p in (0.025, 0.5, 0.975):
        expected = optimize.brentq(lambda x, p=p: special.ndtr((x - means) / sds).mean() - p, -20, 20)
        assert mixture_quantile(means, sds, p)[0] == pytest.approx(expected, abs=1e-8)


def test_predictions_at_the_data_are_the_smoothed_outcome(gaussian, people):
    table = gaussian.predict(people.iloc[:6])
    model = gaussian.model
    fitted = []
    for mean, _ in by_hand(gaussian, model.z[:6]):
        fitted.append(mean)
    # h alone differs from the prediction by x'b, whose posterior mean is that of the draws.
    offset = model.X[:6, 1:] @ gaussian.beta.reshape(-1, model.X.shape[1])[:, 1:].mean(0)
    np.testing.assert_allclose(table["estimate"], np.mean(fitted, axis=0) + offset, atol=0.03)


def test_probability_scale(binomial, people):
    table = binomial.overall(quantiles=(0.25, 0.75), scale="probability")
    assert table["estimate"].between(-1, 1).all()
    assert (table["scale"] == "probability").all()
    risk = binomial.predict(people, scale="probability")
    assert risk["estimate"].between(0, 1).all()
    assert risk["estimate"].mean() == pytest.approx(people["osteo"].mean(), abs=0.06)


@pytest.fixture(scope="module")
def clustered(binomial):
    """The probit's draws, each twelve times, with a random intercept and a strong effect of a covariate."""
    model = replace(binomial.model, cluster=np.arange(100) % 20)
    shift = 2.0 * stats.zscore(model.X[:, 1])
    arrays = {name: np.repeat(value, 12, axis=1) for name, value in binomial.arrays().items()}
    arrays["latent"] = arrays["latent"] + shift
    arrays["cluster_variance"] = np.full_like(arrays["cluster_variance"], 0.8)
    unique = replace(
        binomial,
        model=model,
        latent=binomial.latent + shift,
        cluster_variance=np.full_like(binomial.cluster_variance, 0.8),
    )
    return unique, replace(binomial, model=model, **arrays)


def probabilities(load, mean, covariance, rng, count=60):
    """Phi(eta / sqrt(1 + 0.8)) for draws of eta = load (b, h), shape (count, rows)."""
    draws = rng.multivariate_normal(mean, covariance, size=count, check_valid="ignore")
    return special.ndtr(draws @ load.T / np.sqrt(1.0 + 0.8))


def agree_with_draws(table, draws):
    """Mean and sd of `draws`, shape (many, rows), against a summary of 960."""
    assert np.all(np.abs(table.estimate - draws.mean(0)) < 4 * draws.std(0) / np.sqrt(960))
    np.testing.assert_allclose(table.std_error, draws.std(0), rtol=0.1, atol=0.004)
    np.testing.assert_allclose(table.conf_low, np.quantile(draws, 0.025, axis=0), atol=0.05)


def test_risks_are_averages_over_rows_and_draws(clustered):
    """Of Phi((x'b + h) / sqrt(1 + lambda_2)), (b, h) drawn by textbook formulas."""
    unique, repeated = clustered
    points = np.quantile(unique.model.z, [0.25, 0.75], axis=0)
    X = unique.model.X
    loads = [np.column_stack([X, np.tile(row, (len(X), 1))]) for row in np.eye(2)]
    rng = np.random.default_rng(0)
    draws = [
        probabilities(np.vstack(loads), mean, cov, rng).reshape(-1, 2, len(X)).mean(axis=2)
        for mean, cov, _ in joint_by_hand(unique, points)
    ]
    request = Request([Contrast(points, np.eye(2))], "probability", lambda found: found[0])
    found = answer(repeated, [request], 960)[0]
    agree_with_draws(found, np.concatenate(draws))
    contrast = repeated.overall(quantiles=(0.25,), fixed=0.75, scale="probability", draws=960)
    assert contrast["estimate"][0] == pytest.approx(found.estimate[0] - found.estimate[1], abs=1e-9)


@pytest.fixture(scope="module")
def strangers(people):
    """Nobody of the training data."""
    return (people.iloc[:7] * 1.03).assign(pb=people["pb"].iloc[20:27].to_numpy(), smoke=1.0)


def rows_by_hand(result, strangers):
    z, n = result.scaler.transform(strangers), len(strangers)
    x = np.column_stack([np.ones(n), strangers[list(result.spec.covariates)]])
    load = np.column_stack([x, np.eye(n)])
    return load, list(joint_by_hand(result, z))


def test_predictions_for_new_rows_are_the_exact_mixture(gaussian, strangers):
    load, draws = rows_by_hand(gaussian, strangers)
    means = np.array([load @ mean for mean, _, _ in draws])
    sds = np.sqrt([sigma2 * np.diag(load @ cov @ load.T) for _, cov, sigma2 in draws])
    table = gaussian.predict(strangers)
    np.testing.assert_allclose(table["estimate"], means.mean(0), atol=1e-5)
    np.testing.assert_allclose(table["std_error"], np.sqrt((sds**2).mean(0) + means.var(0)), atol=1e-4)
    for column, p in (("conf_low", 0.025), ("conf_high", 0.975)):
        below = special.ndtr((table[column].to_numpy() - means) / sds).mean(0)
        np.testing.assert_allclose(below, p, atol=1e-4)


def test_predicted_probabilities_are_averages_over_draws(clustered, strangers):
    unique, repeated = clustered
    load, draws = rows_by_hand(unique, strangers)
    rng = np.random.default_rng(0)
    expected = np.concatenate([probabilities(load, mean, cov, rng) for mean, cov, _ in draws])
    agree_with_draws(repeated.predict(strangers, scale="probability", draws=960), expected)


@pytest.mark.parametrize("scale", ["link", "probability"])
def test_predictions_do_not_depend_on_the_blocks(monkeypatch, binomial, strangers, scale):
    whole = binomial.predict(strangers, scale=scale)
    monkeypatch.setattr(summaries, "BLOCK", 3)
    pd.testing.assert_frame_equal(binomial.predict(strangers, scale=scale), whole, rtol=1e-9)


def test_scales_are_checked_before_any_work(monkeypatch, gaussian, binomial, people):
    def nothing(*_):
        raise AssertionError("worked first")

    monkeypatch.setattr(Solver, "posterior", nothing)
    for table in (lambda f, s: f.predict(people, scale=s), lambda f, s: f.overall(scale=s)):
        with pytest.raises(SpecificationError, match="link, probability, found 'response'"):
            table(binomial, "response")
        with pytest.raises(SpecificationError, match="scale='link' for family='gaussian'"):
            table(gaussian, "probability")


def test_curves_on_the_probability_scale_follow_the_link(binomial):
    one = binomial.overall(quantiles=(0.1, 0.9))["estimate"]
    two = binomial.overall(quantiles=(0.1, 0.9), scale="probability")["estimate"]
    assert np.sign(one[1] - one[0]) == np.sign(two[1] - two[0])


def test_the_naive_kernel_here_is_the_naive_kernel_there():
    z = np.random.default_rng(0).normal(size=(4, 2))
    r = np.array([0.3, 1.0])
    np.testing.assert_allclose(naive_kernel(z, r), naive.kernel(z, r))


def test_tables_asked_for_together_are_those_asked_for_alone(binomial):
    requests = [("univariate", {"grid": 4}), ("overall", {"scale": "probability"}), ("single", {})]
    together = binomial.summaries(*requests, draws=50)
    for (name, options), table in zip(requests, together, strict=True):
        pd.testing.assert_frame_equal(table, getattr(binomial, name)(draws=50, **options))
