"""Many estimates in order of size."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from report.charts.axes import clipped, is_finite, short, ticks
from report.charts.style import ESTIMATE, VEGA_SHAPES, Series, chart, colour, rule_at
from report.elements import Panel


def points(
    frame: pd.DataFrame,
    *,
    title: str,
    axis_x: str,
    axis_y: str,
    looks: Sequence[Series],
    domain_y: tuple[float, float],
    logarithmic_y: bool,
    null: float | None,
    height: int = 240,
) -> Panel:
    """Draw many estimates in order of size, with their intervals: the upper half of a specification curve.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns `x` (rank), `series`, `value`, `low`, `high`.
    """
    records = [
        {
            "x": short(item["x"]),
            "series": item["series"],
            "value": short(item["value"]),
            "low": short(clipped(item["low"], domain_y)),
            "high": short(clipped(item["high"], domain_y)),
        }
        for item in frame[frame["value"].map(is_finite)].to_dict("records")
    ]
    scale = {"type": "log" if logarithmic_y else "linear", "domain": list(domain_y), "nice": False}
    axis = {"title": axis_y, "tickCount": 5} | ({"values": ticks(domain_y)} if logarithmic_y else {})
    x = {
        "field": "x",
        "type": "quantitative",
        "scale": {"zero": False, "nice": False, "padding": 6},
        "axis": {"title": axis_x, "grid": False, "tickCount": 5},
    }
    upwards = {"type": "quantitative", "scale": scale, "axis": axis}
    layers: list[Mapping[str, Any]] = [
        {
            "mark": {"type": "rule", "strokeWidth": 1, "opacity": 0.3},
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
    present = {record["series"] for record in records}
    for look in (look for look in looks if look.code in present):
        shape = VEGA_SHAPES.get(look.key.shape, look.key.shape)
        size = 150 if shape == "diamond" else 16
        layers.append(
            {
                "name": f"{ESTIMATE}_{look.code}",
                "mark": {"type": "point", "filled": True, "opacity": 1, "size": size, "shape": shape},
                "transform": [{"filter": {"field": "series", "equal": look.code}}],
                "encoding": {
                    "x": x,
                    "y": upwards | {"field": "value"},
                    "color": colour(looks),
                    "tooltip": [{"field": "value", "type": "quantitative", "title": axis_y, "format": ".3"}],
                },
            }
        )
    description = f"{title}. {len(records)} estimates of {axis_y}, in order of size."
    return Panel(title, chart(records, height, layers), len(records), description)
