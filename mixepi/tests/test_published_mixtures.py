"""The R packages' own example data, not part of this project: skipped where they are not at hand."""

import numpy as np
import pandas as pd
import pytest

from mixepi import WQS, QGComp, fit_qgcomp, fit_qgcomp_bootstrap, fit_qgcomp_sandwich, fit_wqs
from tests.support.paths import PUBLISHED

pytestmark = pytest.mark.skipif(
    not PUBLISHED.is_dir(), reason="needs ../shared/oracles/published, the R packages' example data"
)


@pytest.fixture(scope="module")
def metals() -> pd.DataFrame:
    return pd.read_csv(PUBLISHED / "qgcomp" / "metals.csv")


@pytest.fixture(scope="module")
def exposures() -> tuple[str, ...]:
    return tuple(pd.read_csv(PUBLISHED / "qgcomp" / "ex1_linear_weights.csv")["term"])


@pytest.mark.parametrize(
    ("run", "options", "tolerance"),
    [
        ("ex1_linear", {"outcome": "y"}, 1e-10),
        ("ex3_cov", {"outcome": "y", "covariates": ("mage35", "chloride")}, 1e-10),
        # R's glm stops at a relative change of the deviance of 1e-8, which is felt in its standard errors.
        ("ex2_logit", {"outcome": "disease_state", "family": "binomial"}, 1e-7),
    ],
)
def test_qgcomp_vignette(run, options, tolerance, metals, exposures):
    stored = pd.read_csv(PUBLISHED / "qgcomp" / f"{run}_coef.csv")
    result = fit_qgcomp(QGComp(exposures=exposures, inference="qgcomp", **options), metals)
    found = result.estimates()
    np.testing.assert_allclose(found["estimate"], stored["est"], rtol=tolerance)
    np.testing.assert_allclose(found["std_error"], stored["se"], rtol=tolerance)
    np.testing.assert_allclose(found["p_value"], stored["pval"], rtol=tolerance)
    weights = pd.read_csv(PUBLISHED / "qgcomp" / f"{run}_weights.csv").set_index("term")["weight"]
    mine = result.weights().set_index("exposure")
    signed = mine["weight"].where(mine["direction"] == "positive", -mine["weight"])
    np.testing.assert_allclose(signed[weights.index], weights, rtol=1e-6)


def test_qgcomp_simulated_five_thousand():
    data = pd.read_csv(PUBLISHED / "qgcomp" / "simdata_quantized_n5000_seed543210.csv")
    stored = pd.read_csv(PUBLISHED / "qgcomp" / "intro_sim_coef.csv")
    spec = QGComp(outcome="y", exposures=("x1", "x2", "x3"), inference="qgcomp")
    found = fit_qgcomp(spec, data).estimates()
    np.testing.assert_allclose(found["estimate"], stored["est"], rtol=1e-10)
    np.testing.assert_allclose(found["std_error"], stored["se"], rtol=1e-10)


@pytest.mark.parametrize(("name", "risk_ratio"), [("rr", True), ("or", False)])
@pytest.mark.filterwarnings("ignore::mixepi.errors.ConvergenceWarning")
def test_qgcomp_bootstrap_vignette(name, risk_ratio, metals, exposures):
    """A prevalence above one half: the log-binomial model has to be kept below probability 1."""
    stored = pd.read_csv(PUBLISHED / "qgcomp" / f"ex2_boot_{name}_B10_coef.csv")
    spec = QGComp(outcome="disease_state", family="binomial", exposures=exposures, risk_ratio=risk_ratio)
    result = fit_qgcomp_bootstrap(spec, metals, seed=1, resamples=50)
    np.testing.assert_allclose(result.psi, stored["est"], rtol=1e-6)


def test_qgcomp_estimating_equations(metals, exposures):
    stored = pd.read_csv(PUBLISHED / "qgcomp" / "ex3_ee_coef.csv")
    found = fit_qgcomp_sandwich(
        QGComp(outcome="y", exposures=exposures, covariates=("mage35", "chloride")), metals
    ).estimates()
    np.testing.assert_allclose(found["estimate"], stored["est"], rtol=1e-8)
    np.testing.assert_allclose(found["std_error"], stored["se"], rtol=1e-6)


@pytest.mark.parametrize("holdout", range(5))
def test_thirty_four_pcbs_are_fitted_at_least_as_well_as_by_gwqs(holdout):
    """The vignette's criterion is the deviance plus a penalty that is not negative."""
    folder = PUBLISHED / "gwqs"
    data = pd.read_csv(folder / "wqs_data.csv")
    validation = pd.read_csv(folder / "vignette_1i_validrows.csv").to_numpy()[:, holdout] == 1
    drawn = pd.read_csv(folder / f"vignette_1i_l90_rh{holdout + 1}_bindex.csv").to_numpy().T - 1
    stored = pd.read_csv(folder / f"vignette_1i_l90_rh{holdout + 1}_bres.csv")
    spec = WQS(outcome="yLBX", exposures=tuple(data.columns[:34]), quantiles=10)
    result = fit_wqs(spec, data, seed=1, validation_rows=validation, bootstrap_rows=drawn)
    assert np.all(result.bootstraps.deviances <= stored["objfn"] + 1e-6)
    assert result.bootstraps.kkt_violations.max() < 1e-8
    # The same without the penalty, from gWQS's weights and coefficient.
    scores = result.scores.score(data).to_numpy()[~validation]
    y = data["yLBX"].to_numpy()[~validation]
    for b, rows in enumerate(drawn):
        index = scores[rows] @ stored.iloc[b, :34].to_numpy(dtype=float)
        X = np.column_stack([np.ones(rows.size), index])
        residuals = y[rows] - X @ np.linalg.lstsq(X, y[rows], rcond=None)[0]
        assert result.bootstraps.deviances[b] <= residuals @ residuals + 1e-6
