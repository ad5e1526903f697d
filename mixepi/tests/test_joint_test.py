"""Tests of several coefficients at once, against R's survey, anova and the definition."""

import numpy as np
import pandas as pd
import pytest

from mixepi.errors import EstimationError, SpecificationError
from mixepi.regression import RegressionSpec, fit_regression, joint_test, wald_test
from tests.support.paths import FIXTURES

OUTCOMES = {"binomial": "osteo", "gaussian": "bmd_fn"}
PRODUCTS = ("log2_cd x b", "log2_cd x c")


@pytest.fixture(scope="module")
def sim() -> pd.DataFrame:
    data = pd.read_csv(FIXTURES / "sim905.csv")
    data["log2_cd"] = np.log2(data["cd"])
    group = np.select([data["age"] < 60, data["age"] < 70], ["a", "b"], "c")
    for level in ("b", "c"):
        data[level] = (group == level).astype(float)
        data[f"log2_cd x {level}"] = data["log2_cd"] * data[level]
    return data


def spec(engine: str, family: str) -> RegressionSpec:
    design = {"weights": "wt", "strata": "stratum", "psu": "psu"} if engine == "survey" else {}
    return RegressionSpec(
        outcome=OUTCOMES[family],
        exposures=("log2_cd", "b", "c", *PRODUCTS),
        covariates=("bmi",),
        family=family,
        **design,
    )


# rtol 1e-7: R's p-values of F come from a continued fraction, statistics agree to 1e-8
@pytest.mark.parametrize("case", pd.read_csv(FIXTURES / "svy/joint_tests.csv").to_dict("records"))
def test_interaction_equals_r(sim, case):
    fit = fit_regression(spec(case["engine"], case["model"]), sim)
    found = joint_test(fit, sim, PRODUCTS)
    for name in ("statistic", "df", "df_residual", "p_value"):
        assert getattr(found, name) == pytest.approx(case[name], rel=1e-7), name
    assert found.test == ("likelihood ratio" if case["df_residual"] == np.inf else "Wald F")


def test_one_coefficient_is_its_own_t_test(sim):
    fit = fit_regression(spec("survey", "gaussian"), sim)
    row = fit.estimates().set_index("term").loc["bmi"]
    found = wald_test(fit, ["bmi"])
    assert found.statistic == pytest.approx(row["statistic"] ** 2)
    assert found.p_value == pytest.approx(row["p_value"])


def test_logistic_wald_test_is_chi_squared_by_the_definition(sim):
    fit = fit_regression(spec("unweighted", "binomial"), sim)
    at = [fit.terms.index(name) for name in PRODUCTS]
    chi_squared = fit.coefficients[at] @ np.linalg.inv(fit.covariance[np.ix_(at, at)]) @ fit.coefficients[at]
    found = wald_test(fit, PRODUCTS)
    assert 2 * found.statistic == pytest.approx(chi_squared)
    assert found.p_value == pytest.approx(np.exp(-chi_squared / 2)), "chi-squared on two degrees of freedom"


def test_scale_of_the_columns_does_not_matter(sim):
    scaled = sim.assign(**{PRODUCTS[0]: sim[PRODUCTS[0]] * 1e6})
    for family in OUTCOMES:
        given = spec("survey", family)
        expected = wald_test(fit_regression(given, sim), PRODUCTS).statistic
        assert wald_test(fit_regression(given, scaled), PRODUCTS).statistic == pytest.approx(
            expected, rel=1e-6
        )


def test_more_coefficients_than_the_design_has_degrees_of_freedom():
    """Variance from two psus in each of five strata has rank five: six coefficients cannot be tested."""
    rng = np.random.default_rng(1)
    names = [f"x{k}" for k in range(6)]
    data = pd.DataFrame(rng.normal(0, 1, (300, 6)), columns=names)
    data = data.assign(y=rng.normal(0, 1, 300), w=1.0, s=np.arange(300) % 10, p=np.arange(300) // 10 % 2)
    design = {"weights": "w", "strata": "s", "psu": "p"}
    fit = fit_regression(RegressionSpec(outcome="y", exposures=tuple(names), **design), data)
    assert wald_test(fit, names).df == 6
    singular = np.outer(np.arange(1, 8.0), np.arange(1, 8.0))
    broken = type(fit)(**{**vars(fit), "covariance": singular})
    with pytest.raises(EstimationError, match="can be inverted, found it singular"):
        wald_test(broken, names)


def test_unknown_terms_are_named(sim):
    fit = fit_regression(spec("unweighted", "gaussian"), sim)
    with pytest.raises(SpecificationError, match=r"expected coefficients among .* found 'cd', 'hg'"):
        wald_test(fit, ["cd", "bmi", "hg"])
    with pytest.raises(SpecificationError, match="found none"):
        wald_test(fit, [])
