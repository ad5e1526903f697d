"""Properties, survey designs, errors and tables of quantile g-computation."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from tests.support.paths import FIXTURES

from mixepi import QGComp, fit_qgcomp, fit_qgcomp_bootstrap, fit_qgcomp_sandwich
from mixepi.errors import DataError, EstimationError, QuantileWarning, SpecificationError
from mixepi.qgcomp.fit import FACT_COLUMNS, PARTIAL_COLUMNS, PARTIAL_EFFECT_COLUMNS, QGCOMP_ESTIMATE_COLUMNS
from mixepi.qgcomp.marginal import OVERALL_COLUMNS
from mixepi.qgcomp.structural import fit_structural, powers, require_settled

ABC = ("a", "b", "c")


@pytest.fixture(scope="module")
def toy() -> pd.DataFrame:
    generator = np.random.default_rng(30)
    n = 200
    data = pd.DataFrame({name: generator.lognormal(size=n) for name in ABC})
    data["z"] = generator.normal(size=n)
    data["group"] = np.where(np.arange(n) % 3 == 0, "men", "women")
    ranks = data[list(ABC)].rank() / n
    eta = 2 * ranks["a"] - ranks["b"] + 0.3 * data["z"]
    data["y"] = eta + generator.normal(size=n)
    data["event"] = (generator.random(n) < 1 / (1 + np.exp(1 - eta))).astype(float)
    data["count"] = generator.poisson(np.exp(eta)).astype(float)
    data["person"] = np.arange(n)
    return data


def spec(**options) -> QGComp:
    return QGComp(**{"outcome": "y", "exposures": ABC, "covariates": ("z", "group"), **options})


FAMILIES = [("y", "gaussian"), ("event", "binomial"), ("count", "poisson")]
REFERENCES = {
    "gaussian": sm.families.Gaussian(),
    "binomial": sm.families.Binomial(),
    "poisson": sm.families.Poisson(),
}


@pytest.mark.parametrize(("outcome", "family"), FAMILIES)
def test_psi_is_the_contrast_of_a_plain_glm(toy, outcome, family):
    result = fit_qgcomp(spec(outcome=outcome, family=family), toy)
    X = np.column_stack([np.ones(len(toy)), result.scores.score(toy), toy["z"], toy["group"] == "women"])
    reference = sm.GLM(toy[outcome].to_numpy(), X, family=REFERENCES[family]).fit(tol=1e-14)
    contrast = np.r_[0, 1, 1, 1, 0, 0]
    row = result.estimates().iloc[1]
    assert row["estimate"] == pytest.approx(contrast @ reference.params, rel=1e-9)
    assert row["std_error"] == pytest.approx(np.sqrt(contrast @ reference.cov_params() @ contrast), rel=1e-8)
    assert row["df"] == (194 if family == "gaussian" else np.inf)


@pytest.mark.parametrize(("outcome", "family"), FAMILIES)
def test_without_terms_the_marginal_model_on_the_link_scale(toy, outcome, family):
    """Collapsible links: the marginal slope is psi itself for gaussian and poisson."""
    closed = fit_qgcomp(spec(outcome=outcome, family=family), toy)
    marginal = fit_qgcomp_sandwich(spec(outcome=outcome, family=family, risk_ratio=False), toy)
    if family == "binomial":
        assert 0 < marginal.psi[1] / closed.psi < 1
    else:
        assert marginal.psi[1] == pytest.approx(closed.psi, rel=1e-8)


def test_mean_outcomes_by_hand(toy):
    """g-computation by the definition: set every exposure to v, predict, average."""
    chosen = spec(outcome="event", family="binomial", terms=("a:b", "a:z"))
    result = fit_qgcomp_sandwich(chosen, toy)
    beta = dict(zip(result.outcome_terms, result.outcome_coefficients, strict=True))
    for v, mean in zip(result.levels, result.mean_outcomes, strict=True):
        eta = (
            beta["intercept"]
            + v * (beta["a"] + beta["b"] + beta["c"])
            + beta["z"] * toy["z"]
            + beta["group[women]"] * (toy["group"] == "women")
            + beta["a:b"] * v * v
            + beta["a:z"] * v * toy["z"]
        )
        assert mean == pytest.approx((1 / (1 + np.exp(-eta))).mean(), rel=1e-10)


@pytest.mark.filterwarnings("ignore:The Log link function")
@pytest.mark.parametrize("link", ["log", "logit"])
def test_structural_model_is_the_glm_on_all_predictions(link):
    """The regression on v means equals the one on the stacked predictions of every participant."""
    generator = np.random.default_rng(1)
    predictions = np.sort(generator.uniform(0.05, 0.4, size=(30, 4)), axis=1)
    P = powers(np.arange(4.0), 1)
    mine = fit_structural(predictions.mean(axis=0)[None], P, "binomial", link)[0]
    family = sm.families.Binomial(sm.families.links.Log() if link == "log" else sm.families.links.Logit())
    stacked = sm.GLM(predictions.ravel(), np.tile(P, (30, 1)), family=family).fit(
        tol=1e-14, start_params=mine
    )
    np.testing.assert_allclose(mine, stacked.params, rtol=1e-7)


def test_log_binomial_near_certainty_stays_below_one():
    """A log-linear fit through these means would exceed 1 at the top; the maximum likelihood fit does not."""
    means, P = np.array([[0.6, 0.75, 0.9, 0.97]]), powers(np.arange(4.0), 1)
    beta = fit_structural(means, P, "binomial", "log")[0]
    fitted = np.exp(P @ beta)
    assert fitted.max() < 1
    np.testing.assert_allclose(((means[0] - fitted) / (1 - fitted)) @ P, 0, atol=1e-9)


def test_bootstrap_is_refitting_the_resampled_rows(toy):
    """Resample one by duplicating rows of scored exposures, so that the cut points stay as they are."""
    chosen = spec(outcome="event", family="binomial", risk_ratio=False)
    result = fit_qgcomp_bootstrap(chosen, toy, seed=4, resamples=3)
    from mixepi.random_streams import random_stream

    drawn = random_stream(4, "qgcomp", "bootstrap").integers(0, len(toy), size=(3, len(toy)))
    scores = result.scores.score(toy).to_numpy()
    for b in range(3):
        rows = drawn[b]
        Z = np.column_stack([toy["z"], toy["group"] == "women"])[rows]
        X = np.column_stack([np.ones(len(toy)), scores[rows], Z])
        beta = np.asarray(
            sm.GLM(toy["event"].to_numpy()[rows], X, family=REFERENCES["binomial"]).fit(tol=1e-14).params
        )
        means = [(1 / (1 + np.exp(-(beta[0] + v * beta[1:4].sum() + Z @ beta[4:])))).mean() for v in range(4)]
        psi = fit_structural(np.array([means]), powers(np.arange(4.0), 1), "binomial", "logit")[0]
        np.testing.assert_allclose(result.draws[b], psi, rtol=1e-7)


def test_invariances(toy):
    base = fit_qgcomp(spec(), toy)
    moved = fit_qgcomp(spec(), toy.assign(a=np.log(toy["a"]), b=toy["b"] ** 3))
    np.testing.assert_array_equal(base.coefficients, moved.coefficients)
    shuffled = fit_qgcomp(spec(), toy.sample(frac=1, random_state=1))
    np.testing.assert_allclose(base.coefficients, shuffled.coefficients, atol=1e-12)
    weighted = toy.assign(w=np.linspace(1, 3, len(toy)))
    one, thousand = (fit_qgcomp(spec(weights="w"), weighted.assign(w=k * weighted["w"])) for k in (1, 1000))
    np.testing.assert_allclose(one.estimates()["std_error"], thousand.estimates()["std_error"], rtol=1e-10)
    turned = fit_qgcomp(spec(exposures=("c", "a", "b")), toy)
    assert turned.psi == pytest.approx(base.psi, rel=1e-10)
    ordered = spec(identifier="person")
    first = fit_qgcomp_bootstrap(ordered, toy, seed=1, resamples=20)
    second = fit_qgcomp_bootstrap(ordered, toy.sample(frac=1, random_state=1), seed=1, resamples=20)
    np.testing.assert_allclose(first.draws, second.draws, atol=1e-10)


def test_survey_variance_of_psi_by_svy_and_by_the_estimating_equations():
    """Two independent routes to the linearised variance of psi agree, gaussian: svy and our stacked
    equations."""
    data = pd.read_csv(FIXTURES / "sim905.csv")
    chosen = QGComp(
        outcome="bmd_fn",
        exposures=("pb", "cd", "hg"),
        covariates=("age", "bmi"),
        weights="wt",
        strata="stratum",
        psu="psu",
    )
    closed, stacked = fit_qgcomp(chosen, data), fit_qgcomp_sandwich(chosen, data)
    assert closed.inference == "design"
    a, b = closed.estimates().iloc[1], stacked.estimates().iloc[1]
    assert a["estimate"] == pytest.approx(b["estimate"], rel=1e-9)
    assert a["std_error"] == pytest.approx(b["std_error"], rel=1e-8)
    assert a["df"] == 15 + 1 - 6
    assert b["df"] == 15
    resampled = fit_qgcomp_bootstrap(chosen, data, seed=1, resamples=400).estimates().iloc[1]
    # 15 degrees of freedom and 400 resamples: the rescaled bootstrap is unbiased for the same variance.
    assert resampled["std_error"] == pytest.approx(a["std_error"], rel=0.15)
    domain = replace(chosen, domain="old")
    older = data.assign(old=data["age"] > 60)
    part, also = fit_qgcomp(domain, older), fit_qgcomp_sandwich(domain, older)
    assert part.estimates()["std_error"][1] == pytest.approx(also.estimates()["std_error"][1], rel=1e-8)
    assert part.n == int(older["old"].sum())


def test_splines_and_standardised_values(toy):
    curved = fit_qgcomp_sandwich(
        spec(terms=("bs(a, df=4)",), exposures=("a", "b"), quantiles=10, degree=3), toy
    )
    assert curved.levels.size == 10
    assert curved.psi.size == 4
    assert "a" not in curved.outcome_terms
    plain = fit_qgcomp_sandwich(spec(quantiles=None), toy)
    assert plain.psi[1] == pytest.approx(fit_qgcomp(spec(quantiles=None), toy).psi, rel=1e-8)


def test_schemas(toy):
    result = fit_qgcomp(spec(outcome="event", family="binomial"), toy)
    assert tuple(result.estimates().columns) == QGCOMP_ESTIMATE_COLUMNS
    assert tuple(result.weights().columns) == PARTIAL_COLUMNS
    assert tuple(result.partial_effects().columns) == PARTIAL_EFFECT_COLUMNS
    assert tuple(result.facts().columns) == FACT_COLUMNS
    np.testing.assert_allclose(result.weights().groupby("direction")["weight"].sum(), 1)
    assert result.partial_effects()["estimate"].sum() == pytest.approx(result.psi)
    assert list(result.coefficients_table()["term"]) == ["intercept", "a", "b", "c", "z", "group[women]"]
    marginal = fit_qgcomp_bootstrap(spec(), toy, seed=1, resamples=10)
    assert tuple(marginal.overall().columns) == OVERALL_COLUMNS
    assert list(marginal.estimates()["term"]) == ["intercept", "psi1"]
    drawn = next(iter(marginal.plot_overall().to_dict()["datasets"].values()))
    assert [row["mean_outcome"] for row in drawn] == list(marginal.overall()["mean_outcome"])
    assert set(marginal.outcome_model()["term"]) == {"intercept", "a", "b", "c", "z", "group[women]"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"degree": 4}, "degree to be a whole number from 1 to 3, found 4: 4 joint quantiles"),
        ({"degree": 1.5}, "degree to be a whole number from 1 to 3, found 1.5"),
        ({"quantiles": 1}, "quantiles to be a whole number of at least 2, found 1: use 4 or 10"),
        ({"quantiles": -3}, "quantiles to be a whole number of at least 2, found -3"),
        ({"quantiles": 2.5}, "quantiles to be a whole number of at least 2, found 2.5"),
        ({"family": "negative_binomial"}, "family to be one of gaussian, binomial, poisson, found 'negative"),
        ({"inference": "r"}, "inference to be one of residual, qgcomp, found 'r'"),
        ({"weights": "a"}, "one role, found 'a' as exposures and weights"),
        ({"covariates": ("z", "z")}, "one role, found 'z' as covariates and covariates"),
        ({"terms": "a:b"}, "terms to be a tuple of terms, found the text 'a:b'"),
        ({"risk_ratio": "yes"}, "risk_ratio to be True or False, found 'yes'"),
    ],
)
def test_contradictory_specifications(options, message):
    with pytest.raises(SpecificationError, match=message):
        spec(**options)


def test_errors(toy):
    with pytest.raises(SpecificationError, match="use fit_qgcomp_bootstrap"):
        fit_qgcomp(spec(degree=2), toy)
    with pytest.raises(SpecificationError, match="resamples to be a whole number of at least 2, found 1"):
        fit_qgcomp_bootstrap(spec(), toy, seed=1, resamples=1)
    with pytest.raises(SpecificationError, match="terms of exposures and covariates"):
        fit_qgcomp_sandwich(spec(terms=("I(nonsense**2)",)), toy)
    with pytest.raises(EstimationError, match="linearly independent terms, found 'copy'"):
        fit_qgcomp(spec(covariates=("z", "copy")), toy.assign(copy=toy["z"]))
    with pytest.raises(DataError, match="one row per value of 'person', found 1 repeated"):
        fit_qgcomp(spec(identifier="person"), toy.assign(person=np.r_[0, 0, np.arange(198) + 5]))
    with pytest.raises(SpecificationError, match="spec to be a QGComp, found DataFrame"):
        fit_qgcomp_sandwich(toy, spec())
    with pytest.raises(DataError, match="found b: 4"):
        fit_qgcomp(spec(), toy.assign(b=toy["b"].where(toy.index > 3)))
    with pytest.warns(QuantileWarning, match="'a': expected 4 score levels, found 3"):
        fit_qgcomp(spec(), toy.assign(a=np.maximum(toy["a"], toy["a"].quantile(0.4))))
    with pytest.raises(EstimationError, match="expected the marginal model to settle"):
        require_settled(np.array([[np.nan, 1.0]]))
