"""Curves with bands."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from report.charts.axes import clipped, is_finite, short, ticks, ticks_of
from report.charts.style import DASHES, ESTIMATE, Series, palette, specification
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

    Returns
    -------
    Panel
        With one line per series that has points.
    """
    drawn = frame[frame["value"].map(is_finite) & frame["x"].map(is_finite)]
    drawn = drawn[drawn["series"].isin([look.code for look in looks])].sort_values("x")
    records = [
        {
            "x": short(item["x"]),
            "series": item["series"],
            "value": short(item["value"]),
            "low": short(clipped(item["low"], domain_y)),
            "high": short(clipped(item["high"], domain_y)),
        }
        for item in drawn.to_dict("records")
    ]
    codes = [look.code for look in looks]
    colour = alt.Color("series:N", scale=palette(looks), legend=None)
    dash = alt.StrokeDash(
        "series:N",
        scale=alt.Scale(domain=codes, range=[DASHES[look.key.shape] for look in looks]),
        legend=None,
    )
    x = alt.X(
        "x:Q",
        scale=alt.Scale(type="log", nice=False) if logarithmic_x else alt.Scale(zero=False, nice=False),
        axis=alt.Axis(
            title=axis_x,
            tickCount=4,
            grid=False,
            values=ticks_of(records) if logarithmic_x else alt.Undefined,
        ),
    )
    scale_y = alt.Scale(
        type="log" if logarithmic_y else "linear", domain=list(domain_y), nice=False, zero=False
    )
    y_axis = alt.Axis(title=axis_y, values=ticks(domain_y) if logarithmic_y else alt.Undefined, tickCount=5)
    base = alt.Chart(alt.InlineData(values=records)).encode(x=x)
    layers: list[Any] = [
        base.mark_area(opacity=0.16, clip=True).encode(
            y=alt.Y("low:Q", scale=scale_y, axis=y_axis), y2="high:Q", color=colour
        )
    ]
    if null is not None:
        layers.append(
            alt.Chart(alt.InlineData(values=[{"null": null}]))
            .mark_rule(color="#444444", strokeDash=[4, 3])
            .encode(y=alt.Y("null:Q", scale=scale_y))
        )
    layers.append(
        base.mark_line(strokeWidth=2.2, clip=True)
        .properties(name=ESTIMATE)
        .encode(y=alt.Y("value:Q", scale=scale_y), color=colour, strokeDash=dash)
    )
    present = {record["series"] for record in records}
    chart = alt.layer(*layers).properties(width="container", height=height)
    description = f"{title}. {len(present)} curves, {axis_y} over {axis_x}."
    return Panel(title, specification(chart), len(present), description)
