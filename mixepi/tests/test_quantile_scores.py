"""Quantile scores: cut points, ties, non-detects, new data."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixepi import fit_quantile_scores
from mixepi.errors import DataError, QuantileWarning, SpecificationError
from mixepi.quantile_scores import type7_quantiles
from tests.support.paths import FIXTURES

METALS = ["pb", "cd", "hg", "se", "mn"]


def test_eight_values_in_four_groups_by_hand():
    data = pd.DataFrame({"x": [1.0, 2, 3, 4, 5, 6, 7, 8]})
    rule = fit_quantile_scores(data, ["x"], quantiles=4)
    np.testing.assert_array_equal(rule.cut_points[0], [2.75, 4.5, 6.25])
    np.testing.assert_array_equal(rule.score(data).iloc[:, 0], [0, 0, 1, 1, 2, 2, 3, 3])


def test_a_value_on_a_cut_point_belongs_below():
    data = pd.DataFrame({"x": [0.0, 1, 2, 3, 4]})
    rule = fit_quantile_scores(data, ["x"], quantiles=4)
    np.testing.assert_array_equal(rule.cut_points[0], [1, 2, 3])
    np.testing.assert_array_equal(rule.score(data).iloc[:, 0], [0, 0, 1, 2, 3])


def test_scores_are_those_of_qgcomp():
    data = pd.read_csv(FIXTURES / "sim905.csv")
    stored = pd.read_csv(FIXTURES / "qgcomp" / "qgcomp_quantized.csv")
    np.testing.assert_array_equal(fit_quantile_scores(data, METALS, quantiles=4).score(data), stored[METALS])


def test_non_detects_share_one_score_and_are_reported():
    values = np.r_[np.full(40, 0.07), np.linspace(0.1, 2, 60)]
    data = pd.DataFrame({"cd": values})
    with pytest.warns(
        QuantileWarning, match=r"'cd'.*expected 4 score levels, found 3 \(40% tied at the lowest\)"
    ):
        rule = fit_quantile_scores(data, ["cd"], quantiles=4)
    scores = rule.score(data).iloc[:, 0]
    # 40 % tied at the minimum swallow the first cut point; the median and the third quartile stay.
    assert set(scores[:40]) == {0.0}
    assert [int((scores == k).sum()) for k in range(3)] == [50, 25, 25]
    row = rule.table().iloc[0]
    assert (row["levels"], row["share_lowest_value"], row["distinct_values"]) == (3, 0.4, 61)


def test_fewer_distinct_values_than_quantiles_is_reported():
    data = pd.DataFrame({"x": np.repeat([0.0, 1, 2], 30)})
    with pytest.warns(QuantileWarning, match="3 distinct values"):
        fit_quantile_scores(data, ["x"], quantiles=10)


def test_new_data_are_scored_by_the_old_cut_points():
    data = pd.DataFrame({"x": np.arange(100.0)})
    rule = fit_quantile_scores(data, ["x"], quantiles=4)
    new = pd.DataFrame({"x": [-5.0, 24.75, 24.76, 1000.0]})
    np.testing.assert_array_equal(rule.score(new).iloc[:, 0], [0, 0, 1, 3])


def test_standardised_values():
    data = pd.DataFrame({"x": [1.0, 2, 3, 6]})
    scores = fit_quantile_scores(data, ["x"], quantiles=None).score(data).iloc[:, 0]
    np.testing.assert_allclose([scores.mean(), scores.std(ddof=1)], [0, 1], atol=1e-15)


@given(st.lists(st.integers(0, 30), min_size=8, max_size=60), st.integers(2, 10))
@settings(max_examples=60, deadline=None)
def test_scores_do_not_change_under_monotone_transforms(values, q):
    data = pd.DataFrame({"x": np.array(values, dtype=float)})
    data["log"] = np.log(data["x"] + 1)
    data["cube"] = data["x"] ** 3
    try:
        with np.errstate(all="ignore"):
            import warnings

            with warnings.catch_warnings():
                warnings.simplefilter("ignore", QuantileWarning)
                scores = fit_quantile_scores(data, ["x", "log", "cube"], quantiles=q).score(data).to_numpy()
    except DataError:
        return
    np.testing.assert_array_equal(scores[:, 0], scores[:, 1])
    np.testing.assert_array_equal(scores[:, 0], scores[:, 2])
    order = np.argsort(data["x"], kind="stable")
    assert np.all(np.diff(scores[order, 0]) >= 0)
    # Tied values never part.
    assert data.assign(score=scores[:, 0]).groupby("x")["score"].nunique().max() == 1


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50), st.integers(2, 12))
@settings(max_examples=60, deadline=None)
def test_quantiles_agree_with_numpy(values, q):
    probabilities = np.arange(q + 1) / q
    mine = type7_quantiles(np.array(values), probabilities)
    np.testing.assert_allclose(mine, np.quantile(values, probabilities), rtol=1e-9, atol=1e-6)


def test_errors_name_column_and_count():
    data = pd.DataFrame(
        {"a": [1.0, 1, 1, 1], "b": [1, np.nan, 3, np.nan], "c": list("wxyz"), "d": [0.0, 0, 0, 1]}
    )
    with pytest.raises(DataError, match=r"'a' to vary, found the single value 1 in all 4 rows"):
        fit_quantile_scores(data, ["a"])
    with pytest.raises(DataError, match=r"no missing values in 4 rows, found b: 2"):
        fit_quantile_scores(data, ["b"])
    with pytest.raises(DataError, match=r"'c' to be numeric"):
        fit_quantile_scores(data, ["c"])
    with pytest.raises(DataError, match=r"expected columns 'e'"):
        fit_quantile_scores(data, ["e"])
    with pytest.raises(DataError, match=r"'d' to fall into 4 quantile groups, found one"):
        fit_quantile_scores(data.loc[[0, 1, 2, 0, 1, 2, 3]], ["d"])
    with pytest.raises(SpecificationError, match="quantiles to be a whole number of at least 2, found 1"):
        fit_quantile_scores(data, ["d"], quantiles=1)
