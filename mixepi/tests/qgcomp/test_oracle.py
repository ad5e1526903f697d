"""qgcomp 2.19.0 on sim905."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.support.paths import FIXTURES

from mixepi import QGComp, fit_qgcomp, fit_qgcomp_bootstrap, fit_qgcomp_sandwich
from mixepi.qgcomp.data import qgcomp_data

BINOMIAL = QGComp(
    outcome="osteo",
    exposures=("pb", "cd", "hg", "se", "mn"),
    covariates=("age", "bmi", "pir", "race_nhb", "race_hisp", "race_oth", "smoke", "active"),
    family="binomial",
    inference="qgcomp",
)
GAUSSIAN = replace(BINOMIAL, outcome="bmd_fn", family="gaussian")
WEIGHTED = replace(BINOMIAL, weights="wt")
CURVED = replace(GAUSSIAN, terms=("I(pb**2)", "I(cd**2)", "pb:cd"), degree=2)
NOBOOT = {"bin_noboot": BINOMIAL, "gauss_noboot": GAUSSIAN, "bin_noboot_w": WEIGHTED}
BOOT = {
    "bin_boot_rr": BINOMIAL,
    "bin_boot_or": replace(BINOMIAL, risk_ratio=False),
    "gauss_boot": GAUSSIAN,
    "gauss_boot_nl2": CURVED,
}


def read(run: str, what: str) -> pd.DataFrame:
    return pd.read_csv(FIXTURES / "qgcomp" / f"qgcomp_{run}_{what}.csv")


@pytest.fixture(scope="module")
def sim905() -> pd.DataFrame:
    return pd.read_csv(FIXTURES / "sim905.csv")


def as_r_stops(spec, data):
    """Coefficients and covariance where R's glm stops: relative change of the deviance below 1e-8, with
    the covariance
    from the working weights of the step before, which is why its standard errors differ from ours in the
    fifth digit."""
    prepared = qgcomp_data(spec, data, interventions=False)
    X, y, w = prepared.design, prepared.outcome, prepared.weights
    mu = (w * y + 0.5) / (w + 1)
    eta, last = np.log(mu / (1 - mu)), np.inf
    while True:
        working = w * mu * (1 - mu)
        H = (X * working[:, None]).T @ X
        beta = np.linalg.solve(H, X.T @ (working * (eta + (y - mu) / (mu * (1 - mu)))))
        eta = X @ beta
        mu = 1 / (1 + np.exp(-eta))
        deviance = 2 * np.sum(w * (np.logaddexp(0, eta) - y * eta))
        if abs(deviance - last) / (abs(deviance) + 0.1) < 1e-8:
            return beta, np.linalg.inv(H)
        last = deviance


def test_gaussian_noboot_to_1e_8(sim905):
    stored = read("gauss_noboot", "coef")
    found = fit_qgcomp(GAUSSIAN, sim905).estimates()
    for mine, theirs in zip(
        ("estimate", "std_error", "conf_low", "conf_high"), ("est", "se", "lo", "hi"), strict=True
    ):
        np.testing.assert_allclose(found[mine], stored[theirs], rtol=1e-8)
    assert found["p_value"][1] == pytest.approx(stored["pval"][1], rel=1e-8)


@pytest.mark.parametrize("run", ["bin_noboot", "bin_noboot_w"])
def test_binomial_noboot_to_1e_8_where_r_stops(run, sim905):
    stored = read(run, "coef")
    result = fit_qgcomp(NOBOOT[run], sim905)
    np.testing.assert_allclose(result.estimates()["estimate"], stored["est"], rtol=1e-8)
    beta, covariance = as_r_stops(NOBOOT[run], sim905)
    errors = np.sqrt([covariance[0, 0], covariance[1:6, 1:6].sum()])
    np.testing.assert_allclose(errors, stored["se"], rtol=1e-8)
    np.testing.assert_allclose(read(run, "underlying")["Std. Error"], np.sqrt(np.diag(covariance)), rtol=1e-8)
    # At convergence the errors move by the last step's change of the working weights.
    np.testing.assert_allclose(result.estimates()["std_error"], stored["se"], rtol=2e-5)
    np.testing.assert_allclose(result.estimates()["p_value"][1], stored["pval"][1], rtol=2e-4)
    np.testing.assert_allclose(result.coefficients, beta, rtol=1e-6)


@pytest.mark.parametrize("run", [*NOBOOT])
def test_partial_effects_and_weights(run, sim905):
    result = fit_qgcomp(NOBOOT[run], sim905)
    stored = read(run, "partial")
    np.testing.assert_allclose(
        result.partial_effects()["estimate"], [stored["pos.psi"][0], stored["neg.psi"][0]], rtol=1e-7
    )
    weights = read(run, "weights").set_index("metal")["weight"]
    mine = result.weights().set_index("exposure")
    signed = mine["weight"].where(mine["direction"] == "positive", -mine["weight"])
    np.testing.assert_allclose(signed[weights.index], weights, rtol=1e-6)


@pytest.mark.parametrize("run", [*BOOT])
def test_bootstrap_point_estimates(run, sim905):
    result = fit_qgcomp_bootstrap(BOOT[run], sim905, seed=1, resamples=200)
    stored, curve = read(run, "coef"), read(run, "gcomp")
    # R's glm stops at a relative change of the deviance of 1e-8; gaussian fits have no such slack.
    tolerance = 1e-12 if "gauss" in run else 1e-7
    np.testing.assert_allclose(result.psi, stored["est"], rtol=tolerance)
    np.testing.assert_allclose(result.overall()["mean_outcome"], curve["y.expected"], rtol=tolerance)
    np.testing.assert_allclose(result.overall()["structural_model"], curve["msm"], rtol=tolerance)
    np.testing.assert_allclose(result.outcome_coefficients, read(run, "underlying")["Estimate"], rtol=1e-5)
    # Both standard errors are Monte Carlo with 200 resamples: relative sd 1/sqrt(400) each, 0.07 for the
    # ratio.
    ratio = result.estimates()["std_error"] / stored["se"]
    assert np.all(np.abs(np.log(ratio)) < 3 * 0.07)


def test_gaussian_bootstrap_degrees_of_freedom(sim905):
    stored = read("gauss_boot", "coef")
    result = fit_qgcomp_bootstrap(GAUSSIAN, sim905, seed=1)
    exact = replace_covariance(result, np.diag(stored["se"] ** 2))
    table = exact.estimates()
    assert table["p_value"][1] == pytest.approx(stored["pval"][1], rel=1e-8)
    np.testing.assert_allclose(table[["conf_low", "conf_high"]], stored[["lo", "hi"]], rtol=1e-8)


def replace_covariance(result, covariance):
    return replace(result, covariance=covariance)


@pytest.mark.parametrize(("run", "spec"), [("gauss_ee", GAUSSIAN), ("bin_or_ee", BOOT["bin_boot_or"])])
def test_sandwich_is_that_of_the_estimating_equations(run, spec, sim905):
    stored = read(run, "coef")
    found = fit_qgcomp_sandwich(spec, sim905).estimates()
    np.testing.assert_allclose(found["estimate"], stored["est"], rtol=1e-9)
    # R differentiates the equations numerically.
    np.testing.assert_allclose(found["std_error"], stored["se"], rtol=1e-7)


@pytest.mark.parametrize("run", [*BOOT])
def test_sandwich_and_bootstrap_agree(run, sim905):
    sandwich = fit_qgcomp_sandwich(BOOT[run], sim905)
    bootstrap = fit_qgcomp_bootstrap(BOOT[run], sim905, seed=1, resamples=800)
    np.testing.assert_allclose(sandwich.psi, bootstrap.psi, rtol=1e-12)
    ratio = np.sqrt(np.diag(bootstrap.covariance) / np.diag(sandwich.covariance))
    # 800 resamples: relative sd 0.025, and a finite-sample bias of the sandwich of order k / 2n.
    np.testing.assert_allclose(ratio, 1, atol=0.1)


def test_a_wrong_contrast_is_caught(sim905, monkeypatch):
    from mixepi.qgcomp import fit as module

    original = module.fit_glm

    def flipped(design, *arguments, **options):
        turned = design.copy()
        turned[:, 1] = 3 - turned[:, 1]
        return original(turned, *arguments, **options)

    monkeypatch.setattr(module, "fit_glm", flipped)
    with pytest.raises(AssertionError):
        test_gaussian_noboot_to_1e_8(sim905)
