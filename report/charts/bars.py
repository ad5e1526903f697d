"""Horizontal bars."""

from collections.abc import Sequence

import pandas as pd

from report.charts.axes import is_finite, short
from report.charts.style import BLUE, ESTIMATE, VERMILLION, chart
from report.elements import Panel


def shares(
    frame: pd.DataFrame,
    *,
    title: str,
    axis_x: str,
    rows: Sequence[str],
    domain_x: tuple[float, float] | None = None,
) -> Panel:
    """Draw horizontal bars from nought, one per row.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns `row` and `value`; values below nought are drawn to the left, in a second colour.
    """
    records = [
        {"row": str(row), "value": short(value), "sign": "below" if value < 0 else "above"}
        for row, value in frame[["row", "value"]].itertuples(index=False, name=None)
        if is_finite(value)
    ]
    scale = {"domain": list(domain_x)} if domain_x else {"zero": True}
    signs = {"domain": ["above", "below"], "range": [VERMILLION, BLUE]}
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
                "axis": {"title": axis_x, "tickCount": 5},
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
