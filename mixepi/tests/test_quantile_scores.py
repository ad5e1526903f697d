"""Quantile scores: cut points, ties, non-detects, new data."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixepi import fit_quantile_scores
from mixepi.errors import DataError, QuantileWarning, SpecificationError
from mixepi.quantile_scores import differing_quantiles, type7_quantiles
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


def exact_scores(values, q):
    """Scores by rational arithmetic: how many of the q - 1 cut points lie below each value."""
    ordered = sorted(map(Fraction, values))
    cuts = []
    for k in range(1, q):
        position = Fraction((len(ordered) - 1) * k, q)
        below = position.numerator // position.denominator
        share = position - below
        above = ordered[min(below + 1, len(ordered) - 1)]
        cuts.append((1 - share) * ordered[below] + share * above)
    breaks = sorted({cut for cut in cuts if cut > ordered[0]})
    return [sum(cut < Fraction(value) for cut in breaks) for value in values]


def scores_of(values, q):
    cuts = np.unique(type7_quantiles(np.array(values), [Fraction(k, q) for k in range(q + 1)]))[1:-1]
    return np.searchsorted(cuts, values, side="left").tolist()


@given(
    st.lists(st.integers(0, 40), min_size=2, max_size=200),
    st.integers(2, 20),
    st.sampled_from([1.0, 0.1, 1 / 3]),
)
@settings(max_examples=150, deadline=None)
def test_scores_are_those_of_rational_arithmetic(numbers, q, unit):
    values = [number * unit for number in numbers]
    assert scores_of(values, q) == exact_scores(values, q)


# Sizes at which a cut point falls on a value; at those of 10 groups (n - 1) k / q in doubles is not the
# whole number that it should be.
ON_A_VALUE = [(11, 5), (43, 3), (91, 10), (171, 10), (331, 10), (651, 10), (1291, 10)]


@pytest.mark.parametrize(("n", "q"), ON_A_VALUE)
def test_a_cut_point_on_a_value_is_that_value(n, q):
    values = np.random.default_rng(n).permutation(np.arange(1, n + 1) * 0.1)
    cuts = type7_quantiles(values, [Fraction(k, q) for k in range(1, q)])
    np.testing.assert_array_equal(cuts, np.sort(values)[np.arange(1, q) * (n - 1) // q])
    # Each group has (n - 1) / q values; the lowest one more.
    assert np.bincount(scores_of(values, q)).tolist() == [(n - 1) // q + 1] + [(n - 1) // q] * (q - 1)


def test_the_fault_of_positions_in_doubles_is_seen():
    """Positions rounded as doubles put values on a cut point into the next group, at some n and q."""
    wrong = 0
    for n, q in ON_A_VALUE:
        values = np.arange(1, n + 1) * 0.1
        position = (n - 1) * (np.arange(q + 1) / q)
        below = np.floor(position).astype(int)
        above, share = np.minimum(below + 1, n - 1), position - below
        cuts = np.unique((1 - share) * values[below] + share * values[above])[1:-1]
        wrong += np.searchsorted(cuts, values, side="left").tolist() != exact_scores(values, q)
    assert wrong > 0


def test_neighbouring_doubles_are_parted():
    low = 1.0
    high = np.nextafter(low, 2)
    values = [0.0, low, high, 2.0]
    assert scores_of(values, 2) == exact_scores(values, 2) == [0, 0, 1, 1]


def test_a_probability_stands_for_a_fraction():
    values = np.arange(0.0, 21)
    np.testing.assert_array_equal(type7_quantiles(values, [0.15, 0.35, 0.7, 1 / 20, 1]), [3, 7, 14, 1, 20])
    np.testing.assert_allclose(type7_quantiles(values, [1 / np.pi]), 20 / np.pi, rtol=1e-15)


@given(st.lists(st.integers(0, 5), min_size=3, max_size=40))
@settings(max_examples=60, deadline=None)
def test_differing_quantiles_differ(numbers):
    values = np.array(numbers, dtype=float)
    low, high = type7_quantiles(values, [0.25, 0.75])
    if low == high:
        pairs = differing_quantiles(values, low, 0.25, 0.75)
        assert len(pairs) == int(low > values.min()) + int(low < values.max())
        for pair in pairs:
            one, other = type7_quantiles(values, pair)
            assert one < other
            assert differing_quantiles(values, low, 0.75, 0.25)[pairs.index(pair)] == pair[::-1]


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
