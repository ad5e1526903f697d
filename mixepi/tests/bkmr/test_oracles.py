"""Deterministic output of R's bkmr, stored in tests/fixtures/bkmr, computed anew."""

import numpy as np
import pandas as pd
import pytest
from scipy import linalg

from mixepi import BKMR, BKMRResult, ChainOptions
from mixepi.bkmr.design import build
from mixepi.bkmr.likelihood import dense, low_rank
from mixepi.bkmr.likelihood.kernel import kernel_between
from mixepi.bkmr.model.priors import InverseGammaPrior
from mixepi.bkmr.model.projected_data import NoiseModel, ProjectedData
from tests.bkmr.support.fits import METALS
from tests.support.paths import FIXTURES

ORACLES = FIXTURES / "bkmr"
COVARIATES = ["age", "bmi", "pir", "race_nhb", "race_hisp", "race_oth", "smoke", "active"]


def stored(name):
    return pd.read_csv(ORACLES / f"{name}.csv")


@pytest.fixture(scope="module")
def design905():
    frame = stored("bkmr_det_design905")
    return frame.filter(like="Z.").to_numpy(), frame[COVARIATES].to_numpy(), frame["y"].to_numpy()


def parameters(case, knots):
    row = stored("bkmr_det_lik").query("case == @case and knots == @knots").iloc[0]
    return row, row[[f"r{m}" for m in range(1, 6)]].to_numpy(dtype=float)


def test_random_intercept(design905):
    """log |V| and y' V^-1 y with V = I + lambda K + lambda_2 T T', T the strata; the kernel of case 1."""
    z, _, y = design905
    row = stored("bkmr_det_randint").iloc[0]
    data = ProjectedData(
        y=y,
        X=np.empty((905, 0)),
        noise=NoiseModel(InverseGammaPrior()),
        cluster=stored("bkmr_det_stratum905")["stratum"].to_numpy() - 1,
        cluster_variance=row["lambda2"],
    )
    r = parameters(1, False)[1]
    factor = low_rank.factorise(np.ascontiguousarray(z.T), r, max_rank=905, trace=1e-10)
    likelihood = low_rank.likelihood(factor, data)
    assert likelihood.quadratic(row["lambda1"]) == pytest.approx(row["quad_y"], rel=1e-9)
    assert -likelihood.log_determinant(row["lambda1"]) == pytest.approx(row["logdetVinv"], rel=1e-9)
    noise = data.noise.log_density(row["quad_y"], -row["logdetVinv"], 905)
    assert dense.log_likelihood(np.ascontiguousarray(z.T), r, row["lambda1"], data) == pytest.approx(noise)


@pytest.mark.parametrize("case", [1, 2, 3, 4])
def test_knots(design905, case):
    """With bkmr's factor of the kernel (0.001 added at the knots) the low-rank algebra gives its numbers."""
    z, X, y = design905
    row, r = parameters(case, True)
    knots = stored("bkmr_det_knots50").to_numpy()
    at_knots = np.linalg.cholesky(kernel_between(knots, knots, r) + 0.001 * np.eye(len(knots)))
    rows = linalg.solve_triangular(at_knots, kernel_between(knots, z, r), lower=True)
    factor = low_rank.Factor(
        r=r, rows=rows, pivots=np.arange(len(knots)), residual=np.zeros(905), complete=True
    )
    data = ProjectedData(y=y, X=X, noise=NoiseModel(InverseGammaPrior()))
    fit = low_rank.posterior(factor, data, row["lambda"])
    assert fit.quadratic == pytest.approx(row["quad"], rel=1e-6)
    beta = row[[f"betahat{j}" for j in range(1, 9)]].to_numpy(dtype=float)
    np.testing.assert_allclose(fit.mean[:8], beta, rtol=1e-6)
    # The features' block of the precision is I + lambda G'G, of the same determinant as V.
    features = ProjectedData(y=y, X=np.empty((905, 0)), noise=data.noise)
    root = low_rank.posterior(factor, features, row["lambda"]).root
    assert -2 * np.log(np.diag(root)).sum() == pytest.approx(row["logdetVinv"], rel=1e-6)
    # h at new points given bhat, as bkmr computes it: of the knots' features alone.
    z_new = stored("bkmr_det_Znew").to_numpy()
    known = ProjectedData(y=y - X @ beta, X=np.empty((905, 0)), noise=data.noise)
    weights = low_rank.posterior(factor, known, row["lambda"])
    new = linalg.solve_triangular(at_knots, kernel_between(knots, z_new, r), lower=True)
    new = np.sqrt(row["lambda"]) * new.T
    expected = stored("bkmr_det_hnew").query("case == @case and knots")
    np.testing.assert_allclose(new @ weights.mean, expected["mean"], rtol=0, atol=1e-8)
    covariance = row["s2"] * new @ linalg.cho_solve((weights.root, False), new.T)
    np.testing.assert_allclose(covariance, expected[["X1", "X2", "X3", "X4"]], rtol=0, atol=1e-10)


def plugged_in(stem):
    """A result whose every draw is the posterior mean, as in bkmr's `method="approx"`."""
    frame = stored("sim2000_first250")
    for name in ("age", "bmi", "pir", "bmd_fn"):
        frame[name] = (frame[name] - frame[name].mean()) / frame[name].std()
    mean = stored(f"bkmr250_{stem}_c1_ests").set_index("param")["mean"]
    y = frame["bmd_fn"] if stem == "gauss" else stored("bkmr250_binom_c1_ystar_mean")["ystar_mean"]
    beta = mean.filter(like="beta").to_numpy()
    r = mean[[f"r{m}" for m in range(1, 6)]].to_numpy()
    spec = BKMR(outcome="left", exposures=METALS, log=True, intercept="kernel", solver="dense")
    model, scaler = build(spec, frame.assign(left=y - frame[COVARIATES].to_numpy() @ beta))
    one = np.ones((1, 2))  # the same draw twice: one alone has no spread
    return BKMRResult(
        r=np.tile(r, (1, 2, 1)),
        lambda_=one * mean["lambda"],
        sigma2=one * mean["sigsq.eps"],
        cluster_variance=0 * one,
        log_likelihood=0 * one,
        beta=np.zeros((1, 2, 0)),
        response=np.zeros((1, 2, 10)),
        latent=np.zeros((1, 2, 0)),
        rank=np.full((1, 2), 250),
        approximate=0 * one,
        spec=spec,
        options=ChainOptions(chains=1),
        seed=1,
        scaler=scaler,
        model=model,
        monitors=model.z[:10],
        attempts={},
        accepted={},
        evaluations=0,
        seconds=0.0,
    )


@pytest.fixture(scope="module")
def plugged():
    return {stem: plugged_in(stem) for stem in ("gauss", "binom")}


def agrees(table, expected, error="sd"):
    np.testing.assert_allclose(table["estimate"], expected["est"], atol=1e-7)
    np.testing.assert_allclose(table["std_error"], expected[error], atol=1e-7)


@pytest.mark.parametrize("stem", ["gauss", "binom"])
def test_overall_risk_summaries(plugged, stem):
    expected = stored(f"bkmr250_{stem}_c1_overall_approx")
    agrees(plugged[stem].overall(quantiles=tuple(expected["quantile"])), expected)


@pytest.mark.parametrize("stem", ["gauss", "binom"])
def test_univariate_response(plugged, stem):
    """bkmr centres the estimate but not its standard error."""
    expected = stored(f"bkmr250_{stem}_c1_univar_approx")
    table = plugged[stem].univariate()
    assert list(table["exposure"]) == list(expected["variable"])
    np.testing.assert_allclose(table["z"], expected["z"], atol=1e-9)
    agrees(table.assign(std_error=plugged[stem].univariate(center=False)["std_error"]), expected, "se")


def test_bivariate_response(plugged):
    expected = stored("bkmr250_gauss_c1_bivar12_approx")
    table = plugged["gauss"].bivariate(pairs=[("pb", "cd")], grid=10, min_distance=1.0)
    np.testing.assert_allclose(table[["z_1", "z_2"]], expected[["z1", "z2"]], atol=1e-9)
    np.testing.assert_array_equal(table["estimate"].isna(), expected["est"].isna())
    np.testing.assert_allclose(table["estimate"], expected["est"], atol=1e-7)


def test_single_exposure_and_interaction_summaries(plugged):
    expected = stored("bkmr250_gauss_c1_singvar_approx")
    table = plugged["gauss"].single().set_index(["fixed", "exposure"])
    agrees(table.loc[list(zip(expected["q.fixed"], expected["variable"], strict=True))], expected)
    expected = stored("bkmr250_gauss_c1_singvarint_approx")
    agrees(plugged["gauss"].interactions().set_index("exposure").loc[expected["variable"]], expected)
