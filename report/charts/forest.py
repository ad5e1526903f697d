"""Estimates with intervals, a line of the picture per row."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from report.charts.axes import clipped, is_below, is_finite, short, ticks
from report.charts.style import ESTIMATE, VEGA_SHAPES, Series, chart, colour, rule_at
from report.elements import Panel


def forest(
    frame: pd.DataFrame,
    *,
    title: str,
    axis_title: str,
    rows: Sequence[str],
    looks: Sequence[Series],
    domain: tuple[float, float],
    logarithmic: bool,
    null: float | None,
    lines_after: Sequence[str] = (),
) -> Panel:
    """Draw estimates with their intervals, a line of the picture per row, series beside each other.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns `row`, `series`, `value`, `low`, `high` and `converged`; rows without a finite value are
        left out.
    title, axis_title : str
        Of the panel and of its horizontal axis.
    rows : sequence of str
        All rows from top to bottom, so that panels side by side line up.
    looks : sequence of Series
        In the order in which they are drawn within a row.
    domain : (float, float)
        Ends of the axis; what lies beyond is cut.
    logarithmic : bool
        Scale of the axis.
    null : float or None
        Where a line says "no association".
    lines_after : sequence of str
        Rows after which a thin line separates groups.

    Returns
    -------
    Panel
        With one symbol per drawn row of the frame; hollow where the fit has not converged.
    """
    names = {look.code: look.label for look in looks}
    drawn = frame[frame["value"].map(is_finite) & frame["series"].isin(names)]
    if logarithmic:
        drawn = drawn[drawn["value"] > 0]
    records = [
        {
            "row": str(item["row"]),
            "series": names[item["series"]],
            "value": short(item["value"]),
            "low": short(clipped(item["low"], domain)),
            "high": short(clipped(item["high"], domain)),
            "cut_low": is_below(item["low"], domain[0]),
            "cut_high": is_below(domain[1], item["high"]),
            "said": str(item.get("said") or ""),
            "fit": "converged" if item["converged"] else "not converged",
        }
        for item in drawn.to_dict("records")
    ]
    scale = {"type": "log" if logarithmic else "linear", "domain": list(domain), "nice": False}
    axis = {"title": axis_title, "grid": True, "tickCount": 5} | (
        {"values": ticks(domain)} if logarithmic else {}
    )
    place: dict[str, dict[str, Any]] = {
        "y": {
            "field": "row",
            "type": "nominal",
            "sort": None,
            "scale": {"domain": list(rows), "padding": 0.15},
            "axis": {
                "title": None,
                "grid": False,
                "ticks": False,
                "domain": False,
                "labelLimit": 190,
                "labelPadding": 6,
            },
        },
        "yOffset": {
            "field": "series",
            "type": "nominal",
            "sort": None,
            "scale": {"domain": list(names.values()), "padding": 0.4},
        },
        "color": colour(looks),
    }
    across: dict[str, Any] = {"type": "quantitative", "scale": scale, "axis": axis}
    layers: list[Mapping[str, Any]] = []
    if lines_after:
        layers.append(
            {
                "mark": {"type": "rule", "color": "#cfcfcf"},
                "data": {"values": [{"row": row} for row in lines_after]},
                "encoding": {"y": place["y"] | {"bandPosition": 1}},
            }
        )
    if null is not None:
        layers.append(rule_at("x", null, scale, axis))
    layers.append(
        {
            "mark": {"type": "rule", "strokeWidth": 1.6, "clip": True},
            "encoding": place | {"x": across | {"field": "low"}, "x2": {"field": "high"}},
        }
    )
    for cut, at, shape in (
        ("cut_low", domain[0], "triangle-left"),
        ("cut_high", domain[1], "triangle-right"),
    ):
        if any(record[cut] for record in records):
            layers.append(
                {
                    "mark": {"type": "point", "shape": shape, "size": 34, "filled": True, "opacity": 1},
                    "transform": [{"filter": {"field": cut, "equal": True}}],
                    "encoding": place | {"x": across | {"datum": at}},
                }
            )
    filled: Mapping[str, Any] = {
        "condition": {"test": "datum.fit === 'converged'", **place["color"]},
        "value": "#ffffff",
    }
    shapes = [VEGA_SHAPES.get(look.key.shape, look.key.shape) for look in looks]
    layers.append(
        {
            "name": ESTIMATE,
            "mark": {"type": "point", "size": 46, "strokeWidth": 1.6, "opacity": 1},
            "encoding": place
            | {
                "x": across | {"field": "value"},
                "fill": filled,
                "shape": {
                    "field": "series",
                    "type": "nominal",
                    "scale": {"domain": list(names.values()), "range": shapes},
                    "legend": None,
                },
                "tooltip": [
                    {"field": "row", "type": "nominal", "title": " "},
                    {"field": "series", "type": "nominal", "title": "series"},
                    {"field": "said", "type": "nominal", "title": "estimate"},
                    {"field": "fit", "type": "nominal", "title": "fit"},
                ],
            },
        }
    )
    spec = chart(records, len(rows) * max(26, 12 * len(looks) + 6), layers)
    description = f"{len(records)} estimates on an axis of {axis_title}; the table below holds them."
    return Panel(title, spec, len(records), description)
