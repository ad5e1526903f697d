"""Result tables, repeated holdout, permutation, plots."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mixepi import (
    WQS,
    HoldoutOptions,
    PermutationOptions,
    fit_repeated_holdout_wqs,
    fit_wqs,
    permutation_test_wqs,
)
from mixepi.tables import ESTIMATE_COLUMNS
from mixepi.wqs import permutation
from mixepi.wqs.permutation import PERMUTATION_COLUMNS
from mixepi.wqs.repeated_holdout import HOLDOUT_COLUMNS, HOLDOUT_ESTIMATE_COLUMNS
from mixepi.wqs.results import BOOTSTRAP_COLUMNS, FACT_COLUMNS, WEIGHT_COLUMNS, WQS_ESTIMATE_COLUMNS

pytestmark = pytest.mark.filterwarnings("ignore::mixepi.errors.MixepiWarning")
ABC = ("a", "b", "c", "d")
BASE = {"outcome": "y", "exposures": ABC, "covariates": ("z", "group"), "bootstraps": 10}


@pytest.fixture
def result(toy):
    return fit_wqs(WQS(**BASE), toy, seed=3)


def test_schemas(result):
    assert tuple(result.estimates().columns) == WQS_ESTIMATE_COLUMNS
    assert WQS_ESTIMATE_COLUMNS[: len(ESTIMATE_COLUMNS)] == ESTIMATE_COLUMNS
    assert tuple(result.weights().columns) == WEIGHT_COLUMNS
    assert tuple(result.bootstrap_table().columns) == (
        *BOOTSTRAP_COLUMNS,
        *(f"weight_{name}" for name in ABC),
    )
    assert tuple(result.facts().columns) == FACT_COLUMNS


def test_estimates_are_wald_statistics(result):
    table = result.estimates(0.9)
    assert list(table["term"]) == ["intercept", "wqs", "z", "group[women]"]
    row = table.iloc[1]
    assert row["df"] == 72 - 4
    assert row["n"] == 72
    assert row["statistic"] == pytest.approx(row["estimate"] / row["std_error"])
    assert row["p_value"] == pytest.approx(2 * stats.t(68).sf(abs(row["statistic"])))
    assert row["conf_high"] - row["estimate"] == pytest.approx(stats.t(68).ppf(0.95) * row["std_error"])


def test_binomial_estimates_count_events(toy):
    result = fit_wqs(WQS(**{**BASE, "outcome": "event"}, family="binomial"), toy, seed=3)
    table = result.estimates()
    assert set(table["events"]) == {int(toy["event"][result.validation_rows].sum())}
    assert np.isinf(table["df"]).all()


def test_weights_by_hand(result):
    table = result.weights(0.8)
    assert list(table["rank"]) == [1, 2, 3, 4]
    assert list(table["weight"]) == sorted(table["weight"], reverse=True)
    drawn = pd.DataFrame(result.bootstraps.weights[0], columns=ABC)
    for row in table.itertuples():
        column = drawn[row.exposure]
        assert row.share_above_equal == (column > 0.25).mean()
        assert row.conf_low == pytest.approx(column.quantile(0.1))
        assert row.conf_high == pytest.approx(column.quantile(0.9))


def test_facts(result):
    facts = result.facts().iloc[0]
    assert (facts["training_n"], facts["validation_n"], facts["bootstraps"], facts["seed"]) == (48, 72, 10, 3)
    assert facts["largest_kkt_violation"] < 1e-8
    assert facts["bootstraps_converged"] == 10
    assert facts["inference"] == "model"


def test_repeated_holdout_tables(toy):
    repeated = fit_repeated_holdout_wqs(
        WQS(**BASE), toy, seed=3, options=HoldoutOptions(holdouts=40, workers=1)
    )
    table = repeated.estimates()
    assert tuple(table.columns) == HOLDOUT_ESTIMATE_COLUMNS
    draws = repeated.coefficients[:, 1]
    row = table.iloc[1]
    assert row["estimate"] == pytest.approx(draws.mean())
    assert row["median"] == pytest.approx(np.median(draws))
    assert row["std_error"] == pytest.approx(draws.std(ddof=1))
    assert row["conf_low"] == pytest.approx(np.quantile(draws, 0.025))
    assert tuple(repeated.weights().columns) == WEIGHT_COLUMNS
    assert repeated.weights()["weight"].sum() == pytest.approx(1)
    holdouts = repeated.holdout_table()
    assert tuple(holdouts.columns[: len(HOLDOUT_COLUMNS)]) == HOLDOUT_COLUMNS
    np.testing.assert_allclose(holdouts["estimate_wqs"], draws)


def test_the_number_of_workers_changes_nothing(toy):
    one, two = (
        fit_repeated_holdout_wqs(WQS(**BASE), toy, seed=3, options=HoldoutOptions(holdouts=6, workers=k))
        for k in (1, 2)
    )
    np.testing.assert_array_equal(one.coefficients, two.coefficients)
    np.testing.assert_array_equal(one.index_weights, two.index_weights)


def test_the_first_holdout_is_the_single_fit(toy, result):
    repeated = fit_repeated_holdout_wqs(
        WQS(**BASE), toy, seed=3, options=HoldoutOptions(holdouts=2, workers=1)
    )
    np.testing.assert_array_equal(repeated.coefficients[0], result.model.coefficients)


@pytest.mark.filterwarnings("ignore::mixepi.errors.MixepiWarning")
def test_splits_without_the_direction_are_dropped_and_counted(toy):
    weak = toy.assign(y=np.random.default_rng(9).normal(size=len(toy)))
    spec = WQS(**{**BASE, "bootstraps": 1, "validation": 0.8}, constrain_sign=False)
    with pytest.warns(UserWarning, match="expected 12 completed splits, found"):
        repeated = fit_repeated_holdout_wqs(
            spec, weak, seed=3, options=HoldoutOptions(holdouts=12, workers=1)
        )
    assert 0 < len(repeated.failures) < 12
    table = repeated.holdout_table()
    assert table["completed"].sum() == repeated.completed.size
    assert table.loc[~table["completed"], "reason"].str.contains("positive index").all()


@pytest.mark.parametrize(("outcome", "family"), [("y", "gaussian"), ("event", "binomial")])
def test_permutation_finds_a_strong_index_and_counts_by_hand(toy, outcome, family):
    spec = WQS(**{**BASE, "outcome": outcome, "bootstraps": 5}, family=family)
    found = permutation_test_wqs(spec, toy, seed=1, options=PermutationOptions(permutations=39, workers=1))
    assert found.p_value <= 0.1
    assert found.p_value == (1 + (found.null_estimates >= found.estimate).sum()) / 40
    assert tuple(found.estimates().columns) == PERMUTATION_COLUMNS
    again = permutation_test_wqs(spec, toy, seed=1, options=PermutationOptions(permutations=39, workers=2))
    np.testing.assert_array_equal(found.null_estimates, again.null_estimates)


def test_residual_scores_give_the_same_index_as_scores(toy):
    """The permuted quantity is the scores minus their regression on the covariates, which cannot change
    theta."""
    spec = WQS(**{**BASE, "outcome": "event", "validation": 0.0}, family="binomial")
    prepared = permutation.wqs_data(spec, toy)
    residuals = permutation._residuals(spec, prepared)
    from dataclasses import replace

    generator = [np.random.default_rng(1) for _ in range(2)]
    direct = permutation._coefficient(spec, prepared, generator[0])
    swapped = permutation._coefficient(spec, replace(prepared, index_columns=residuals), generator[1])
    assert direct[0] == pytest.approx(swapped[0], rel=1e-6)
    np.testing.assert_allclose(direct[1], swapped[1], atol=1e-6)


def test_plot_of_weights(result, toy):
    chart = result.plot_weights().to_dict()
    drawn = {
        row["exposure"]: row["weight"]
        for rows in chart["datasets"].values()
        for row in rows
        if "exposure" in row
    }
    assert drawn == dict(zip(ABC, result.index_weights[0], strict=True))
    assert [{"equal": 0.25}] in chart["datasets"].values()
    both = fit_wqs(WQS(**BASE, direction="both"), toy, seed=3).plot_weights().to_dict()
    assert both["layer"][0]["encoding"]["yOffset"]["field"] == "direction"
