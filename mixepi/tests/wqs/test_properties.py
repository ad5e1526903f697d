"""What must not change, and what must change with what."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixepi import WQS, fit_wqs

pytestmark = pytest.mark.filterwarnings("ignore::mixepi.errors.MixepiWarning")
ABC = ("a", "b", "c", "d")


def spec(**options) -> WQS:
    return WQS(**{"outcome": "y", "exposures": ABC, "covariates": ("z",), "bootstraps": 12, **options})


@pytest.mark.parametrize("direction", ["positive", "negative", "both"])
@pytest.mark.parametrize(
    ("outcome", "family"),
    [("y", "gaussian"), ("event", "binomial"), ("count", "poisson"), ("count", "negative_binomial")],
)
def test_weights_are_on_the_simplex_and_fits_are_optimal(toy, direction, outcome, family):
    result = fit_wqs(spec(outcome=outcome, family=family, direction=direction), toy, seed=3)
    np.testing.assert_allclose(result.index_weights.sum(axis=1), 1)
    assert np.all(result.index_weights >= 0)
    used = result.bootstraps.weights[result.bootstraps.used]
    np.testing.assert_allclose(used.sum(axis=1), 1)
    assert np.all(used >= 0)
    assert result.bootstraps.kkt_violations.max() < 1e-6
    signs = {"positive": [1], "negative": [-1], "both": [1, -1]}[direction]
    for coefficients, sign, kept in zip(
        result.bootstraps.coefficients, signs, result.bootstraps.used, strict=True
    ):
        assert np.all(coefficients[kept] * sign > 0)


def test_two_indices_never_share_an_exposure_in_one_bootstrap(toy):
    result = fit_wqs(spec(direction="both"), toy, seed=3)
    positive, negative = np.nan_to_num(result.bootstraps.weights)
    assert np.all((positive == 0) | (negative == 0))


def test_monotone_transforms_of_exposures_change_nothing(toy):
    base = fit_wqs(spec(), toy, seed=3)
    moved = toy.assign(a=np.log(toy["a"]), b=toy["b"] ** 3, c=1000 * toy["c"])
    other = fit_wqs(spec(), moved, seed=3)
    np.testing.assert_array_equal(base.index_weights, other.index_weights)
    np.testing.assert_array_equal(base.model.coefficients, other.model.coefficients)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_the_scale_of_weights_changes_nothing(toy, family):
    generator = np.random.default_rng(1)
    weighted = toy.assign(w=generator.uniform(1, 5, len(toy)))
    chosen = spec(weights="w", outcome="y" if family == "gaussian" else "event", family=family)
    base = fit_wqs(chosen, weighted, seed=3)
    other = fit_wqs(chosen, weighted.assign(w=1e4 * weighted["w"]), seed=3)
    np.testing.assert_allclose(base.index_weights, other.index_weights, atol=1e-9)
    np.testing.assert_allclose(base.estimates()["std_error"], other.estimates()["std_error"], rtol=1e-9)


def test_row_order_changes_nothing_with_an_identifier(toy):
    chosen = spec(identifier="person", stratified_by="group")
    base = fit_wqs(chosen, toy, seed=3)
    shuffled = toy.sample(frac=1, random_state=7)
    other = fit_wqs(chosen, shuffled, seed=3)
    np.testing.assert_allclose(base.index_weights, other.index_weights, atol=1e-10)
    np.testing.assert_allclose(base.model.coefficients, other.model.coefficients, atol=1e-10)
    people = set(toy["person"][base.validation_rows])
    assert people == set(shuffled["person"][other.validation_rows])


def test_row_order_changes_nothing_with_given_rows(toy):
    validation = np.arange(len(toy)) % 2 == 0
    chosen = spec(bootstraps=1)
    base = fit_wqs(chosen, toy, seed=3, validation_rows=validation)
    order = np.random.default_rng(4).permutation(len(toy))
    other = fit_wqs(chosen, toy.iloc[order], seed=3, validation_rows=validation[order])
    np.testing.assert_allclose(base.index_weights, other.index_weights, atol=1e-10)
    np.testing.assert_allclose(base.model.coefficients, other.model.coefficients, atol=1e-10)


@given(st.permutations(ABC))
@settings(max_examples=8, deadline=None)
def test_permuted_exposures_permute_weights(order):
    generator = np.random.default_rng(5)
    import pandas as pd

    data = pd.DataFrame({name: generator.lognormal(size=80) for name in ABC})
    data["z"] = generator.normal(size=80)
    data["y"] = data["a"] - data["c"] + generator.normal(size=80)
    base = fit_wqs(spec(), data, seed=3).weights().set_index("exposure")["weight"]
    other = fit_wqs(spec(exposures=tuple(order)), data, seed=3).weights().set_index("exposure")["weight"]
    np.testing.assert_allclose(other[base.index], base, atol=1e-8)


def test_doubled_rows_are_doubled_weights(toy):
    """Rows of weight 2 against the same rows twice, with cut points that doubling does not move."""
    chosen = spec(bootstraps=1, validation=0.0, weights="w", quantiles=None)
    heavy = np.arange(len(toy)) % 3 == 0
    coded = toy.assign(**{name: toy[name].rank() for name in ABC})
    twice = coded.loc[np.repeat(np.arange(len(toy)), np.where(heavy, 2, 1))].reset_index(drop=True)
    by_weight = fit_wqs(chosen, coded.assign(w=np.where(heavy, 2.0, 1.0)), seed=3)
    by_rows = fit_wqs(chosen, twice.assign(w=1.0), seed=3)
    # Standardised values are scaled by each data set's own spread: compare effects per unit of rank.
    slopes = [
        r.bootstraps.coefficients[0, 0] * r.index_weights[0] / r.scores.scales for r in (by_weight, by_rows)
    ]
    np.testing.assert_allclose(slopes[0], slopes[1], atol=1e-9)


def test_same_seed_same_result_and_other_seed_another(toy):
    first, again, other = (fit_wqs(spec(), toy, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.model.coefficients, again.model.coefficients)
    assert not np.array_equal(first.model.coefficients, other.model.coefficients)


def test_one_bootstrap_without_split_is_the_plain_constrained_fit(toy):
    """Without resampling or split the index coefficient is the sum of the constrained coefficients."""
    result = fit_wqs(spec(bootstraps=1, validation=0.0), toy, seed=3)
    assert result.training_rows.all()
    assert result.validation_rows.all()
    assert result.model.coefficients[1] == pytest.approx(result.bootstraps.coefficients[0, 0], rel=1e-8)
    error = np.sqrt(result.model.covariance[1, 1])
    assert error == pytest.approx(result.bootstraps.std_errors[0, 0], rel=1e-8)


@pytest.mark.parametrize(
    ("signal", "rule"),
    [
        ("t2", lambda t: t**2),
        ("t3", lambda t: t**3),
        ("abst", abs),
        ("expt", np.expm1),
        ("one", np.ones_like),
    ],
)
def test_signals(toy, signal, rule):
    result = fit_wqs(spec(signal=signal), toy, seed=3)
    table = result.bootstrap_table()
    expected = rule(table["statistic"].abs().to_numpy())
    np.testing.assert_allclose(table["signal"], expected, rtol=1e-12)
    by_hand = expected @ table[[f"weight_{name}" for name in ABC]].to_numpy() / expected.sum()
    np.testing.assert_allclose(result.index_weights[0], by_hand, atol=1e-12)


def test_free_sign_keeps_only_bootstraps_of_that_sign(toy):
    weak = toy.assign(y=np.random.default_rng(9).normal(size=len(toy)))
    result = fit_wqs(spec(constrain_sign=False, bootstraps=40), weak, seed=3)
    used = result.bootstraps.used[0]
    assert 0 < used.sum() < 40
    assert np.all(result.bootstraps.coefficients[0][used] > 0)
    assert np.all(result.bootstraps.coefficients[0][~used] <= 0)
    constrained = fit_wqs(spec(bootstraps=40), weak, seed=3)
    np.testing.assert_array_equal(constrained.bootstraps.preferred[0], used)
    assert np.all(result.bootstraps.deviances <= constrained.bootstraps.deviances)
    opposite = fit_wqs(replace(spec(constrain_sign=False, bootstraps=40), direction="negative"), weak, seed=3)
    np.testing.assert_array_equal(opposite.bootstraps.used[0], ~used)
