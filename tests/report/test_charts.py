"""Each kind of chart follows Vega-Lite's schema, shows what it should, and leaves out what has no number."""

import io
import re

import altair as alt
import numpy as np
import pandas as pd
import pytest
import vl_convert
from PIL import Image

from report.charts.axes import limits, ticks
from report.charts.bars import shares
from report.charts.curves import curves
from report.charts.forest import forest
from report.charts.histogram import histogram
from report.charts.specification_curve import Choice, evenly, specification_curve, with_every_option
from report.charts.still import WIDTHS, still
from report.charts.style import CONFIG, series

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


CHOICES = (
    Choice("Covariates", "covariates", {"crude": "None", "full": "Full </text> set"}),
    Choice("Weighting", "weighting", {"none": "None", "survey": "Survey"}),
)


def drawn_specifications(choices=CHOICES):
    return specification_curve(
        ESTIMATES.assign(
            covariates=["crude", "full", "full", "full"],
            weighting=["none", "none", "survey", "survey"],
            marked=[False, True, False, False],
        ),
        title="t",
        axis_y="y",
        looks=LOOKS,
        choices=choices,
        domain_y=(0.1, 10),
        logarithmic_y=True,
        null=1.0,
    )


KINDS = {
    "forest": (drawn_forest, 3),
    "curves": (drawn_curves, 2),
    "specification curve": (drawn_specifications, 3),
    "specification curve without choices": (lambda: drawn_specifications(()), 3),
    "histogram": (lambda: histogram(BINS, title="t", axis_x="x", looks=LOOKS, cuts=[0.15]), 3),
    "shares": (lambda: shares(ESTIMATES, title="t", axis_x="x", rows=["one", "two"]), 3),
}


@pytest.mark.parametrize("kind", KINDS)
def test_follows_the_schema_and_counts_its_marks(kind):
    build, marks = KINDS[kind]
    panel = build()
    alt.Chart.from_dict(dict(panel.spec), validate=True)
    assert panel.marks == marks


def blocks(picture: str) -> np.ndarray:
    """Return how light a picture is, as means of squares of five pixels."""
    pixels = np.asarray(Image.open(io.BytesIO(vl_convert.svg_to_png(picture)))) / 255
    grey = pixels[..., :3].mean(axis=2) * pixels[..., 3] + 1 - pixels[..., 3]
    height, width = (side // 5 for side in grey.shape)
    return grey[: height * 5, : width * 5].reshape(height, 5, width, 5).mean(axis=(1, 3))


@pytest.mark.parametrize("kind", KINDS)
def test_the_still_looks_like_what_vega_draws(kind):
    panel = KINDS[kind][0]()
    picture = still(panel, "wide", "name")
    size = {"width": WIDTHS["wide"], "autosize": {"type": "fit-x", "contains": "padding"}}
    size["padding"] = {"left": 20, "right": 5, "top": 5, "bottom": 5}
    drawn = vl_convert.vegalite_to_svg({**panel.spec, **size, "config": CONFIG})
    assert len(picture) < len(drawn) / 2
    alone = picture.replace(
        "<svg ", f'<svg xmlns="http://www.w3.org/2000/svg" font-family="{CONFIG["font"]}" '
    )
    np.testing.assert_allclose(blocks(alone), blocks(drawn), atol=0.08)


def test_stills_say_what_they_are_and_share_no_name():
    panel = drawn_forest()
    pictures = [still(panel, "wide", name) for name in ("first", "second")]
    names = [re.findall(r'id="([^"]+)"', picture) for picture in pictures]
    assert names[0]
    assert not set(names[0]) & set(names[1])
    for own, picture in zip(names, pictures, strict=True):
        assert set(re.findall(r"url\(#([^)]+)\)", picture)) <= set(own)
        assert f'role="img" aria-label="{panel.description}"' in picture


def test_texts_of_a_still_are_texts():
    picture = still(drawn_specifications(), "wide", "name")
    assert "Full &lt;/text&gt; set" in picture


def marks_named(group: dict, name: str) -> list[dict]:
    """Return the marks of one layer in what Vega draws."""
    if group.get("name") == f"{name}_marks":
        return group["items"]
    return [mark for item in group.get("items", ()) for mark in marks_named(item, name)]


def test_each_specification_has_a_tick_beneath_it_for_each_of_its_options():
    scene = vl_convert.vegalite_to_scenegraph({**drawn_specifications().spec, "width": 300})["scenegraph"]
    columns = [mark["x"] for look in LOOKS for mark in marks_named(scene, f"estimate_{look.code}")]
    assert len(columns) == 3
    left, right = round(min(columns)), round(max(columns))
    # beneath a curve of 230 pixels and a gap of 34, a line every 13; lines 0 and 3 name the choices
    found = {
        (round(mark["x"] + mark["width"] / 2), int((mark["y"] + mark["height"] / 2 - 230 - 34) // 13))
        for mark in marks_named(scene, "options")
    }
    assert found == {(left, 1), (left, 2), (left, 4), (right, 2), (right, 5)}


@pytest.mark.parametrize(("rows", "kept"), [(500, [7]), (500, [0, 499]), (500, []), (30, [7]), (31, [30])])
def test_specifications_are_thinned_evenly_and_the_papers_own_stays(rows, kept):
    frame = pd.DataFrame({"place": range(rows)})
    places = evenly(frame, frame["place"].isin(kept), 30)["place"].tolist()
    assert len(places) <= 30
    assert places == sorted(set(places))
    assert {0, rows - 1, *kept} <= set(places)
    assert np.diff(places).max() <= np.ceil(rows / 27)


def test_a_rare_option_keeps_a_place():
    frame = pd.DataFrame({"form": ["common"] * 500}, index=range(1000, 1500))
    frame.iloc[[201, 202, 203], 0] = "rare"
    shown = evenly(frame, frame["form"].isna(), 10)
    assert set(shown["form"]) == {"common"}
    kept = with_every_option(frame, shown, [Choice("Form", "form", {"common": "", "rare": ""})])
    assert sorted({*shown.index, 1202}) == kept.index.tolist()
    assert with_every_option(frame, kept, [Choice("Form", "form", {"rare": ""})]).equals(kept)


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
