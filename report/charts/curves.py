"""Curves with bands."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from report.charts.axes import clipped, is_finite, short, ticks, ticks_of
from report.charts.style import DASHES, ESTIMATE, GREY, Series, chart, colour, rule_at
from report.elements import Panel


def curves(
    frame: pd.DataFrame,
    *,
    title: str,
    axis_x: str,
    axis_y: str,
    looks: Sequence[Series],
    domain_y: tuple[float, float],
    logarithmic_x: bool = False,
    logarithmic_y: bool = False,
    null: float | None = None,
    height: int = 200,
    rug: Sequence[float] = (),
) -> Panel:
    """Draw curves with bands.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns `x`, `series`, `value`, `low`, `high`; rows without finite numbers are left out.
    title, axis_x, axis_y : str
        Of the panel and its axes.
    looks : sequence of Series
        One line each.
    domain_y : (float, float)
        Ends of the vertical axis, alike in panels that are compared; bands beyond are cut.
    logarithmic_x, logarithmic_y : bool
        Scales.
    null : float or None
        Where a line says "no association".
    height : int
        Pixels.
    rug : sequence of float
        Values of `x` that get a short line at the bottom: where people are.

    Returns
    -------
    Panel
        With one line per series that has points.
    """
    drawn = frame[frame["value"].map(is_finite) & frame["x"].map(is_finite)]
    names = {look.code: look.label for look in looks}
    drawn = drawn[drawn["series"].isin(names)].sort_values("x")
    records = [
        {
            "x": short(item["x"]),
            "series": names[item["series"]],
            "value": short(item["value"]),
            "low": short(clipped(item["low"], domain_y)),
            "high": short(clipped(item["high"], domain_y)),
        }
        for item in drawn.to_dict("records")
    ]
    dashes = {"domain": list(names.values()), "range": [DASHES[look.key.shape] for look in looks]}
    x_axis: dict[str, Any] = {"title": axis_x, "tickCount": 4, "grid": False}
    if logarithmic_x:
        x_axis["values"] = ticks_of(records)
    x = {
        "field": "x",
        "type": "quantitative",
        "scale": {"type": "log", "nice": False} if logarithmic_x else {"zero": False, "nice": False},
        "axis": x_axis,
    }
    scale = {"type": "log" if logarithmic_y else "linear", "domain": list(domain_y), "nice": False}
    axis = {"title": axis_y, "tickCount": 5} | ({"values": ticks(domain_y)} if logarithmic_y else {})
    upwards = {"type": "quantitative", "scale": scale, "axis": axis}
    layers: list[Mapping[str, Any]] = [
        {
            "mark": {"type": "area", "opacity": 0.16, "clip": True},
            "encoding": {
                "x": x,
                "y": upwards | {"field": "low"},
                "y2": {"field": "high"},
                "color": colour(looks),
            },
        }
    ]
    if null is not None:
        layers.append(rule_at("y", null, scale, axis))
    ends = drawn["x"].astype(float)
    if marks := [{"x": short(value)} for value in rug if ends.min() <= value <= ends.max()]:
        layers.append(
            {
                "mark": {"type": "rule", "color": GREY},
                "data": {"values": marks},
                "encoding": {"x": x, "y": {"value": height}, "y2": {"value": height - 7}},
            }
        )
    layers.append(
        {
            "name": ESTIMATE,
            "mark": {"type": "line", "strokeWidth": 2.2, "clip": True},
            "encoding": {
                "x": x,
                "y": upwards | {"field": "value"},
                "color": colour(looks),
                "strokeDash": {"field": "series", "type": "nominal", "scale": dashes, "legend": None},
            },
        }
    )
    present = {record["series"] for record in records}
    description = f"{len(present)} curves, {axis_y} over {axis_x}."
    return Panel(title, chart(records, height, layers), len(present), description)
