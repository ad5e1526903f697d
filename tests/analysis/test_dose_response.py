"""Dose-response curves by plan: their reference, their shape, their tests, their failures."""

import numpy as np
import pandas as pd
import pytest

from analysis.dose_response import GRID_POINTS, fit_dose_response
from mixepi.regression import RegressionSpec, fit_regression
from tests.analysis.support.small_study import PEOPLE, tables


def study(bend: float = 0.0) -> dict[str, pd.DataFrame]:
    """Bone falls with cadmium, by `bend` more with the square of its logarithm."""
    given = tables()
    plan = given["plan"].drop(columns=["exposure_form", "subgroup", "subgroup_variable", "level"])
    given["plan"] = plan.drop_duplicates(ignore_index=True)
    cadmium = given["exposures"].query("exposure == 'Cd'").set_index("seqn")["ln_value"]
    outcomes = given["outcomes"]
    bone = outcomes["outcome"] == "bmd"
    outcomes.loc[bone, "value"] -= bend * outcomes.loc[bone, "seqn"].map(cadmium) ** 2
    given["knots"] = pd.DataFrame(
        [
            ("s", exposure, np.quantile(rows["ln_value"], percentile))
            for exposure, rows in given["exposures"].groupby("exposure")
            for percentile in (0.95, 0.05, 0.35, 0.65)
        ],
        columns=["study", "exposure", "ln_value"],
    )
    return given


@pytest.fixture(scope="module")
def fitted() -> pd.DataFrame:
    return fit_dose_response(**study(0.04), workers=1)


def test_one_row_per_curve_and_point(fitted):
    curves = fitted.groupby(["outcome", "exposure", "covariate_set", "engine"])
    assert curves.size().tolist() == [GRID_POINTS] * 16
    assert fitted["converged"].all()
    assert fitted["n"].eq(PEOPLE).all()
    assert (curves["p_overall"].nunique() == 1).all()
    assert (
        fitted["df"].isna() == ((fitted["outcome"] == "osteo") & (fitted["engine"] == "unweighted"))
    ).all()


def test_curves_pass_through_nothing_at_the_median(fitted):
    """The interval closes there and nowhere else."""
    for _, curve in fitted.groupby(["outcome", "exposure", "covariate_set", "engine"]):
        median = curve["reference_value"].iloc[0]
        at_median = np.interp(np.log(median), np.log(curve["exposure_value"]), curve["estimate"])
        assert abs(at_median) < 0.05 * np.ptp(curve["estimate"])
        assert curve["std_error"].idxmin() == (curve["exposure_value"] - median).abs().idxmin()


def test_a_bend_is_found_where_there_is_one(fitted):
    bone = fitted.query("outcome == 'bmd'").drop_duplicates(["exposure", "covariate_set", "engine"])
    cadmium, lead = bone[bone["exposure"] == "Cd"], bone[bone["exposure"] == "Pb"]
    assert (cadmium[["p_overall", "p_nonlinear"]] < 0.01).all(axis=None)
    assert (lead[["p_overall", "p_nonlinear"]] > 0.001).all(axis=None)


def test_without_a_bend_the_curve_is_the_straight_line():
    """Where the outcome is exactly linear, curve and slope agree."""
    given = study()
    cadmium = given["exposures"].query("exposure == 'Cd'").set_index("seqn")["ln_value"]
    outcomes = given["outcomes"]
    noise = 1e-6 * np.random.default_rng(1).normal(0, 1, len(outcomes))
    outcomes["value"] = 2 - 0.1 * outcomes["seqn"].map(cadmium) + noise
    given["plan"] = given["plan"].query("outcome == 'bmd' and exposure == 'Cd'")
    fitted = fit_dose_response(**given, workers=1)
    expected = -0.1 * np.log(fitted["exposure_value"] / fitted["reference_value"])
    np.testing.assert_allclose(fitted["estimate"], expected, atol=1e-5)


def test_a_point_is_a_contrast_of_two_predictions(fitted):
    """Against the model with another basis of the same curves: truncated powers made linear by constraint."""
    given = study(0.04)
    data = given["cohort"].merge(given["exposures"].query("exposure == 'Cd'"), on="seqn")
    data["y"] = given["outcomes"].query("outcome == 'bmd'")["value"].to_numpy()
    knots = np.sort(given["knots"].query("exposure == 'Cd'")["ln_value"].to_numpy())

    def basis(x):
        power = np.maximum(np.asarray(x)[:, None] - knots, 0) ** 3
        # natural: the coefficients of the powers sum to zero, also when weighted by the knots
        null = np.linalg.svd(np.vstack([np.ones(4), knots]))[2][2:]
        return np.column_stack([x, power @ null.T])

    for k, column in enumerate(basis(data["ln_value"]).T):
        data[f"b{k}"] = column
    fit = fit_regression(RegressionSpec(outcome="y", exposures=("b0", "b1", "b2")), data)
    curve = fitted.query(
        "outcome == 'bmd' and exposure == 'Cd' and engine == 'unweighted' and covariate_set == 'crude'"
    )
    contrast = basis(np.log(curve["exposure_value"])) - basis(np.log(curve["reference_value"]))
    np.testing.assert_allclose(curve["estimate"], contrast @ fit.coefficients[1:], rtol=1e-6, atol=1e-9)
    variance = np.einsum("gi,ij,gj->g", contrast, fit.covariance[1:, 1:], contrast)
    np.testing.assert_allclose(curve["std_error"], np.sqrt(variance), rtol=1e-6)


def test_equal_knots_are_rows_that_say_so():
    given = study()
    given["knots"].loc[given["knots"]["exposure"] == "Pb", "ln_value"] = 0.0
    fitted = fit_dose_response(**given, workers=1)
    failed = fitted[~fitted["converged"]]
    assert set(failed["exposure"]) == {"Pb"}
    assert len(failed) == len(fitted) / 2
    assert failed[["estimate", "p_overall", "p_nonlinear"]].isna().all(axis=None)
    assert failed["warnings"].str.contains("three increasing knots, found 0, 0, 0, 0").all()
    assert failed["exposure_value"].gt(0).all()
