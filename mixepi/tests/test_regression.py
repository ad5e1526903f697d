"""The regressions against R's survey and stats packages, by hand, and under deliberate faults."""

import numpy as np
import pandas as pd
import pytest

from mixepi.errors import DataError, EstimationError, MixepiWarning, SeparationError, SpecificationError
from mixepi.regression import RegressionSpec, fit_regression
from tests.support.paths import FIXTURES

R_NAMES = {
    "Estimate": "estimate",
    "Std. Error": "std_error",
    "t value": "statistic",
    "Pr(>|t|)": "p_value",
    "lo": "conf_low",
    "hi": "conf_high",
}
COVARIATES = ("age", "bmi", "pir", "race_nhb", "race_hisp", "race_oth", "smoke", "active")
METALS = ("pb", "cd", "hg", "se", "mn")
DESIGN = {"strata": "stratum", "psu": "psu", "weights": "wt", "domain": "domain"}


@pytest.fixture
def sim() -> pd.DataFrame:
    data = pd.read_csv(FIXTURES / "sim905.csv")
    for metal in METALS:
        data[f"log_{metal}"] = np.log(data[metal])
        data[f"log2_{metal}"] = np.log2(data[metal])
    data["domain"] = True
    return data


def few_events_allowed(spec: RegressionSpec, data: pd.DataFrame):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MixepiWarning)
        return fit_regression(spec, data)


# rtol 1e-8: both programs iterate to 1e-14 or closer; what is left is rounding in different orders.
@pytest.mark.parametrize(
    ("name", "outcome", "family"), [("bin", "osteo", "binomial"), ("gauss", "bmd_fn", "gaussian")]
)
def test_survey_fit_equals_r_svyglm(sim, name, outcome, family):
    spec = RegressionSpec(
        outcome=outcome,
        exposures=tuple(f"log_{metal}" for metal in METALS),
        covariates=COVARIATES,
        family=family,
        **DESIGN,
    )
    fit = fit_regression(spec, sim)
    reference = pd.read_csv(FIXTURES / f"svy/svyglm_{name}_coef.csv").rename(columns=R_NAMES)
    table = fit.estimates()
    for column in R_NAMES.values():
        np.testing.assert_allclose(table[column], reference[column], rtol=1e-8, err_msg=column)
    assert fit.df == pd.read_csv(FIXTURES / f"svy/svyglm_{name}_stat.csv")["df_resid"].item()


def test_survey_fit_of_quartiles_equals_r_svyglm(sim):
    score = np.searchsorted(np.quantile(sim["pb"], [0.25, 0.5, 0.75]), sim["pb"], side="left")
    for group in (1, 2, 3):
        sim[f"q{group + 1}"] = (score == group).astype(float)
    spec = RegressionSpec(
        outcome="osteo", exposures=("q2", "q3", "q4"), covariates=COVARIATES, family="binomial", **DESIGN
    )
    reference = pd.read_csv(FIXTURES / "svy/svyglm_bin_pbq_coef.csv").rename(columns=R_NAMES)
    table = fit_regression(spec, sim).estimates()
    for column in R_NAMES.values():
        np.testing.assert_allclose(table[column], reference[column], rtol=1e-8, err_msg=column)


@pytest.mark.parametrize("domain", ["plain", "empty_psu", "empty_stratum"])
@pytest.mark.parametrize(("family", "outcome"), [("binomial", "osteo"), ("gaussian", "bmd_fn")])
def test_domain_fit_equals_r_subset_of_design(sim, domain, family, outcome):
    reference = pd.read_csv(FIXTURES / "svy/domains.csv").query("domain == @domain and model == @family")
    older = sim["age"] >= 60
    sim["domain"] = {
        "plain": older,
        "empty_psu": older & ~((sim["stratum"] == 3) & (sim["psu"] == 2)),
        "empty_stratum": older & (sim["stratum"] != 3),
    }[domain]
    sim.loc[~sim["domain"], ["bmi", outcome]] = np.nan  # never asked for outside the domain
    fit = fit_regression(
        RegressionSpec(
            outcome=outcome, exposures=("log2_cd",), covariates=("age", "bmi"), family=family, **DESIGN
        ),
        sim,
    )
    for column in ("estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high"):
        np.testing.assert_allclose(fit.estimates()[column], reference[column], rtol=1e-8, err_msg=column)
    assert fit.n == reference["n"].iloc[0]


def test_dropping_the_rows_outside_the_domain_is_not_the_same(sim):
    """The trap that domain estimation avoids: it changes the standard errors, or leaves a lonely psu."""
    sim["domain"] = (sim["age"] >= 60) & ~((sim["stratum"] == 3) & (sim["psu"] == 2))
    spec = RegressionSpec(outcome="bmd_fn", exposures=("log2_cd",), **DESIGN)
    fit_regression(spec, sim)
    with pytest.raises(EstimationError, match="at least two PSUs in every stratum, found one in 1 of 15"):
        fit_regression(spec, sim[sim["domain"]])


def test_survey_variance_by_hand():
    """Two strata of two psus, one record each: the variance of a weighted mean from its definition."""
    data = pd.DataFrame(
        {
            "y": [1.0, 3.0, 2.0, 6.0],
            "s": [1, 1, 2, 2],
            "p": [1, 2, 1, 2],
            "w": [1.0, 1.0, 2.0, 2.0],
            "d": True,
        }
    )
    fit = fit_regression(
        RegressionSpec(outcome="y", exposures=(), strata="s", psu="p", weights="w", domain="d"), data
    )
    mean = (1 + 3 + 4 + 12) / 6
    influence = data["w"] * (data["y"] - mean) / 6
    variance = 2 * sum((group - group.mean()).pow(2).sum() for _, group in influence.groupby(data["s"]))
    assert fit.coefficients[0] == pytest.approx(mean, rel=1e-12)
    assert fit.covariance[0, 0] == pytest.approx(variance, rel=1e-10)
    assert fit.df == 2


def test_unweighted_odds_ratio_of_a_two_by_two_table():
    """Odds ratio ad/bc with Woolf's standard error, countable by hand."""
    data = pd.DataFrame({"x": [1.0] * 50 + [0.0] * 50, "y": [1] * 20 + [0] * 30 + [1] * 10 + [0] * 40})
    table = (
        fit_regression(RegressionSpec(outcome="y", exposures=("x",), family="binomial"), data)
        .estimates()
        .set_index("term")
    )
    assert table.loc["x", "estimate"] == pytest.approx(np.log(20 * 40 / (30 * 10)), rel=1e-9)
    assert table.loc["x", "std_error"] == pytest.approx(np.sqrt(1 / 20 + 1 / 30 + 1 / 10 + 1 / 40), rel=1e-9)


def test_unweighted_linear_fit_equals_normal_equations(sim):
    fit = fit_regression(RegressionSpec(outcome="bmd_fn", exposures=("log_cd",), covariates=COVARIATES), sim)
    matrix = np.column_stack([np.ones(len(sim)), sim["log_cd"], sim[list(COVARIATES)]])
    expected = np.linalg.solve(matrix.T @ matrix, matrix.T @ sim["bmd_fn"])
    residual = sim["bmd_fn"] - matrix @ expected
    covariance = np.linalg.inv(matrix.T @ matrix) * (residual @ residual) / fit.df
    np.testing.assert_allclose(fit.coefficients, expected, rtol=1e-8)
    np.testing.assert_allclose(fit.covariance, covariance, rtol=1e-7, atol=1e-14)
    assert fit.df == len(sim) - 10


def test_standardised_coefficient_is_the_slope_of_z_scores(sim):
    standardised = fit_regression(
        RegressionSpec(outcome="bmd_fn", exposures=("log_cd",), covariates=("age",)), sim
    ).standardised()[0]
    z = sim.assign(
        bmd_fn=(sim["bmd_fn"] - sim["bmd_fn"].mean()) / sim["bmd_fn"].std(),
        log_cd=(sim["log_cd"] - sim["log_cd"].mean()) / sim["log_cd"].std(),
    )
    assert standardised == pytest.approx(
        fit_regression(
            RegressionSpec(outcome="bmd_fn", exposures=("log_cd",), covariates=("age",)), z
        ).coefficients[1]
    )


def test_categorical_covariate_uses_its_reference(sim):
    sim["race"] = np.select(
        [sim["race_nhb"] == 1, sim["race_hisp"] == 1, sim["race_oth"] == 1], ["b", "h", "o"], "w"
    )
    spec = RegressionSpec(
        outcome="bmd_fn", exposures=("log_cd",), covariates=("race",), references=(("race", "w"),)
    )
    fit = fit_regression(spec, sim)
    dummies = fit_regression(
        RegressionSpec(
            outcome="bmd_fn", exposures=("log_cd",), covariates=("race_nhb", "race_hisp", "race_oth")
        ),
        sim,
    )
    assert fit.terms == ("(Intercept)", "log_cd", "race[b]", "race[h]", "race[o]")
    np.testing.assert_allclose(fit.coefficients, dummies.coefficients, rtol=1e-9)
    with pytest.raises(
        DataError, match="reference level 'x' in column 'race', found only 'b', 'h', 'o', 'w'"
    ):
        fit_regression(
            RegressionSpec(outcome="bmd_fn", exposures=(), covariates=("race",), references=(("race", "x"),)),
            sim,
        )


def test_scale_of_the_weights_and_order_of_rows_do_not_matter(sim):
    spec = RegressionSpec(
        outcome="osteo", exposures=("log_cd",), covariates=("age",), family="binomial", **DESIGN
    )
    fit = fit_regression(spec, sim)
    shuffled = sim.sample(frac=1, random_state=1).assign(wt=lambda data: data["wt"] * 1e-3)
    other = fit_regression(spec, shuffled)
    np.testing.assert_allclose(fit.coefficients, other.coefficients, rtol=1e-9)
    np.testing.assert_allclose(fit.covariance, other.covariance, rtol=1e-8)


class TestFaults:
    def test_missing_values_name_column_and_count(self, sim):
        sim.loc[:4, "age"] = np.nan
        with pytest.raises(DataError, match="no missing values in 905 rows, found age: 5"):
            fit_regression(RegressionSpec(outcome="bmd_fn", exposures=("log_cd",), covariates=("age",)), sim)

    def test_absent_column(self, sim):
        with pytest.raises(DataError, match="expected columns 'weight', found none"):
            fit_regression(RegressionSpec(outcome="bmd_fn", exposures=("weight",)), sim)

    def test_zero_weight_in_the_domain(self, sim):
        sim.loc[:2, "wt"] = 0
        with pytest.raises(DataError, match="positive weights in column 'wt', found 3 of 905"):
            fit_regression(RegressionSpec(outcome="bmd_fn", exposures=("log_cd",), **DESIGN), sim)

    def test_zero_weight_outside_the_domain_is_no_fault(self, sim):
        sim.loc[:2, ["wt", "domain"]] = [0, False]
        fit_regression(RegressionSpec(outcome="bmd_fn", exposures=("log_cd",), **DESIGN), sim)

    @pytest.mark.parametrize("survey", [{}, DESIGN])
    def test_separation(self, sim, survey):
        sim["gives_away"] = sim["osteo"] * 2.0 - 1 + 0.1 * np.sin(np.arange(len(sim)))
        with pytest.raises(SeparationError, match="predicts it perfectly"):
            few_events_allowed(
                RegressionSpec(outcome="osteo", exposures=("gives_away",), family="binomial", **survey), sim
            )

    @pytest.mark.parametrize("survey", [{}, DESIGN])
    def test_quasi_separation_by_a_rare_level(self, sim, survey):
        sim["rare"] = 0.0
        sim.loc[sim.index[sim["osteo"] == 1][:6], "rare"] = 1.0
        with pytest.raises(SeparationError):
            few_events_allowed(
                RegressionSpec(
                    outcome="osteo", exposures=("rare",), covariates=("age",), family="binomial", **survey
                ),
                sim,
            )

    def test_rank_deficiency_names_the_columns(self, sim):
        sim["twice"] = 2 * sim["age"]
        with pytest.raises(EstimationError, match=r"found (age|twice) to be a combination"):
            fit_regression(
                RegressionSpec(outcome="bmd_fn", exposures=("log_cd",), covariates=("age", "twice")), sim
            )

    def test_outcome_not_binary(self, sim):
        with pytest.raises(DataError, match="outcome 'bmd_fn' to be 0 or 1"):
            fit_regression(RegressionSpec(outcome="bmd_fn", exposures=("log_cd",), family="binomial"), sim)

    def test_no_degrees_of_freedom(self, sim):
        sim["domain"] = sim["stratum"] <= 3
        with pytest.raises(EstimationError, match="at least one degree of freedom, found"):
            few_events_allowed(
                RegressionSpec(
                    outcome="osteo",
                    exposures=("log_cd",),
                    covariates=("age", "bmi", "pir"),
                    family="binomial",
                    **DESIGN,
                ),
                sim,
            )

    def test_few_events_warn_and_land_in_the_result(self, sim):
        spec = RegressionSpec(
            outcome="osteo", exposures=("log_cd",), covariates=COVARIATES, family="binomial"
        )
        with pytest.warns(MixepiWarning, match="found 4\\.4 \\(40 for 9 coefficients\\)"):
            fit = fit_regression(spec, pd.concat([sim[sim["osteo"] == 1][:40], sim[sim["osteo"] == 0]]))
        assert fit.warnings

    def test_column_named_twice(self):
        with pytest.raises(SpecificationError, match="found 'age' as exposures and covariates"):
            RegressionSpec(outcome="y", exposures=("age",), covariates=("age",))
