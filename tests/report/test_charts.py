"""Each kind of chart follows Vega-Lite's schema, shows what it should, and leaves out what has no number."""

import altair as alt
import numpy as np
import pandas as pd
import pytest

from report.charts.axes import limits, ticks
from report.charts.bars import shares
from report.charts.curves import curves
from report.charts.forest import forest
from report.charts.histogram import histogram
from report.charts.points import points
from report.charts.style import series

LOOKS = series(["a", "b"], ["first", "second"])
LINES = series(["a", "b"], ["first", "second"], lines=True)
ESTIMATES = pd.DataFrame(
    {
        "row": ["one", "one", "two", "two"],
        "series": ["a", "b", "a", "b"],
        "x": [1.0, 1.0, 2.0, 2.0],
        "value": [0.5, 2.0, np.nan, 1.2],
        "low": [0.25, 1.0, np.nan, 1e-9],
        "high": [1.0, 4.0, np.nan, 1e9],
        "said": ["", "", "", ""],
        "converged": [True, False, False, True],
    }
)
BINS = pd.DataFrame(
    {"low": [0.1, 0.1, 0.2], "high": [0.2, 0.2, 0.4], "series": ["a", "b", "a"], "n": [3, 2, 5]}
)


def drawn_forest():
    return forest(
        ESTIMATES,
        title="t",
        axis_title="odds ratio",
        rows=["one", "two"],
        looks=LOOKS,
        domain=limits(ESTIMATES, "value", "low", "high", True, 1.0),
        logarithmic=True,
        null=1.0,
        lines_after=["one"],
    )


def drawn_curves():
    return curves(
        ESTIMATES,
        title="t",
        axis_x="x",
        axis_y="y",
        looks=LINES,
        domain_y=(0.1, 10),
        logarithmic_y=True,
        null=1.0,
    )


def drawn_points():
    return points(
        ESTIMATES,
        title="t",
        axis_x="x",
        axis_y="y",
        looks=LOOKS,
        domain_y=(0.1, 10),
        logarithmic_y=True,
        null=1.0,
    )


KINDS = {
    "forest": (drawn_forest, 3),
    "curves": (drawn_curves, 2),
    "points": (drawn_points, 3),
    "histogram": (lambda: histogram(BINS, title="t", axis_x="x", looks=LOOKS, cuts=[0.15]), 3),
    "shares": (lambda: shares(ESTIMATES, title="t", axis_x="x", rows=["one", "two"]), 3),
}


@pytest.mark.parametrize("kind", KINDS)
def test_follows_the_schema_and_counts_its_marks(kind):
    build, marks = KINDS[kind]
    panel = build()
    alt.Chart.from_dict(dict(panel.spec), validate=True)
    assert panel.marks == marks


def test_fits_that_have_not_converged_are_hollow_and_failed_ones_left_out():
    records = drawn_forest().spec["data"]["values"]
    assert [record["fit"] for record in records] == ["converged", "not converged", "converged"]


def test_a_separated_model_does_not_flatten_the_others():
    low, high = limits(ESTIMATES, "value", "low", "high", True, 1.0)
    assert 0.01 < low < 0.25
    assert 4 < high < 100
    wide = drawn_forest().spec["data"]["values"][-1]
    assert (wide["low"], wide["high"]) == (float(f"{low:.5g}"), float(f"{high:.5g}"))
    assert wide["cut_low"]
    assert wide["cut_high"]


def test_ordinary_intervals_are_never_cut():
    ordinary = ESTIMATES.iloc[:2]
    low, high = limits(ordinary, "value", "low", "high", True, 1.0)
    assert low < 0.25
    assert high > 4


@pytest.mark.parametrize("domain", [(0.4, 1.9), (0.05, 20), (0.9, 1.1), (1e-6, 1e6), (107, 735)])
def test_ticks_are_few_and_within(domain):
    marks = ticks(domain)
    assert 1 <= len(marks) <= 7
    assert all(domain[0] <= mark <= domain[1] for mark in marks)


def test_bars_of_a_histogram_stand_on_each_other():
    records = histogram(BINS, title="t", axis_x="x", looks=LOOKS, cuts=[]).spec["data"]["values"]
    assert [(record["base"], record["top"]) for record in records] == [(0, 3), (3, 5), (0, 5)]
