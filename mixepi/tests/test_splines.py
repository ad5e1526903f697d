"""Restricted cubic splines against R's Hmisc, the formula spelt out, and what defines them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixepi.errors import EstimationError
from mixepi.splines import restricted_cubic_spline
from tests.support.paths import FIXTURES

BASIS = pd.read_csv(FIXTURES / "splines/basis.csv")


@pytest.mark.parametrize("text", BASIS["knots"].unique())
def test_basis_equals_r_hmisc(text):
    knots = np.array([float(knot) for knot in text.split(";")])
    for column, expected in BASIS[BASIS["knots"] == text].groupby("column"):
        found = restricted_cubic_spline(expected["x"].to_numpy(), knots)[:, column - 1]
        np.testing.assert_allclose(found, expected["value"], rtol=1e-9, atol=1e-14)


KNOTS = st.lists(st.integers(-30, 30), min_size=3, max_size=7, unique=True).map(
    lambda places: np.sort(np.array(places)) / 10
)


@settings(max_examples=40, deadline=None)
@given(KNOTS, st.integers(0, 2**32 - 1))
def test_any_combination_is_linear_outside_and_smooth_at_the_knots(knots, seed):
    coefficients = np.random.default_rng(seed).normal(0, 1, len(knots) - 1)

    def curve(x):
        return restricted_cubic_spline(np.asarray(x), knots) @ coefficients

    width = knots[-1] - knots[0]
    scale = np.abs(curve(np.linspace(knots[0] - width, knots[-1] + width, 9))).max()
    for start in (knots[0] - 3 * width, knots[-1]):
        a, b, c = curve(start + width * np.array([0.0, 1.0, 2.0]))
        assert abs(a - 2 * b + c) < 1e-9 * scale
    # value, slope and curvature are the same on both sides of a knot: an even third difference vanishes
    h = 1e-3 * np.diff(knots).min()
    for knot in knots:
        left = curve(knot + h * np.array([-3.0, -2.0, -1.0, 0.0]))
        right = curve(knot + h * np.array([3.0, 2.0, 1.0, 0.0]))
        second = (left @ [-1, 4, -5, 2], right @ [-1, 4, -5, 2])
        assert abs(second[0] - second[1]) < 1e-6 * scale


@pytest.mark.parametrize(
    ("knots", "found"), [([0.0, 1.0], "0, 1"), ([0.0, 1.0, 1.0], "0, 1, 1"), ([], "none")]
)
def test_too_few_or_equal_knots_are_refused(knots, found):
    with pytest.raises(EstimationError, match=f"three increasing knots, found {found}: use fewer"):
        restricted_cubic_spline(np.arange(3.0), np.array(knots))
