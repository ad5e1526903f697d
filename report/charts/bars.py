"""Horizontal bars."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from report.charts.axes import is_finite, short
from report.charts.style import BLUE, ESTIMATE, VERMILLION, specification
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
    scale = alt.Scale(domain=list(domain_x)) if domain_x else alt.Scale(zero=True)
    chart = (
        alt.Chart(alt.InlineData(values=records))
        .mark_bar()
        .properties(name=ESTIMATE)
        .encode(
            y=alt.Y(
                "row:N",
                sort=None,
                scale=alt.Scale(domain=list(rows), padding=0.25),
                axis=alt.Axis(title=None, ticks=False, domain=False, labelLimit=150, labelPadding=6),
            ),
            x=alt.X("value:Q", scale=scale, axis=alt.Axis(title=axis_x, tickCount=5)),
            color=alt.Color(
                "sign:N", scale=alt.Scale(domain=["above", "below"], range=[VERMILLION, BLUE]), legend=None
            ),
            tooltip=[alt.Tooltip("row:N", title=" "), alt.Tooltip("value:Q", title=axis_x, format=".3")],
        )
        .properties(width="container", height=26 * len(rows))
    )
    return Panel(title, specification(chart), len(records), f"{title}. {len(records)} bars of {axis_x}.")
