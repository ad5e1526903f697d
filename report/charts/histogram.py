"""Counts over a logarithmic axis."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from report.charts.axes import short, ticks
from report.charts.style import ESTIMATE, Series, chart, colour, rule_at
from report.elements import Panel


def histogram(
    frame: pd.DataFrame, *, title: str, axis_x: str, looks: Sequence[Series], cuts: Sequence[float]
) -> Panel:
    """Draw stacked bars of counts over a logarithmic axis, with lines at cut points.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns `low` and `high` (ends of a bin), `series` and `n`.
    title, axis_x : str
        Of the panel and its horizontal axis.
    looks : sequence of Series
        Stacked from the bottom.
    cuts : sequence of float
        Where dashed lines stand.
    """
    order = {look.code: place for place, look in enumerate(looks)}
    names = {look.code: look.label for look in looks}
    stacked = (
        frame.assign(place=frame["series"].map(order)).dropna(subset="place").sort_values(["low", "place"])
    )
    stacked["top"] = stacked.groupby("low")["n"].cumsum()
    records: list[dict[str, Any]] = [
        {
            "low": short(low),
            "high": short(high),
            "series": names[name],
            "n": int(n),
            "base": int(top - n),
            "top": int(top),
        }
        for low, high, name, n, top in stacked[["low", "high", "series", "n", "top"]].itertuples(
            index=False, name=None
        )
    ]
    ends = [value for record in records for value in (record["low"], record["high"])] or [0.1, 1.0]
    domain = (min(ends), max(ends))
    scale = {"type": "log", "domain": list(domain), "nice": False}
    axis = {"title": axis_x, "values": ticks(domain), "grid": False}
    bars = {
        "name": ESTIMATE,
        "mark": {"type": "bar", "stroke": "#ffffff", "strokeWidth": 0.6},
        "encoding": {
            "x": {"field": "low", "type": "quantitative", "scale": scale, "axis": axis},
            "x2": {"field": "high"},
            "y": {"field": "base", "type": "quantitative", "axis": {"title": "participants", "tickCount": 4}},
            "y2": {"field": "top"},
            "color": colour(looks),
            "tooltip": [
                {"field": "series", "type": "nominal", "title": " "},
                {"field": "low", "type": "quantitative", "title": "from", "format": ".3"},
                {"field": "high", "type": "quantitative", "title": "to", "format": ".3"},
                {"field": "n", "type": "quantitative", "title": "participants"},
            ],
        },
    }
    rules = [rule_at("x", float(cut), scale, axis) for cut in cuts]
    total = sum(record["n"] for record in records)
    description = f"Distribution of {total} values, {axis_x}."
    return Panel(title, chart(records, 170, [bars, *rules]), len(records), description)
