"""Counts over a logarithmic axis."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from report.charts.axes import short, ticks
from report.charts.style import BLACK, ESTIMATE, Series, palette, specification
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
    stacked = (
        frame.assign(place=frame["series"].map(order)).dropna(subset="place").sort_values(["low", "place"])
    )
    stacked["top"] = stacked.groupby("low")["n"].cumsum()
    records = [
        {
            "low": short(low),
            "high": short(high),
            "series": name,
            "n": int(n),
            "base": int(top - n),
            "top": int(top),
        }
        for low, high, name, n, top in stacked[["low", "high", "series", "n", "top"]].itertuples(
            index=False, name=None
        )
    ]
    ends = [value for record in records for value in (record["low"], record["high"])]
    scale = alt.Scale(type="log", domain=[min(ends), max(ends)] if ends else [0.1, 1], nice=False)
    axis = alt.Axis(title=axis_x, values=ticks((min(ends), max(ends))) if ends else [], grid=False)
    bars = (
        alt.Chart(alt.InlineData(values=records))
        .mark_bar(stroke="#ffffff", strokeWidth=0.6)
        .properties(name=ESTIMATE)
        .encode(
            x=alt.X("low:Q", scale=scale, axis=axis),
            x2="high:Q",
            y=alt.Y("base:Q", axis=alt.Axis(title="women", tickCount=4)),
            y2="top:Q",
            color=alt.Color("series:N", scale=palette(looks), legend=None),
            tooltip=[
                alt.Tooltip("series:N", title=" "),
                alt.Tooltip("low:Q", title="from", format=".3"),
                alt.Tooltip("high:Q", title="to", format=".3"),
                alt.Tooltip("n:Q", title="women"),
            ],
        )
    )
    rules = (
        alt.Chart(alt.InlineData(values=[{"cut": short(cut)} for cut in cuts]))
        .mark_rule(color=BLACK, strokeDash=[4, 3])
        .encode(x=alt.X("cut:Q", scale=scale))
    )
    chart = alt.layer(bars, rules).properties(width="container", height=170)
    total = sum(record["n"] for record in records)
    return Panel(
        title, specification(chart), len(records), f"{title}. Distribution of {total} values, {axis_x}."
    )
