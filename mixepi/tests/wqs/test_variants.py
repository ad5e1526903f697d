"""Strata, interactions, random subsets, offsets, survey designs."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from mixepi import WQS, HoldoutOptions, fit_repeated_holdout_wqs, fit_wqs
from mixepi.errors import DataError
from mixepi.glm.constrained import fit_constrained, fit_glm
from mixepi.resampling import count_rows
from mixepi.wqs.bootstraps import draw_subsets, fit_bootstraps
from mixepi.wqs.data import wqs_data
from mixepi.wqs.interaction import fit_interaction_bootstraps

ABC = ("a", "b", "c", "d")
BASE = {"outcome": "y", "exposures": ABC, "covariates": ("z",), "bootstraps": 10}


def test_stratified_weights_sum_to_one_over_all_strata(toy):
    result = fit_wqs(WQS(**BASE, stratified_by="group"), toy, seed=3)
    table = result.weights()
    assert table["weight"].sum() == pytest.approx(1)
    assert len(table) == 8
    assert set(table["stratum"]) == {"men", "women"}
    assert "group[women]" in result.model.terms


def test_stratified_weights_find_the_stratum_that_matters():
    generator = np.random.default_rng(8)
    n = 600
    data = pd.DataFrame(generator.normal(size=(n, 2)), columns=["a", "b"])
    data["group"] = np.where(np.arange(n) % 2 == 0, "men", "women")
    data["y"] = np.where(data["group"] == "men", data["a"], 0.6 * data["b"]) + 0.3 * generator.normal(size=n)
    result = fit_wqs(WQS(outcome="y", exposures=("a", "b"), stratified_by="group"), data, seed=1)
    weights = result.weights().set_index(["exposure", "stratum"])["weight"]
    assert weights["a", "men"] == pytest.approx(1 / 1.6, abs=0.05)
    assert weights["b", "women"] == pytest.approx(0.6 / 1.6, abs=0.05)
    assert weights["a", "women"] + weights["b", "men"] < 0.1


def test_stratified_index_of_new_data(toy):
    result = fit_wqs(WQS(**BASE, stratified_by="group"), toy, seed=3)
    women = toy[toy["group"] == "women"]
    weights = result.weights().set_index(["exposure", "stratum"])["weight"]
    scores = result.scores.score(women).to_numpy()
    expected = scores @ np.array([weights[name, "women"] for name in ABC])
    np.testing.assert_allclose(result.index(women)["wqs"], expected, atol=1e-12)
    with pytest.raises(DataError, match="found children: the index weights are only known"):
        result.index(women.assign(group="children"))


def test_index_of_the_training_data_is_that_of_the_final_model(toy):
    result = fit_wqs(WQS(**BASE), toy, seed=3)
    rows = result.validation_rows
    X = np.column_stack([np.ones(rows.sum()), result.index(toy)["wqs"][rows], toy["z"][rows]])
    fit = fit_glm(
        X,
        ("i", "wqs", "z"),
        toy["y"].to_numpy()[rows],
        family="gaussian",
        weights=np.ones(rows.sum()),
        offset=np.zeros(rows.sum()),
    )
    np.testing.assert_allclose(result.model.coefficients, fit.coefficients, atol=1e-10)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_interaction_reaches_the_optimum_of_the_joint_problem(toy, family):
    """A general optimiser over (b0, b1, b3, c, w) from many starts finds nothing better."""
    outcome = "y" if family == "gaussian" else "event"
    spec = WQS(**{**BASE, "outcome": outcome, "bootstraps": 1}, family=family, interaction="group")
    prepared = wqs_data(spec, toy)
    rows = np.ones(len(toy), dtype=bool)
    fits = fit_interaction_bootstraps(spec, prepared, rows, np.ones((1, len(toy))))
    Q, m, y = prepared.index_columns, prepared.modifier, prepared.outcome
    Z = np.column_stack([np.ones(len(y)), prepared.covariates.matrix])

    def loss(parameters):
        b1, b3 = abs(parameters[0]), parameters[1]
        w = parameters[2 : 2 + 4] ** 2
        eta = (b1 + b3 * m) * (Q @ (w / w.sum())) + Z @ parameters[6:]
        if family == "gaussian":
            return float(((y - eta) ** 2).sum())
        return float(2 * (np.logaddexp(0, eta) - y * eta).sum())

    generator = np.random.default_rng(2)
    best = min(
        minimize(
            loss, np.r_[0.3, 0.1 * s, generator.random(4) + 0.1, np.zeros(Z.shape[1])], method="BFGS"
        ).fun
        for s in (-1, 0, 1)
        for _ in range(3)
    )
    assert fits.deviances[0] <= best + 1e-6
    assert fits.deviances[0] == pytest.approx(best, rel=1e-3)


@pytest.mark.filterwarnings("ignore::mixepi.errors.MixepiWarning")
def test_interaction_recovers_different_slopes():
    generator = np.random.default_rng(10)
    n = 800
    data = pd.DataFrame(generator.normal(size=(n, 2)), columns=["a", "b"])
    data["m"] = (np.arange(n) % 2).astype(float)
    ranks = np.floor(4 * data[["a", "b"]].rank(pct=True) - 1e-9)
    index = 0.7 * ranks["a"] + 0.3 * ranks["b"]
    data["y"] = index * (0.5 + 1.0 * data["m"]) + 0.2 * generator.normal(size=n)
    result = fit_wqs(WQS(outcome="y", exposures=("a", "b"), interaction="m", bootstraps=5), data, seed=1)
    estimates = result.estimates().set_index("term")["estimate"]
    assert estimates["wqs"] == pytest.approx(0.5, abs=0.05)
    assert estimates["wqs:m"] == pytest.approx(1.0, abs=0.05)
    np.testing.assert_allclose(result.index_weights[0], [0.7, 0.3], atol=0.03)


def test_interaction_error_is_that_of_the_regression_on_the_index(toy):
    spec = WQS(**BASE, interaction="group")
    prepared = wqs_data(spec, toy)
    drawn = np.random.default_rng(1).integers(0, len(toy), size=(1, len(toy)))
    fits = fit_interaction_bootstraps(
        spec, prepared, np.ones(len(toy), dtype=bool), count_rows(drawn, len(toy))
    )
    index = prepared.index_columns @ fits.weights[0, 0]
    m = prepared.modifier
    X = np.column_stack([np.ones(len(toy)), index, index * m, prepared.covariates.matrix])[drawn[0]]
    fit = fit_glm(
        X,
        tuple("iabcd"),
        prepared.outcome[drawn[0]],
        family="gaussian",
        weights=np.ones(len(toy)),
        offset=np.zeros(len(toy)),
    )
    assert fits.coefficients[0, 0] == pytest.approx(fit.coefficients[1], rel=1e-5)
    assert fits.std_errors[0, 0] == pytest.approx(np.sqrt(fit.covariance[1, 1]), rel=1e-5)


def test_a_factor_of_three_levels_cannot_interact(toy):
    with pytest.raises(DataError, match="'three' to have 2 levels, found 3"):
        fit_wqs(WQS(**BASE, interaction="three"), toy.assign(three=list("abc") * 40), seed=1)


def test_random_subsets_have_the_size_asked_for():
    spec = WQS(outcome="y", exposures=tuple(f"x{j}" for j in range(30)), random_subset="sqrt", bootstraps=50)
    included = draw_subsets(np.random.default_rng(1), spec, 30)
    assert included.shape == (50, 30)
    assert set(included.sum(axis=1)) == {5}
    assert np.all(included.any(axis=0))


def test_random_subset_fits_are_those_of_the_subset(toy):
    spec = WQS(**BASE, random_subset=2)
    prepared = wqs_data(spec, toy)
    included = np.array([[True, True, False, False], [False, True, False, True]])
    fits = fit_bootstraps(spec, prepared, np.ones(len(toy), dtype=bool), np.ones((1, len(toy))), included)
    for b in range(2):
        alone = fit_constrained(
            prepared.index_columns[:, included[b]],
            prepared.covariates.matrix,
            prepared.outcome,
            np.ones((1, len(toy))),
            np.ones(2, dtype=int),
            family="gaussian",
            offset=np.zeros(len(toy)),
            residual_df=float(len(toy) - 3),
        )
        np.testing.assert_allclose(
            fits.weights[0, b, included[b]] * fits.coefficients[0, b], alone.coefficients[0], atol=1e-9
        )
        assert np.all(fits.weights[0, b, ~included[b]] == 0)


def test_random_subset_with_many_exposures():
    generator = np.random.default_rng(6)
    n, p = 150, 60
    data = pd.DataFrame(generator.normal(size=(n, p)), columns=[f"x{j}" for j in range(p)])
    data["y"] = data["x0"] + data["x1"] + 0.5 * generator.normal(size=n)
    spec = WQS(outcome="y", exposures=tuple(data.columns[:p]), random_subset="sqrt", bootstraps=300)
    table = fit_wqs(spec, data, seed=1).weights()
    assert set(table["exposure"][:2]) == {"x0", "x1"}


@pytest.mark.filterwarnings("ignore::mixepi.errors.DirectionWarning")
def test_offset_is_log_person_time(toy):
    """Poisson with log person-time as offset: doubling everyone's time moves only the intercept, by log 2."""
    timed = toy.assign(log_time=np.log(1 + np.arange(len(toy)) % 5))
    spec = WQS(**{**BASE, "outcome": "count"}, family="poisson", offset="log_time")
    base = fit_wqs(spec, timed, seed=3)
    other = fit_wqs(spec, timed.assign(log_time=timed["log_time"] + np.log(2)), seed=3)
    np.testing.assert_allclose(base.index_weights, other.index_weights, atol=1e-8)
    shift = base.model.coefficients - other.model.coefficients
    np.testing.assert_allclose(shift, np.r_[np.log(2), np.zeros(shift.size - 1)], atol=1e-8)
    without = fit_wqs(WQS(**{**BASE, "outcome": "count"}, family="poisson"), timed, seed=3)
    assert np.abs(without.bootstraps.coefficients - base.bootstraps.coefficients).max() > 1e-3


def test_standardised_values_instead_of_scores(toy):
    result = fit_wqs(WQS(**BASE, quantiles=None), toy, seed=3)
    expected = (
        (toy[list(ABC)] - toy[list(ABC)].mean()) / toy[list(ABC)].std()
    ).to_numpy() @ result.index_weights[0]
    np.testing.assert_allclose(result.index(toy)["wqs"], expected, atol=1e-12)


def linearised(X, y, w, strata, psu, rows, mean, bread):
    """Textbook linearisation, written from the formula: bread * between-PSU variance of score totals *
    bread."""
    scores = np.zeros((len(rows), X.shape[1]))
    scores[rows] = X * (w[rows] * (y - mean))[:, None]
    meat = np.zeros((X.shape[1], X.shape[1]))
    for h in np.unique(strata):
        totals = np.array(
            [scores[(strata == h) & (psu == c)].sum(axis=0) for c in np.unique(psu[strata == h])]
        )
        centred = totals - totals.mean(axis=0)
        meat += len(totals) / (len(totals) - 1) * centred.T @ centred
    return bread @ meat @ bread


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_design_based_errors_of_the_validation_model(sim905, model, family):
    chosen = {
        **model,
        "family": family,
        "outcome": "osteo" if family == "binomial" else "bmd_fn",
        "covariates": ("age", "bmi"),
    }
    direction = "positive" if family == "binomial" else "negative"
    spec = WQS(**chosen, direction=direction, weights="wt", strata="stratum", psu="psu", bootstraps=20)
    result = fit_wqs(spec, sim905, seed=1)
    rows = result.validation_rows
    X = np.column_stack(
        [np.ones(rows.sum()), result.index(sim905)["wqs"][rows], sim905[["age", "bmi"]][rows]]
    )
    w, y = sim905["wt"].to_numpy(), sim905[spec.outcome].to_numpy(dtype=float)[rows]
    eta = X @ result.model.coefficients
    mean = eta if family == "gaussian" else 1 / (1 + np.exp(-eta))
    slope = np.ones_like(mean) if family == "gaussian" else mean * (1 - mean)
    bread = np.linalg.inv((X * (w[rows] * slope)[:, None]).T @ X)
    np.testing.assert_allclose(X.T @ (w[rows] * (y - mean)), 0, atol=1e-4)
    expected = linearised(X, y, w, sim905["stratum"].to_numpy(), sim905["psu"].to_numpy(), rows, mean, bread)
    np.testing.assert_allclose(result.estimates()["std_error"], np.sqrt(np.diag(expected)), rtol=1e-8)
    # 9 of 15 strata with 2 PSUs each are validated: 18 - 9 + 1 - 4 parameters.
    assert set(result.estimates()["df"]) == {6.0}
    assert result.facts()["inference"][0] == "design"


def test_design_with_identifier_and_domain(sim905, model):
    chosen = {
        **model,
        "covariates": ("age",),
        "weights": "wt",
        "strata": "stratum",
        "psu": "psu",
        "bootstraps": 5,
    }
    data = sim905.assign(inside=sim905["age"] > 55)
    spec = WQS(**chosen, domain="inside", identifier="seqn")
    base = fit_wqs(spec, data, seed=1)
    other = fit_wqs(spec, data.sample(frac=1, random_state=1), seed=1)
    np.testing.assert_allclose(base.estimates()["std_error"], other.estimates()["std_error"], rtol=1e-8)
    assert base.training_rows[~data["inside"]].sum() == 0
    # Outside the domain neither weights nor covariates need to be there.
    holes = data.assign(wt=data["wt"].where(data["inside"]), age=data["age"].where(data["inside"]))
    np.testing.assert_array_equal(
        fit_wqs(spec, holes, seed=1).estimates()["std_error"], base.estimates()["std_error"]
    )


@pytest.mark.filterwarnings("ignore::mixepi.errors.MixepiWarning")
@pytest.mark.parametrize("family", ["poisson", "negative_binomial", "quasipoisson", "quasibinomial"])
def test_every_family_has_design_based_errors(sim905, model, family):
    """Counts made of a rounded exposure; the score equations hold and the variance is the textbook one."""
    generator = np.random.default_rng(3)
    data = sim905.assign(count=generator.poisson(2 + sim905["pb"]))
    outcome = "osteo" if family == "quasibinomial" else "count"
    spec = WQS(
        **{**model, "outcome": outcome, "covariates": ("age",), "family": family},
        weights="wt",
        strata="stratum",
        psu="psu",
        bootstraps=5,
    )
    result = fit_wqs(spec, data, seed=1)
    rows = result.validation_rows
    X = np.column_stack([np.ones(rows.sum()), result.index(data)["wqs"][rows], data["age"][rows]])
    w, y = data["wt"].to_numpy(), data[outcome].to_numpy(dtype=float)[rows]
    eta = X @ result.model.coefficients
    if family == "quasibinomial":
        mean = 1 / (1 + np.exp(-eta))
        slope = mean * (1 - mean)
        factor = np.ones_like(mean)
    else:
        mean = np.exp(eta)
        factor = 1 / (1 + mean / result.model.size) if family == "negative_binomial" else np.ones_like(mean)
        slope = mean * factor
    bread = np.linalg.inv((X * (w[rows] * slope)[:, None]).T @ X)
    expected = linearised(
        X * factor[:, None], y, w, data["stratum"].to_numpy(), data["psu"].to_numpy(), rows, mean, bread
    )
    np.testing.assert_allclose(result.estimates()["std_error"], np.sqrt(np.diag(expected)), rtol=1e-6)
    assert result.facts()["inference"][0] == "design"


@pytest.mark.filterwarnings("ignore::mixepi.errors.MixepiWarning")
@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson", "negative_binomial"])
def test_a_holdout_under_a_design_has_the_coefficients_of_the_design_based_fit(sim905, model, family):
    data = sim905.assign(count=np.random.default_rng(3).poisson(2 + sim905["pb"]))
    outcome = {"gaussian": "bmd_fn", "binomial": "osteo"}.get(family, "count")
    spec = WQS(
        **{**model, "outcome": outcome, "covariates": ("age",), "family": family},
        direction="negative" if family == "gaussian" else "positive",
        weights="wt",
        strata="stratum",
        psu="psu",
        bootstraps=5,
    )
    single, repeated = (
        fit_wqs(spec, data, seed=1),
        fit_repeated_holdout_wqs(spec, data, seed=1, options=HoldoutOptions(holdouts=2, workers=1)),
    )
    assert single.facts()["inference"][0] == "design"
    np.testing.assert_allclose(repeated.coefficients[0], single.model.coefficients, rtol=1e-7, atol=1e-9)
