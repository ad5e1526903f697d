"""Every solver against textbook densities, and the certificate against the true error."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from mixepi.bkmr.likelihood import dense, fitc, low_rank
from mixepi.bkmr.likelihood.solver import LARGEST_DENSE, Solver
from mixepi.bkmr.model.priors import InverseGammaPrior
from mixepi.bkmr.model.projected_data import NoiseModel, ProjectedData
from tests.bkmr.support import naive
from tests.support.paths import FIXTURES

ORACLES = FIXTURES / "bkmr"
R = np.array([0.3, 0.0, 0.05])
LAMBDA = 1.7


def problem(n=14, p=2, seed=3, **options):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 3))
    X = np.column_stack([np.ones(n), rng.normal(size=(n, p))])[:, :p]
    y = rng.normal(size=n) + z[:, 0]
    noise = options.pop("noise", NoiseModel(InverseGammaPrior(2.0, 1.5)))
    return z, ProjectedData(y=y, X=X, noise=noise, **options)


def values(z, data):
    zt = np.ascontiguousarray(z.T)
    factor = low_rank.factorise(zt, R, max_rank=len(z), trace=1e-13)
    return {
        "dense": dense.log_likelihood(zt, R, LAMBDA, data),
        "lowrank": low_rank.likelihood(factor, data).at(LAMBDA),
        "fitc with every observation": fitc.log_likelihood(factor, data, LAMBDA),
    }


def covariance(z, data):
    v = np.diag(np.ones(len(z)) if data.root_weights is None else data.root_weights**-2.0)
    v = v + LAMBDA * naive.kernel(z, R)
    if data.cluster is not None:
        v = v + data.cluster_variance * (data.cluster[:, None] == data.cluster[None, :])
    return v


OPTIONS = {
    "plain": {},
    "weights": {"root_weights": np.linspace(0.4, 1.5, 14)},
    "cluster": {"cluster": np.arange(14) % 4, "cluster_variance": 0.6},
    "both": {
        "root_weights": np.linspace(0.4, 1.5, 14),
        "cluster": np.arange(14) % 4,
        "cluster_variance": 0.6,
    },
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_no_covariates_is_a_multivariate_t(options):
    z, data = problem(p=0, **options)
    expected = naive.log_t(data.y, covariance(z, data), 2.0, 1.5)
    for name, value in values(z, data).items():
        assert value == pytest.approx(expected, abs=1e-8), name


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
@pytest.mark.parametrize("fixed", [False, True], ids=["sigma2 integrated out", "sigma2 = 1"])
def test_flat_coefficient_is_integrated_out(options, fixed):
    noise = NoiseModel(None if fixed else InverseGammaPrior(2.0, 1.5))
    z, data = problem(p=1, noise=noise, **options)
    v = covariance(z, data)

    def density(b):
        e = data.y - data.X[:, 0] * b
        return np.exp(stats.multivariate_normal.logpdf(e, cov=v) if fixed else naive.log_t(e, v, 2.0, 1.5))

    total = integrate.quad(density, -60, 60, points=[-2, 0, 2], limit=400, epsabs=0, epsrel=1e-10)[0]
    for name, value in values(z, data).items():
        assert value == pytest.approx(np.log(total), abs=1e-6), name


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    lambda_=st.floats(1e-3, 100),
    rank=st.integers(1, 14),
    fixed=st.booleans(),
)
def test_the_certificate_bounds_the_error(seed, lambda_, rank, fixed):
    z, data = problem(seed=seed, noise=NoiseModel(None if fixed else InverseGammaPrior()))
    zt = np.ascontiguousarray(z.T)
    truth = dense.log_likelihood(zt, R, lambda_, data)
    rows, pivots, residual = low_rank.pivoted_cholesky(zt, R, max_rank=rank, tolerance=0.0)
    # Declared complete although stopped early: the bound must hold at any rank.
    factor = low_rank.Factor(r=R, rows=rows, pivots=pivots, residual=residual, complete=True)
    likelihood = low_rank.likelihood(factor, data)
    assert abs(likelihood.at(lambda_) - truth) <= likelihood.error_bound(lambda_) + 1e-8


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_certificate_of_the_probit_bounds_the_error(seed, rank):
    """An orthant's probability under V, and under the kernel's factor alone."""
    rng = np.random.default_rng(seed)
    z, lambda_, r = rng.normal(size=(5, 2)), 3.0, np.array([0.1, 0.3])
    signs = np.where(rng.random(5) < 0.5, -1.0, 1.0)
    rows, _, residual = low_rank.pivoted_cholesky(np.ascontiguousarray(z.T), r, max_rank=rank, tolerance=0.0)

    def log_probability(kernel):
        covariance = (np.eye(5) + lambda_ * kernel) * np.outer(signs, signs)
        law = stats.multivariate_normal(np.zeros(5), covariance, seed=1, abseps=1e-7, maxpts=500_000)
        return np.log(law.cdf(np.zeros(5)))

    epsilon = lambda_ * residual.sum()
    error = log_probability(naive.kernel(z, r)) - log_probability(rows.T @ rows)
    assert -0.5 * epsilon - 1e-5 <= error <= 2.5 * np.log1p(epsilon) + 1e-5
    assert abs(error) > 1e-4


@pytest.mark.parametrize("shape", [0.001, 60.0])
def test_a_strong_prior_of_sigma2_tightens_the_factor(shape):
    model = naive.model(n=60, m=3)
    model = replace(model, priors=replace(model.priors, sigma2=InverseGammaPrior(shape, 1.0)))
    r, tolerance = np.array([0.02, 0.0, 0.0]), 1e-4
    factor = Solver("lowrank", tolerance, 20).factor(model, r, 1.0)
    assert factor.complete
    bound = low_rank.likelihood(factor, model.projected()).error_bound(1.0)
    assert bound <= tolerance


def test_tolerance_is_met_and_dense_is_the_fallback():
    rng = np.random.default_rng(0)
    model = naive.model(n=60, m=3)
    data = model.projected()
    solver = Solver("lowrank", 1e-5, 20)
    seen = set()
    for _ in range(30):
        r = np.where(rng.random(3) < 0.5, model.priors.r.quantile(rng.random(3)), 0.0)
        lambda_ = float(rng.exponential(10))
        found = solver.evaluate(model, r, lambda_, data)
        exact = dense.log_likelihood(model.zt, r, lambda_, data)
        assert found.log_likelihood == pytest.approx(exact, abs=1.1e-5)
        seen.add(found.method)
    assert {"lowrank", "dense"} <= seen


def test_beyond_dense_a_high_rank_falls_back_to_fitc(monkeypatch):
    monkeypatch.setitem(LARGEST_DENSE, "gaussian", 10)
    monkeypatch.setattr("mixepi.bkmr.likelihood.solver.LARGE_RANK", 15)
    model = naive.model(n=30, m=2)
    solver = Solver("lowrank", 1e-3, 20)
    smooth = solver.evaluate(model, np.array([0.01, 0.0]), 1.0, model.projected())
    high_rank = solver.evaluate(model, np.array([500.0, 500.0]), 1.0, model.projected())
    assert (smooth.method, high_rank.method) == ("lowrank", "fitc")
    # Where the kernel is nearly the identity, what fitc keeps (the diagonal) is nearly everything.
    exact = dense.log_likelihood(model.zt, np.array([500.0, 500.0]), 1.0, model.projected())
    assert high_rank.log_likelihood == pytest.approx(exact, abs=0.05)


def test_posteriors_of_the_solvers_agree():
    z, data = problem()
    zt = np.ascontiguousarray(z.T)
    z_new = np.random.default_rng(9).normal(size=(4, 3))
    factor = low_rank.factorise(zt, R, max_rank=14, trace=1e-13)
    one, two = dense.posterior(zt, R, LAMBDA, data), low_rank.posterior(factor, data, LAMBDA)
    assert one.quadratic == pytest.approx(two.quadratic, abs=1e-9)
    for a, b in zip(one.joint(z_new, z), two.joint(z_new, z), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-7)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
@pytest.mark.parametrize("solver", ["dense", "lowrank"])
def test_joint_posterior_with_weights_and_clusters(options, solver):
    z, data = problem(**options)
    zt = np.ascontiguousarray(z.T)
    z_new = np.random.default_rng(9).normal(size=(3, 3))
    k = LAMBDA * naive.kernel(np.vstack([z, z_new]), R)
    mean, cov, quadratic = naive.conditional(data.y, data.X, covariance(z, data), k[14:, :14], k[14:, 14:])
    factor = low_rank.factorise(zt, R, max_rank=14, trace=1e-13)
    fit = {
        "dense": lambda: dense.posterior(zt, R, LAMBDA, data),
        "lowrank": lambda: low_rank.posterior(factor, data, LAMBDA),
    }[solver]()
    found_mean, found_cov = fit.joint(z_new, z)
    assert fit.quadratic == pytest.approx(quadratic, abs=1e-8)
    np.testing.assert_allclose(found_mean, mean, atol=1e-7)
    np.testing.assert_allclose(found_cov, cov, atol=1e-7)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
@pytest.mark.parametrize("fixed", [False, True], ids=["sigma2 integrated out", "sigma2 = 1"])
def test_fitc_is_the_model_with_its_own_covariance(options, fixed):
    """Four pivots: K is the pivots' kernel interpolated, with ones put back on the diagonal."""
    z, data = problem(noise=NoiseModel(None if fixed else InverseGammaPrior(2.0, 1.5)), **options)
    z_new = np.random.default_rng(9).normal(size=(3, 3))
    factor = low_rank.factorise(np.ascontiguousarray(z.T), R, max_rank=4, trace=0.0)
    k = naive.kernel(np.vstack([z, z_new]), R)
    pivots = factor.pivots
    interpolated = k[:, pivots] @ np.linalg.inv(k[np.ix_(pivots, pivots)]) @ k[pivots]
    kept = interpolated[:14, :14].copy()
    assert np.abs(k[:14, :14] - kept).max() > 0.01
    np.fill_diagonal(kept, 1.0)
    v = covariance(z, data) + LAMBDA * (kept - k[:14, :14])
    # A flat b leaves the density of the outcome off the covariates, over the root of |X'X|.
    basis = np.linalg.svd(data.X)[0][:, data.X.shape[1] :]
    y, rotated = basis.T @ data.y, basis.T @ v @ basis
    density = stats.multivariate_normal.logpdf(y, cov=rotated) if fixed else naive.log_t(y, rotated, 2.0, 1.5)
    expected = density - 0.5 * np.linalg.slogdet(data.X.T @ data.X)[1]
    assert fitc.log_likelihood(factor, data, LAMBDA) == pytest.approx(expected, abs=1e-8)
    cross, prior = LAMBDA * interpolated[14:, :14], LAMBDA * k[14:, 14:]
    mean, cov, _ = naive.conditional(data.y, data.X, v, cross, prior)
    found_mean, found_cov = fitc.posterior(factor, data, LAMBDA).joint(z_new, z)
    np.testing.assert_allclose(found_mean, mean, atol=1e-8)
    np.testing.assert_allclose(found_cov, cov, atol=1e-8)


def test_posterior_is_the_conditional_normal():
    """(b, h) given y with b ~ N(0, 1e5 I), by conditioning one big normal."""
    z, data = problem()
    z_new = np.random.default_rng(9).normal(size=(3, 3))
    both = np.vstack([z, z_new])
    k = LAMBDA * naive.kernel(both, R)
    n, p = data.X.shape
    big = 1e5
    joint_y = k[:n, :n] + np.eye(n) + big * data.X @ data.X.T
    cross = np.vstack([big * data.X.T, k[n:, :n]])
    prior = np.block([[big * np.eye(p), np.zeros((p, 3))], [np.zeros((3, p)), k[n:, n:]]])
    gain = cross @ np.linalg.inv(joint_y)
    mean, cov = dense.posterior(np.ascontiguousarray(z.T), R, LAMBDA, data).joint(z_new, z)
    np.testing.assert_allclose(mean, gain @ data.y, atol=1e-3)
    np.testing.assert_allclose(cov, prior - gain @ cross.T, atol=1e-3)


@pytest.fixture(scope="module")
def design905():
    frame = pd.read_csv(ORACLES / "bkmr_det_design905.csv")
    z = frame.filter(like="Z.").to_numpy()
    return z, frame.iloc[:, 1:9].to_numpy(), frame["y"].to_numpy()


@pytest.mark.parametrize("case", [1, 2, 3, 4])
def test_stored_pieces_of_bkmr(design905, case):
    """log |V|, quadratic form, bhat, mean and covariance of h computed by R's bkmr; 1e-10 relative."""
    z, X, y = design905
    row = pd.read_csv(ORACLES / "bkmr_det_lik.csv").query("case == @case and not knots").iloc[0]
    r = row[[f"r{m}" for m in range(1, 6)]].to_numpy(dtype=float)
    data = ProjectedData(y=y, X=X, noise=NoiseModel(InverseGammaPrior()))
    zt = np.ascontiguousarray(z.T)
    fit = dense.posterior(zt, r, row["lambda"], data)
    assert -2 * np.log(np.diag(fit.root)).sum() == pytest.approx(row["logdetVinv"], rel=1e-10)
    assert fit.quadratic == pytest.approx(row["quad"], rel=1e-10)
    beta = row[[f"betahat{j}" for j in range(1, 9)]].to_numpy(dtype=float)
    np.testing.assert_allclose(fit.beta, beta, rtol=1e-9)
    solver = low_rank.factorise(zt, r, max_rank=905, trace=low_rank.trace_tolerance(1e-6, 905 / 2, 10.0))
    exact = dense.log_likelihood(zt, r, row["lambda"], data)
    assert low_rank.likelihood(solver, data).at(row["lambda"]) == pytest.approx(exact, abs=1e-6)
    # h at new points given bhat, as bkmr computes it.
    known = ProjectedData(y=y - X @ beta, X=np.empty((905, 0)), noise=data.noise)
    stored = pd.read_csv(ORACLES / "bkmr_det_hnew.csv").query("case == @case and not knots")
    z_new = pd.read_csv(ORACLES / "bkmr_det_Znew.csv").to_numpy()
    mean, cov = dense.posterior(zt, r, row["lambda"], known).joint(z_new, z)
    np.testing.assert_allclose(mean, stored["mean"], rtol=0, atol=1e-10)
    np.testing.assert_allclose(row["s2"] * cov, stored[["X1", "X2", "X3", "X4"]], rtol=0, atol=1e-10)
