"""Horizontal bars."""

from collections.abc import Sequence

import pandas as pd

from report.charts.axes import is_finite, short
from report.charts.style import BLUE, ESTIMATE, GREY, VERMILLION, chart
from report.elements import Panel


def shares(
    frame: pd.DataFrame,
    *,
    title: str,
    axis_x: str,
    rows: Sequence[str],
    domain_x: tuple[float, float] | None = None,
    is_signed: bool = True,
) -> Panel:
    """Draw horizontal bars from nought, one per row.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns `row` and `value`; values below nought are drawn to the left, in a second colour.
    title, axis_x : str
        Of the panel and its axis.
    rows : sequence of str
        From top to bottom.
    domain_x : (float, float), optional
        Ends of the axis; default: from nought to the largest value.
    is_signed : bool
        Whether the side means more or less of the outcome; else all bars are grey.
    """
    records = [
        {"row": str(row), "value": short(value), "sign": "below" if value < 0 else "above"}
        for row, value in frame[["row", "value"]].itertuples(index=False, name=None)
        if is_finite(value)
    ]
    scale = {"domain": list(domain_x)} if domain_x else {"zero": True}
    signs = {"domain": ["above", "below"], "range": [VERMILLION, BLUE] if is_signed else [GREY, GREY]}
    bars = {
        "name": ESTIMATE,
        "mark": "bar",
        "encoding": {
            "y": {
                "field": "row",
                "type": "nominal",
                "sort": None,
                "scale": {"domain": list(rows), "padding": 0.25},
                "axis": {
                    "title": None,
                    "ticks": False,
                    "domain": False,
                    "labelLimit": 150,
                    "labelPadding": 6,
                },
            },
            "x": {
                "field": "value",
                "type": "quantitative",
                "scale": scale,
                "axis": {"title": axis_x, "tickCount": 4},
            },
            "color": {"field": "sign", "type": "nominal", "scale": signs, "legend": None},
            "tooltip": [
                {"field": "row", "type": "nominal", "title": " "},
                {"field": "value", "type": "quantitative", "title": axis_x, "format": ".3"},
            ],
        },
    }
    description = f"{len(records)} bars of {axis_x}."
    return Panel(title, chart(records, 26 * len(rows), [bars]), len(records), description)
