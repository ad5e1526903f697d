"""gWQS 3.0.5 on sim905, with its own split and bootstrap rows."""

import numpy as np
import pandas as pd
import pytest
from tests.support.paths import FIXTURES

import mixepi.wqs.bootstraps as bootstraps
from mixepi import WQS, fit_wqs
from mixepi.errors import DirectionError
from mixepi.glm.constrained import fit_constrained
from mixepi.resampling import count_rows
from mixepi.wqs.bootstraps import fit_bootstraps, signal_weights
from mixepi.wqs.data import wqs_data
from mixepi.wqs.final_model import fit_final_model

GWQS = FIXTURES / "gwqs"
RUNS = {
    "bin_pos": {},
    "bin_neg": {"direction": "negative"},
    "bin_pos_constr": {},
    "bin_neg_constr": {"direction": "negative"},
    "gauss_neg": {"outcome": "bmd_fn", "family": "gaussian", "direction": "negative"},
    "bin_pos_w": {"weights": "wt"},
}
# gWQS stops its optimiser at a relative change of 1e-9 with a finite-difference gradient: its binomial
# deviances lie about 8e-4 above the optimum. A deviance slack of s is a distance of sqrt(s) = 0.03
# standard errors.
SLACK_IN_STANDARD_ERRORS = 0.03


def read(run: str, what: str) -> pd.DataFrame:
    return pd.read_csv(GWQS / f"gwqs_{run}_{what}.csv")


@pytest.fixture(scope="module")
def validation() -> np.ndarray:
    return pd.read_csv(GWQS / "validrows.csv")["valid"].to_numpy() == 1


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    return pd.read_csv(GWQS / "bindex.csv").to_numpy().T - 1


def fit(run, model, data, validation, drawn, **options):
    spec = WQS(**{**model, **RUNS[run], **options})
    return fit_wqs(spec, data, seed=1, validation_rows=validation, bootstrap_rows=drawn)


def test_cut_points_are_those_of_gwqs(sim905, model, validation, drawn):
    result = fit("bin_pos", model, sim905, validation, drawn)
    stored = pd.read_csv(GWQS / "cuts.csv")
    for name, cuts in zip(model["exposures"], result.scores.cut_points, strict=True):
        np.testing.assert_array_equal(cuts, stored[name].to_numpy()[1:-1])


@pytest.mark.filterwarnings("ignore::mixepi.errors.MixepiWarning")
@pytest.mark.parametrize("run", ["bin_pos", "bin_neg", "gauss_neg", "bin_pos_w"])
def test_likelihood_with_free_sign_is_at_least_that_of_gwqs(run, sim905, model, validation, drawn):
    result = fit(run, model, sim905, validation, drawn, constrain_sign=False)
    assert np.all(result.bootstraps.deviances <= read(run, "bres")["objfn"] + 1e-6)
    assert result.bootstraps.kkt_violations.max() < 1e-8


@pytest.mark.filterwarnings("ignore::mixepi.errors.MixepiWarning")
@pytest.mark.parametrize("run", ["bin_pos_constr", "bin_neg_constr"])
def test_likelihood_with_constrained_sign_is_at_least_that_of_gwqs(run, sim905, model, validation, drawn):
    result = fit(run, model, sim905, validation, drawn)
    assert np.all(result.bootstraps.deviances <= read(run, "bres")["objfn"] + 1e-6)
    assert result.bootstraps.kkt_violations.max() < 1e-8


def test_gaussian_run_agrees_in_every_bootstrap(sim905, model, validation, drawn):
    result = fit("gauss_neg", model, sim905, validation, drawn)
    stored = read("gauss_neg", "bres")
    # Here gWQS's deviance is within 1e-6 of the optimum; weights follow with the square root of that.
    np.testing.assert_allclose(result.bootstraps.deviances, stored["objfn"], atol=1e-6)
    np.testing.assert_allclose(result.bootstraps.weights[0], stored[list(model["exposures"])], atol=1e-3)
    np.testing.assert_allclose(result.bootstraps.coefficients[0], stored["b1"], atol=1e-5)
    np.testing.assert_allclose(result.bootstraps.std_errors[0], stored["Std_Error"], rtol=1e-3)


@pytest.mark.filterwarnings("ignore::mixepi.errors.MixepiWarning")
@pytest.mark.parametrize("run", ["bin_pos_constr", "bin_neg_constr", "gauss_neg"])
def test_final_model_agrees_within_the_slack_of_the_optimiser(run, sim905, model, validation, drawn):
    result = fit(run, model, sim905, validation, drawn)
    stored = read(run, "coef")
    found = result.estimates()
    error = stored["Std. Error"].to_numpy()
    tolerance = 1e-5 if run == "gauss_neg" else SLACK_IN_STANDARD_ERRORS
    assert np.all(np.abs(found["estimate"] - stored["Estimate"]) < tolerance * error)
    np.testing.assert_allclose(found["std_error"], error, rtol=tolerance / 2)
    # dp = density * d(statistic) * 2, at most 0.8 times the shift of the statistic.
    np.testing.assert_allclose(found["p_value"], stored.iloc[:, 4], atol=0.8 * tolerance)
    weights = read(run, "weights").set_index("mix_name")["mean_weight"]
    mine = result.weights().set_index("exposure")["weight"][weights.index]
    np.testing.assert_allclose(mine, weights, atol=1e-5 if run == "gauss_neg" else 0.01)


@pytest.mark.parametrize("run", ["bin_pos", "bin_neg", "bin_pos_w"])
def test_free_sign_runs_agree_given_the_sign_that_gwqs_chose(run, sim905, model, validation, drawn):
    """With a free sign gWQS often stops at a local optimum of the other sign; given its sign, the
    answers agree."""
    spec = WQS(**{**model, **RUNS[run]})
    prepared = wqs_data(spec, sim905)
    rows = ~validation
    counts = count_rows(drawn, int(rows.sum()))
    stored = read(run, "bres")
    fits = fit_bootstraps(spec, prepared, rows, counts)
    chosen = (stored["b1"] > 0).to_numpy() if spec.direction == "positive" else (stored["b1"] <= 0).to_numpy()
    signals = np.where(chosen, fits.signals[0], 0.0)
    weights = np.nan_to_num(signals @ np.nan_to_num(fits.weights[0])) / signals.sum()
    found = fit_final_model(spec, prepared, validation, prepared.index_columns @ weights[:, None])
    coefficients = read(run, "coef")
    # The largest distance, 0.07 standard errors, is a run of 8 kept bootstraps, where single ones weigh more.
    tolerance = 0.1 if chosen.sum() < 20 else SLACK_IN_STANDARD_ERRORS
    gap = np.abs(found.coefficients[1] - coefficients["Estimate"][1]) / coefficients["Std. Error"][1]
    assert gap < tolerance
    np.testing.assert_allclose(np.sqrt(found.covariance[1, 1]), coefficients["Std. Error"][1], rtol=tolerance)


@pytest.mark.parametrize("run", [*RUNS])
def test_signal_weights_reproduce_the_average_of_gwqs(run, model):
    stored, names = read(run, "bres"), list(model["exposures"])
    right = stored["b1"] > 0 if "pos" in run else stored["b1"] <= 0
    signal = signal_weights("t2", stored["stat"].to_numpy()) * right
    expected = read(run, "weights").set_index("mix_name")["mean_weight"][names]
    np.testing.assert_allclose(signal @ stored[names].to_numpy() / signal.sum(), expected, atol=1e-14)


def test_random_subset_with_the_subsets_of_gwqs(sim905, model, validation):
    spec = WQS(**model, random_subset=3)
    prepared = wqs_data(spec, sim905)
    stored, names = read("bin_rs", "bres"), list(model["exposures"])
    included = stored[names].notna().to_numpy()
    rows = ~validation
    fits = fit_bootstraps(spec, prepared, rows, np.ones((1, int(rows.sum()))), included)
    assert np.all(fits.deviances <= stored["objfn"] + 1e-6)
    # Where gWQS reached the same optimum (2 deviance units apart otherwise), weights agree.
    close = np.abs(fits.deviances - stored["objfn"]) < 0.01
    assert close.sum() >= 90
    np.testing.assert_allclose(fits.weights[0][close], stored[names].fillna(0).to_numpy()[close], atol=0.02)
    weights = fits.average()
    expected = read("bin_rs", "weights").set_index("mix_name")["mean_weight"][names]
    np.testing.assert_allclose(weights[0], expected, atol=0.01)


def test_two_indices_are_at_least_as_likely_as_those_of_gwqs(sim905, model, validation):
    drawn = pd.read_csv(GWQS / "bindex_dwqs.csv").to_numpy().T - 1
    result = fit_wqs(
        WQS(**model, direction="both"), sim905, seed=1, validation_rows=validation, bootstrap_rows=drawn
    )
    stored, names = read("bin_dwqs", "bres"), list(model["exposures"])
    data = sim905[~validation]
    scores = result.scores.score(data).to_numpy()
    Z, y = data[list(model["covariates"])].to_numpy(), data["osteo"].to_numpy(dtype=float)
    for b in range(drawn.shape[0]):
        indices = [
            scores @ stored.loc[b, [f"{side}.{name}" for name in names]].to_numpy(dtype=float)
            for side in ("pos", "neg")
        ]
        counts = count_rows(drawn[b : b + 1], len(data))
        gwqs = fit_constrained(
            np.column_stack(indices),
            Z,
            y,
            counts,
            np.zeros(2, dtype=int),
            family="binomial",
            offset=np.zeros(len(data)),
            residual_df=1.0,
        )
        assert result.bootstraps.deviances[b] <= gwqs.deviances[0] + 1e-6
    # Index weights of two indices over the same exposures are not identified: any constant can be added to
    # both. gWQS returns one of many optima, we the one with the smallest coefficients, so only the sizes
    # are comparable.
    coefficients = read("bin_dwqs", "coef")
    gap = np.abs(result.estimates()["estimate"] - coefficients["Estimate"]) / coefficients["Std. Error"]
    assert gap.max() < 0.15


def test_tolerances_of_two_indices_weigh_as_in_gwqs(model):
    stored, names = read("bin_dwqs", "bres"), list(model["exposures"])
    expected = read("bin_dwqs", "weights").set_index("mix_name").loc[names]
    for side, column in (("pos", "mean_weight_p"), ("neg", "mean_weight_n")):
        right = stored[f"{side}.b1"] > 0 if side == "pos" else stored[f"{side}.b1"] < 0
        signal = signal_weights("t2", stored[f"{side}.tol"].to_numpy()) * (right if side == "neg" else 1.0)
        average = signal @ stored[[f"{side}.{name}" for name in names]].to_numpy() / signal.sum()
        np.testing.assert_allclose(average, expected[column], atol=1e-14)


def test_a_wrong_signal_is_caught(sim905, model, validation, drawn, monkeypatch):
    monkeypatch.setattr(
        bootstraps, "signal_weights", lambda signal, t: 1 / np.maximum(np.asarray(t) ** 2, 1e-8)
    )
    with pytest.raises(AssertionError):
        test_final_model_agrees_within_the_slack_of_the_optimiser(
            "gauss_neg", sim905, model, validation, drawn
        )


def test_a_flipped_sign_is_caught(sim905, model, validation, drawn, monkeypatch):
    original = bootstraps.fit_constrained
    monkeypatch.setattr(
        bootstraps,
        "fit_constrained",
        lambda Q, Z, y, w, signs, **options: original(Q, Z, y, w, -signs, **options),
    )
    with pytest.raises((AssertionError, DirectionError)):
        test_likelihood_with_constrained_sign_is_at_least_that_of_gwqs(
            "bin_pos_constr", sim905, model, validation, drawn
        )
