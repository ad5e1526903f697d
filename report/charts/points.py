"""Many estimates in order of size."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from report.charts.axes import clipped, is_finite, short, ticks
from report.charts.style import ESTIMATE, VEGA_SHAPES, Series, palette, specification
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
    scale = alt.Scale(
        type="log" if logarithmic_y else "linear", domain=list(domain_y), nice=False, zero=False
    )
    colour = alt.Color("series:N", scale=palette(looks), legend=None)
    x = alt.X(
        "x:Q",
        scale=alt.Scale(zero=False, nice=False, padding=6),
        axis=alt.Axis(title=axis_x, grid=False, tickCount=5),
    )
    y_axis = alt.Axis(title=axis_y, values=ticks(domain_y) if logarithmic_y else alt.Undefined, tickCount=5)
    base = alt.Chart(alt.InlineData(values=records)).encode(x=x, color=colour)
    shapes = [VEGA_SHAPES.get(look.key.shape, look.key.shape) for look in looks]
    layers: list[Any] = [
        base.mark_rule(strokeWidth=1, opacity=0.3).encode(
            y=alt.Y("low:Q", scale=scale, axis=y_axis), y2="high:Q"
        )
    ]
    if null is not None:
        layers.append(
            alt.Chart(alt.InlineData(values=[{"null": null}]))
            .mark_rule(color="#444444", strokeDash=[4, 3])
            .encode(y=alt.Y("null:Q", scale=scale))
        )
    for look, shape in zip(looks, shapes, strict=True):
        size = 150 if look.key.shape == "diamond" else 16
        layers.append(
            base.transform_filter(alt.FieldEqualPredicate(field="series", equal=look.code))
            .mark_point(filled=True, opacity=1, size=size, shape=shape)
            .properties(name=f"{ESTIMATE}_{look.code}")
            .encode(
                y=alt.Y("value:Q", scale=scale), tooltip=[alt.Tooltip("value:Q", title=axis_y, format=".3")]
            )
        )
    chart = alt.layer(*layers).properties(width="container", height=height)
    return Panel(
        title,
        specification(chart),
        len(records),
        f"{title}. {len(records)} estimates of {axis_y}, in order of size.",
    )
