"""Products, polynomials and a modifier of the mixture, against models written out by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy import stats

from mixepi import QGComp, RegressionSpec, fit_qgcomp, fit_qgcomp_sandwich, fit_regression, joint_test, load
from mixepi.errors import SpecificationError
from mixepi.qgcomp import data as qgcomp_data_module
from mixepi.qgcomp.data import Modifier

DESIGN = {"weights": "w", "strata": "stratum", "psu": "psu"}
FAMILIES = [("y", "gaussian"), ("event", "binomial"), ("count", "poisson")]
REFERENCES = {
    "gaussian": sm.families.Gaussian(),
    "binomial": sm.families.Binomial(),
    "poisson": sm.families.Poisson(),
}


@pytest.fixture(scope="module")
def people():
    generator = np.random.default_rng(3)
    n = 360
    a, b = np.exp(generator.normal(size=(2, n)))
    site = generator.choice(["north", "south", "west"], n)
    age = generator.normal(60, 8, n)
    eta = 0.3 * np.log(a) + 0.4 * np.log(b) * (site == "south") + 0.02 * (age - 60)
    return pd.DataFrame(
        {
            "a": a,
            "b": b,
            "site": site,
            "age": age,
            "smoker": generator.integers(0, 2, n),
            "y": eta + generator.normal(size=n),
            "event": (eta + generator.logistic(size=n) > 0).astype(int),
            "count": generator.poisson(np.exp(0.5 * eta)),
            "stratum": np.arange(n) // 30,
            "psu": np.arange(n) % 2,
            "w": generator.uniform(1, 3, n),
        }
    )


def scored(result, people):
    return people.assign(**{name: result.scores.score(people)[name] for name in ("a", "b")})


FORMULAS = {
    ("a:site",): "y ~ a + b + site + age + a:site",
    ("a*site", "b:a"): "y ~ a + b + site + age + a:site + a:b",
    ("a:age", "I(a**2)"): "y ~ a + b + site + age + a:age + I(a**2)",
    ("site:age",): "y ~ a + b + site + age + site:age",
    ("poly(a, 2):age",): "y ~ a + b + site + age + I(a*age) + I(a*a*age) + age",
    ("poly(a, 2)",): "y ~ a + I(a**2) + b + site + age",
    ("poly(a, 2)", "poly(a, 2):site"): "y ~ a + I(a**2) + b + site + age + a:site + I(a**2):site",
}


@pytest.mark.parametrize("terms", FORMULAS, ids=" ".join)
def test_main_effects_stay_beside_products(people, terms):
    spec = QGComp(outcome="y", exposures=("a", "b"), covariates=("site", "age"), terms=terms)
    result = fit_qgcomp_sandwich(spec, people)
    by_hand = smf.ols(FORMULAS[terms], scored(result, people)).fit()
    assert len(result.outcome_terms) == len(by_hand.params)
    means = [by_hand.predict(people.assign(a=float(v), b=float(v))).mean() for v in range(4)]
    np.testing.assert_allclose(result.mean_outcomes, means, rtol=1e-8)


def test_names_of_products_are_those_of_the_covariates(people):
    spec = QGComp(outcome="y", exposures=("a", "b"), covariates=("site",), terms=("a:site", "site"))
    terms = fit_qgcomp_sandwich(spec, people).outcome_terms
    assert terms == ("intercept", "a", "b", "site[south]", "site[west]", "a:site[south]", "a:site[west]")


def test_a_missing_main_effect_is_seen(people, monkeypatch):
    """The fault: a product with a basis takes the exposure's straight line out of the model."""
    spec = QGComp(outcome="y", exposures=("a", "b"), covariates=("age",), terms=("poly(a, 2):age",))
    right = fit_qgcomp_sandwich(spec, people)
    monkeypatch.setattr(qgcomp_data_module, "_is_basis", lambda factors, name: f"poly({name}, 2)" in factors)
    wrong = fit_qgcomp_sandwich(spec, people)
    assert "a" in right.outcome_terms
    assert "a" not in wrong.outcome_terms
    assert abs(right.psi[1] - wrong.psi[1]) > 0.003


@pytest.mark.parametrize(("outcome", "family"), FAMILIES)
def test_a_saturated_modifier_gives_the_psi_of_each_stratum_alone(people, outcome, family):
    spec = QGComp(outcome=outcome, exposures=("a", "b"), family=family, modifier="site")
    result = fit_qgcomp(spec, people)
    table = result.strata().set_index("stratum")
    q = scored(result, people)
    alone = {}
    for site, rows in q.groupby("site"):
        fit = sm.GLM(rows[outcome], sm.add_constant(rows[["a", "b"]]), family=REFERENCES[family]).fit(
            tol=1e-14
        )
        contrast = np.array([0.0, 1, 1])
        alone[site] = contrast @ fit.params.to_numpy(), contrast @ fit.cov_params().to_numpy() @ contrast
        assert table.loc[site, "estimate"] == pytest.approx(alone[site][0], rel=1e-8)
        if family != "gaussian":  # one residual variance for all strata
            assert table.loc[site, "std_error"] == pytest.approx(np.sqrt(alone[site][1]), rel=1e-7)
    assert result.psi == pytest.approx(alone["north"][0], rel=1e-8)
    test = result.modification()
    assert test.df == 2
    if family != "gaussian":
        values, variances = np.array(list(alone.values())).T
        pooled = np.sum(values / variances) / np.sum(1 / variances)  # Cochran's Q of independent strata
        statistic = np.sum((values - pooled) ** 2 / variances)
        assert test.statistic * 2 == pytest.approx(statistic, rel=1e-6)
        assert test.p_value == pytest.approx(stats.chi2.sf(statistic, 2), rel=1e-6)


def test_a_modifier_beside_covariates_is_the_model_written_out(people):
    spec = QGComp(outcome="y", exposures=("a", "b"), covariates=("age", "site"), modifier="site")
    result = fit_qgcomp(spec, people)
    by_hand = smf.ols("y ~ a + b + age + site + a:site + b:site", scored(result, people)).fit()
    assert len(result.terms) == len(set(result.terms)) == len(by_hand.params) == 10
    contrast = np.zeros((2, 10))
    names = list(by_hand.params.index)
    for k, site in enumerate(("south", "west")):
        for exposure in ("a", "b"):
            contrast[k, names.index(f"{exposure}:site[T.{site}]")] = 1
    expected = by_hand.f_test(contrast)
    test = result.modification()
    assert test.statistic == pytest.approx(float(expected.fvalue), rel=1e-7)
    assert test.p_value == pytest.approx(float(expected.pvalue), rel=1e-6)
    assert (test.df, test.df_residual) == (2, 350)
    north = np.zeros(10)
    north[[names.index("a"), names.index("b")]] = 1
    effect = by_hand.t_test(north + contrast[1])
    row = result.strata().iloc[2]
    assert (row["modifier"], row["stratum"], row["term"]) == ("site", "west", "psi1[west]")
    np.testing.assert_allclose(
        row[["estimate", "std_error"]].astype(float), [effect.effect[0], effect.sd[0, 0]], rtol=1e-7
    )


def test_a_modifier_under_a_design_is_the_regression_of_the_same_columns(people):
    spec = QGComp(outcome="event", exposures=("a", "b"), family="binomial", modifier="smoker", **DESIGN)
    result = fit_qgcomp(spec, people)
    q = scored(result, people)
    q = q.assign(sa=q["a"] * q["smoker"], sb=q["b"] * q["smoker"])
    columns = ("a", "b", "sa", "sb")
    same = RegressionSpec(
        outcome="event", exposures=columns, covariates=("smoker",), family="binomial", **DESIGN
    )
    fit = fit_regression(same, q)
    table = result.strata()
    assert list(table["stratum"]) == ["0", "1"]
    b = dict(zip(fit.terms, fit.coefficients, strict=True))
    np.testing.assert_allclose(
        table["estimate"], [b["a"] + b["b"], b["a"] + b["b"] + b["sa"] + b["sb"]], rtol=1e-7
    )
    at = [fit.terms.index(name) for name in ("sa", "sb")]
    difference, variance = fit.coefficients[at].sum(), fit.covariance[np.ix_(at, at)].sum()
    test = result.modification()
    assert test.statistic == pytest.approx(difference**2 / variance, rel=1e-6)
    assert (test.df, test.df_residual) == (1, fit.df)
    assert joint_test(fit, q, ("sa", "sb")).df == 2  # of the products themselves, another question


def test_a_numeric_modifier_is_reported_at_its_quartiles(people):
    result = fit_qgcomp(
        QGComp(outcome="y", exposures=("a", "b"), covariates=("age",), modifier="age"), people
    )
    table = result.strata()
    quartiles = np.quantile(people["age"], [0.25, 0.5, 0.75])
    np.testing.assert_allclose(table["stratum"].astype(float), quartiles, rtol=1e-9)
    slopes = np.diff(table["estimate"]) / np.diff(quartiles)
    assert slopes[0] == pytest.approx(slopes[1], rel=1e-8)
    by_hand = smf.ols("y ~ a + b + age + a:age + b:age", scored(result, people)).fit()
    assert slopes[0] == pytest.approx(by_hand.params["a:age"] + by_hand.params["b:age"], rel=1e-6)
    test = result.modification()
    assert test.df == 1
    assert test.statistic == pytest.approx(float(by_hand.f_test("a:age + b:age = 0").fvalue), rel=1e-6)


def test_a_summary_tells_strata_and_test_and_can_be_saved(people, tmp_path):
    result = fit_qgcomp(QGComp(outcome="y", exposures=("a", "b"), modifier="site"), people)
    text = result.summary()
    assert "psi1[south]" in text
    assert "Modification by site: Wald F" in text
    result.save(tmp_path / "fit.zip")
    again = load(tmp_path / "fit.zip")
    pd.testing.assert_frame_equal(again.strata(), result.strata())


def test_the_fault_of_strata_in_another_order_is_seen(people, monkeypatch):
    spec = QGComp(outcome="y", exposures=("a", "b"), modifier="site")
    right = fit_qgcomp(spec, people).strata()["estimate"].to_numpy()
    original = qgcomp_data_module.modifier_of

    def turned(*args):
        found = original(*args)
        return Modifier(columns=found.columns, strata=found.strata[::-1], values=found.values)

    monkeypatch.setattr(qgcomp_data_module, "modifier_of", turned)
    wrong = fit_qgcomp(spec, people).strata().set_index("stratum")["estimate"]
    assert abs(wrong["north"] - right[0]) > 0.05


def test_errors_of_modifiers(people):
    spec = QGComp(outcome="y", exposures=("a", "b"), modifier="site")
    with pytest.raises(SpecificationError, match="no modifier for a marginal model, found 'site'"):
        fit_qgcomp_sandwich(spec, people)
    plain = fit_qgcomp(replace(spec, modifier=None), people)
    for ask in (plain.strata, plain.modification):
        with pytest.raises(SpecificationError, match="expected a modifier"):
            ask()
    with pytest.raises(SpecificationError, match="'a' as exposures and modifier"):
        replace(spec, modifier="a")
