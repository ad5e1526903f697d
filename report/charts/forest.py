"""Estimates with intervals, a line of the picture per row."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from report.charts.axes import clipped, is_below, is_finite, short, ticks
from report.charts.style import ESTIMATE, VEGA_SHAPES, Series, palette, specification
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
    drawn = frame[frame["value"].map(is_finite) & frame["series"].isin([look.code for look in looks])]
    if logarithmic:
        drawn = drawn[drawn["value"] > 0]
    records = [
        {
            "row": str(item["row"]),
            "series": item["series"],
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
    codes = [look.code for look in looks]
    colours = palette(looks)
    colour = alt.Color("series:N", scale=colours, legend=None)
    scale = alt.Scale(type="log" if logarithmic else "linear", domain=list(domain), nice=False)
    axis = alt.Axis(
        title=axis_title, grid=True, values=ticks(domain) if logarithmic else alt.Undefined, tickCount=5
    )
    y = alt.Y(
        "row:N",
        sort=None,
        scale=alt.Scale(domain=list(rows), padding=0.15),
        axis=alt.Axis(title=None, grid=False, ticks=False, domain=False, labelLimit=150, labelPadding=6),
    )
    offset = alt.YOffset("series:N", sort=None, scale=alt.Scale(domain=codes, padding=0.4))
    base = alt.Chart(alt.InlineData(values=records))
    across = base.encode(y=y, yOffset=offset, color=colour)
    layers: list[Any] = []
    if lines_after:
        ends = [{"row": row} for row in lines_after]
        layers.append(
            alt.Chart(alt.InlineData(values=ends))
            .mark_rule(color="#cfcfcf")
            .encode(y=alt.Y("row:N", bandPosition=1))
        )
    if null is not None:
        layers.append(
            alt.Chart(alt.InlineData(values=[{"null": null}]))
            .mark_rule(color="#444444", strokeDash=[4, 3])
            .encode(x=alt.X("null:Q", scale=scale))
        )
    layers.append(
        across.mark_rule(strokeWidth=1.6, clip=True).encode(
            x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q"
        )
    )
    for cut, at, end in (("cut_low", domain[0], "triangle-left"), ("cut_high", domain[1], "triangle-right")):
        if any(record[cut] for record in records):
            layers.append(
                across.transform_filter(f"datum.{cut}")
                .mark_point(shape=end, size=34, filled=True, opacity=1)
                .encode(x=alt.datum(at, scale=scale))
            )
    shapes = [VEGA_SHAPES.get(look.key.shape, look.key.shape) for look in looks]
    layers.append(
        across.mark_point(size=46, strokeWidth=1.6, opacity=1)
        .properties(name=ESTIMATE)
        .encode(
            x=alt.X("value:Q", scale=scale),
            shape=alt.Shape("series:N", scale=alt.Scale(domain=codes, range=shapes), legend=None),
            fill=alt.condition(
                "datum.fit == 'converged'",
                alt.Fill("series:N", scale=colours, legend=None),
                alt.value("#ffffff"),
            ),
            tooltip=[
                alt.Tooltip("row:N", title=" "),
                alt.Tooltip("series:N", title="series"),
                alt.Tooltip("said:N", title="estimate"),
                alt.Tooltip("fit:N", title="fit"),
            ],
        )
    )
    chart = alt.layer(*layers).properties(width="container", height=len(rows) * max(26, 12 * len(looks) + 6))
    description = f"{title}. {len(records)} estimates on an axis of {axis_title}; the table below holds them."
    return Panel(title, specification(chart), len(records), description)
