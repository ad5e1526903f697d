"""The solver: brute force, optimality conditions, agreement with statsmodels, invariances."""

from itertools import product

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from mixepi.errors import EstimationError, SeparationError
from mixepi.glm.constrained import fit_constrained, fit_glm, fit_resamples

FAMILIES = ["gaussian", "binomial", "poisson", "negative_binomial"]


def problem(family, seed, n=80, K=4, c=2):
    generator = np.random.default_rng(seed)
    Q = generator.integers(0, 4, size=(n, K)).astype(float)
    Z = generator.normal(size=(n, c)) * [1.0, 20.0][:c] + [0.0, 50.0][:c]
    eta = 0.3 * Q @ generator.normal(size=K) + 0.3 * generator.normal(size=n)
    eta -= eta.mean()
    if family == "gaussian":
        y = eta + generator.normal(size=n)
    elif family == "binomial":
        y = (generator.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    else:
        rate = np.exp(eta + 0.7) * (
            generator.gamma(1.5, 1 / 1.5, size=n) if family == "negative_binomial" else 1.0
        )
        y = generator.poisson(rate).astype(float)
    w = generator.integers(0, 4, size=(1, n)) * generator.uniform(0.5, 2, size=n)
    return Q, Z, y, w


def solve(Q, Z, y, w, signs, family):
    return fit_constrained(
        Q, Z, y, w, np.asarray(signs), family=family, offset=np.zeros(y.size), residual_df=float(y.size - 4)
    )


def unconstrained(Q, Z, y, w, family, size=None):
    """Deviance and coefficients of Q by statsmodels."""
    keep = w > 0
    families = {
        "gaussian": sm.families.Gaussian,
        "binomial": sm.families.Binomial,
        "poisson": sm.families.Poisson,
        "negative_binomial": lambda: sm.families.NegativeBinomial(alpha=1 / size),
    }
    X = np.column_stack([np.ones(y.size), (Z - Z.mean(0)) / Z.std(0), Q])[keep]
    fit = sm.GLM(y[keep], X, family=families[family](), var_weights=w[keep]).fit(tol=1e-14, maxiter=200)
    return fit.deviance, np.asarray(fit.params)[1 + Z.shape[1] :]


def brute_force(Q, Z, y, w, signs, family, size=None):
    """Best feasible unconstrained fit over all subsets of exposures: the optimum has some active set."""
    best = np.inf
    for included in product([False, True], repeat=Q.shape[1]):
        chosen = np.array(included)
        deviance, theta = unconstrained(Q[:, chosen], Z, y, w, family, size)
        if np.all(theta * np.asarray(signs)[chosen] >= -1e-9):
            best = min(best, deviance)
    return best


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson"])
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("signs", [(1, 1, 1, 1), (-1, -1, -1, -1), (1, -1, 1, -1)])
def test_optimum_is_the_best_over_all_active_sets(family, seed, signs):
    Q, Z, y, w = problem(family, seed)
    found = solve(Q, Z, y, w, signs, family)
    assert found.deviances[0] == pytest.approx(brute_force(Q, Z, y, w[0], signs, family), rel=1e-9)
    assert np.all(found.coefficients[0] * signs >= 0)
    assert found.converged[0]


@pytest.mark.parametrize("seed", range(2))
def test_negative_binomial_is_optimal_in_coefficients_and_size(seed):
    Q, Z, y, w = problem("negative_binomial", seed, n=200)
    found = solve(Q, Z, y, w, (1, 1, 1, 1), "negative_binomial")
    size = found.sizes[0]
    best = brute_force(Q, Z, y, w[0], (1, 1, 1, 1), "negative_binomial", size)
    assert found.deviances[0] == pytest.approx(best, rel=1e-9)


def test_negative_binomial_without_constraints_is_that_of_statsmodels():
    Q, Z, y, _ = problem("negative_binomial", 5, n=400)
    X = np.column_stack([np.ones(400), Q, Z[:, :1]])
    fit = fit_glm(
        X, tuple("iabcdz"), y, family="negative_binomial", weights=np.ones(400), offset=np.zeros(400)
    )
    reference = sm.NegativeBinomial(y, X).fit(disp=0, method="newton", maxiter=200, tol=1e-14)
    np.testing.assert_allclose(fit.coefficients, reference.params[:-1], rtol=1e-6)
    assert 1 / fit.size == pytest.approx(reference.params[-1], rel=1e-6)


@given(
    st.sampled_from(FAMILIES),
    st.integers(0, 10_000),
    st.lists(st.sampled_from([-1, 0, 1, 2]), min_size=4, max_size=4),
)
@settings(max_examples=60, deadline=None)
def test_optimality_conditions_hold(family, seed, signs):
    Q, Z, y, w = problem(family, seed)
    found = solve(Q, Z, y, w, signs, family)
    assert found.kkt_violations[0] < 1e-6
    theta, asked = found.coefficients[0], np.array(signs)
    assert np.all(theta[asked == 1] >= 0)
    assert np.all(theta[asked == -1] <= 0)
    assert np.all(theta[asked == 2] == 0)


def score(Q, Z, y, w, theta):
    """Binomial score of theta at the best covariate coefficients, from statsmodels."""
    X = np.column_stack([np.ones(y.size), (Z - Z.mean(0)) / Z.std(0)])
    keep = w > 0
    fit = sm.GLM(
        y[keep], X[keep], family=sm.families.Binomial(), var_weights=w[keep], offset=(Q @ theta)[keep]
    ).fit(tol=1e-14)
    return Q[keep].T @ (w[keep] * (y[keep] - fit.fittedvalues))


def violation(theta, gradient):
    """Independent check of the conditions for theta >= 0."""
    return max(np.abs(gradient[theta > 0]).max(initial=0), gradient[theta == 0].max(initial=0), -theta.min())


def test_an_independent_check_accepts_the_optimum_and_catches_faults():
    Q, Z, y, w = problem("binomial", 3, n=300)
    theta = solve(Q, Z, y, w, (1, 1, 1, 1), "binomial").coefficients[0]
    assert violation(theta, score(Q, Z, y, w[0], theta)) < 1e-6
    assert (theta == 0).any()
    assert (theta > 0).any()
    moved = theta + 1e-4 * (theta > 0)
    assert violation(moved, score(Q, Z, y, w[0], moved)) > 1e-3
    wrong_sign = solve(Q, Z, y, w, (-1, -1, -1, -1), "binomial").coefficients[0]
    assert violation(wrong_sign, score(Q, Z, y, w[0], wrong_sign)) > 1e-3
    unweighted = solve(Q, Z, y, (w > 0).astype(float), (1, 1, 1, 1), "binomial").coefficients[0]
    assert violation(unweighted, score(Q, Z, y, w[0], unweighted)) > 1e-3


@pytest.mark.parametrize("family", FAMILIES)
def test_duplicated_rows_are_doubled_weights(family):
    Q, Z, y, _ = problem(family, 11)
    generator = np.random.default_rng(1)
    counts = generator.integers(0, 4, size=y.size)
    twice = np.repeat(np.arange(y.size), counts)
    by_weight = solve(Q, Z, y, counts[None].astype(float), (1, 1, 1, 1), family)
    by_rows = solve(Q[twice], Z[twice], y[twice], np.ones((1, twice.size)), (1, 1, 1, 1), family)
    np.testing.assert_allclose(by_weight.coefficients, by_rows.coefficients, atol=1e-7)
    assert by_weight.deviances[0] == pytest.approx(by_rows.deviances[0], rel=1e-10)


@pytest.mark.parametrize("family", FAMILIES)
def test_permuted_exposures_permute_coefficients_and_row_order_does_not_matter(family):
    Q, Z, y, w = problem(family, 12)
    base = solve(Q, Z, y, w, (1, 1, 1, 1), family)
    order = np.array([2, 0, 3, 1])
    np.testing.assert_allclose(
        solve(Q[:, order], Z, y, w, (1, 1, 1, 1), family).coefficients, base.coefficients[:, order], atol=1e-8
    )
    rows = np.random.default_rng(2).permutation(y.size)
    np.testing.assert_allclose(
        solve(Q[rows], Z[rows], y[rows], w[:, rows], (1, 1, 1, 1), family).coefficients,
        base.coefficients,
        atol=1e-8,
    )


def test_a_batch_is_the_same_as_single_fits():
    Q, Z, y, _ = problem("binomial", 4)
    generator = np.random.default_rng(3)
    weights = np.array(
        [np.bincount(generator.integers(0, y.size, y.size), minlength=y.size) for _ in range(8)], float
    )
    batch = solve(Q, Z, y, weights, (1, 1, 1, 1), "binomial")
    for b in range(8):
        single = solve(Q, Z, y, weights[b : b + 1], (1, 1, 1, 1), "binomial")
        np.testing.assert_allclose(batch.coefficients[b], single.coefficients[0], atol=1e-8)
        np.testing.assert_allclose(batch.index_std_errors[b], single.index_std_errors[0], rtol=1e-7)


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson"])
def test_index_coefficient_and_error_are_those_of_the_regression_on_the_index(family):
    Q, Z, y, _ = problem(family, 6)
    counts = np.random.default_rng(4).integers(0, 3, size=y.size)
    rows = np.repeat(np.arange(y.size), counts)
    found = fit_constrained(
        Q,
        Z,
        y,
        counts[None].astype(float),
        np.ones(4, dtype=int),
        family=family,
        offset=np.zeros(y.size),
        residual_df=float(rows.size - 4),
    )
    index = Q @ found.coefficients[0] / found.coefficients[0].sum()
    X = np.column_stack([np.ones(rows.size), index[rows], Z[rows]])
    fit = fit_glm(
        X, tuple("ixyz"), y[rows], family=family, weights=np.ones(rows.size), offset=np.zeros(rows.size)
    )
    assert found.index_coefficients[0, 0] == pytest.approx(fit.coefficients[1], rel=1e-7)
    assert found.index_std_errors[0, 0] == pytest.approx(np.sqrt(fit.covariance[1, 1]), rel=1e-7)


@pytest.mark.parametrize(
    ("family", "reference"),
    [
        ("gaussian", sm.families.Gaussian()),
        ("binomial", sm.families.Binomial()),
        ("poisson", sm.families.Poisson()),
        ("quasibinomial", sm.families.Binomial()),
        ("quasipoisson", sm.families.Poisson()),
    ],
)
def test_unconstrained_fit_is_that_of_statsmodels(family, reference):
    Q, Z, y, _ = problem(family.removeprefix("quasi"), 7, n=200)
    X = np.column_stack([np.ones(200), Q, Z])
    offset = 0.1 * np.sin(np.arange(200.0))
    weights = np.random.default_rng(1).uniform(0.5, 2, size=200)
    fit = fit_glm(X, tuple("iabcdyz"), y, family=family, weights=weights, offset=offset)
    scale = "X2" if family.startswith("quasi") else None
    expected = sm.GLM(y, X, family=reference, var_weights=weights, offset=offset).fit(tol=1e-14, scale=scale)
    np.testing.assert_allclose(fit.coefficients, expected.params, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), expected.bse, rtol=1e-7)
    assert fit.deviance == pytest.approx(expected.deviance, rel=1e-10)


def test_resampled_coefficients_are_single_fits():
    Q, Z, y, _ = problem("poisson", 8)
    X = np.column_stack([np.ones(y.size), Q, Z])
    weights = np.random.default_rng(5).integers(1, 4, size=(3, y.size)).astype(float)
    many, converged, separated = fit_resamples(X, y, weights, family="poisson", offset=np.zeros(y.size))
    assert converged.all()
    assert not separated.any()
    for b in range(3):
        one = fit_glm(X, tuple("iabcdyz"), y, family="poisson", weights=weights[b], offset=np.zeros(y.size))
        np.testing.assert_allclose(many[b], one.coefficients, atol=1e-8)


def test_a_column_constant_in_a_resample_does_no_harm():
    Q, Z, y, w = problem("binomial", 9)
    rare = np.zeros(y.size)
    rare[:2] = 1.0
    w[0, :2] = 0.0
    with_rare = solve(Q, np.column_stack([Z, rare]), y, w, (1, 1, 1, 1), "binomial")
    without = solve(Q, Z, y, w, (1, 1, 1, 1), "binomial")
    np.testing.assert_allclose(with_rare.coefficients, without.coefficients, atol=1e-8)
    np.testing.assert_allclose(with_rare.index_std_errors[0, 0], without.index_std_errors[0, 0], rtol=1e-7)


def test_separation_is_flagged_and_the_limit_found():
    Q, Z, y, _ = problem("binomial", 10)
    rare = np.zeros(y.size)
    rare[np.flatnonzero(y == 1)[:5]] = 1.0
    found = solve(Q, np.column_stack([Z, rare]), y, np.ones((1, y.size)), (1, 1, 1, 1), "binomial")
    assert found.separated[0]
    # In the limit the separated rows drop out.
    rest = solve(Q, Z, y, (1 - rare)[None], (1, 1, 1, 1), "binomial")
    # Columns are scaled by all rows in both fits, so only the flat direction differs.
    np.testing.assert_allclose(found.coefficients, rest.coefficients, atol=1e-5)
    X = np.column_stack([np.ones(y.size), rare, Z])
    with pytest.raises(SeparationError, match="5 of 80 rows predicted with certainty by rare"):
        fit_glm(
            X, ("i", "rare", "y", "z"), y, family="binomial", weights=np.ones(y.size), offset=np.zeros(y.size)
        )


def test_an_outlier_predicted_with_certainty_is_not_separation():
    generator = np.random.default_rng(3)
    z = generator.normal(size=400)
    y = (generator.random(400) < 1 / (1 + np.exp(-2 * z))).astype(float)
    z[0], y[0] = 25.0, 1.0
    X = np.column_stack([np.ones(400), z])
    fit = fit_glm(X, ("i", "z"), y, family="binomial", weights=np.ones(400), offset=np.zeros(400))
    assert abs(X[0] @ fit.coefficients) > 30
    reference = sm.GLM(y, X, family=sm.families.Binomial()).fit(tol=1e-12)
    np.testing.assert_allclose(fit.coefficients, reference.params, rtol=1e-6)
    found = solve(generator.normal(size=(400, 4)), z[:, None], y, np.ones((1, 400)), (1, 1, 1, 1), "binomial")
    assert not found.separated[0]


def test_aliased_terms_are_named():
    Q, _, y, _ = problem("gaussian", 1)
    X = np.column_stack([np.ones(80), Q[:, 0], Q[:, 1], Q[:, 0] + Q[:, 1]])
    with pytest.raises(EstimationError, match=r"linearly independent terms, found 'sum'"):
        fit_glm(X, ("i", "a", "b", "sum"), y, family="gaussian", weights=np.ones(80), offset=np.zeros(80))
    with pytest.raises(EstimationError, match="found 3 rows for 4 parameters"):
        fit_glm(
            X[:3], ("i", "a", "b", "sum"), y[:3], family="gaussian", weights=np.ones(3), offset=np.zeros(3)
        )


def test_collinear_exposures_reach_the_optimum():
    Q, Z, y, w = problem("binomial", 13)
    doubled = np.column_stack([Q, Q[:, 0]])
    found = solve(doubled, Z, y, w, np.ones(5, dtype=int), "binomial")
    base = solve(Q, Z, y, w, np.ones(4, dtype=int), "binomial")
    assert found.deviances[0] == pytest.approx(base.deviances[0], rel=1e-10)
