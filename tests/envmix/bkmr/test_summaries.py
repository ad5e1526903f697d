"""Summaries against the formulas written out draw by draw with dense algebra."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special

from envmix.bkmr.summaries import mixture_quantile
from envmix.errors import SpecificationError

from . import naive


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


def test_probability_scale(binomial, gaussian, people):
    table = binomial.overall(quantiles=(0.25, 0.75), scale="probability")
    assert table["estimate"].between(-1, 1).all()
    assert (table["scale"] == "probability").all()
    risk = binomial.predict(people, scale="probability")
    assert risk["estimate"].between(0, 1).all()
    assert risk["estimate"].mean() == pytest.approx(people["osteo"].mean(), abs=0.06)
    with pytest.raises(SpecificationError, match="scale='link'"):
        gaussian.overall(scale="probability")


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
