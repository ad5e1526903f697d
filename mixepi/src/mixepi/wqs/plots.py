"""Pictures of WQS results."""

import altair as alt
import pandas as pd


def plot_weights(table: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """Return a chart of index weights, largest on top, with intervals and the line of equal weights.

    Parameters
    ----------
    table : DataFrame
        From `WQSResult.weights` or `RepeatedHoldoutResult.weights`.
    """
    data = table.assign(
        component=[
            name if pd.isna(level) else f"{name} ({level})"
            for name, level in zip(table["exposure"], table["stratum"], strict=True)
        ]
    )
    equal = 1 / data.groupby("direction").size().iloc[0]
    y = alt.Y("component:N", sort=alt.EncodingSortField("weight", op="max", order="descending"), title=None)
    directions = data["direction"].nunique()
    row = alt.YOffset("direction:N") if directions > 1 else alt.Undefined
    base = alt.Chart(data)
    bars = base.mark_bar(opacity=0.85).encode(
        x=alt.X("weight:Q", title="index weight"),
        y=y,
        yOffset=row,
        color=alt.Color("direction:N", title="index", legend=alt.Legend() if directions > 1 else None),
        tooltip=["component", "direction", "weight", "conf_low", "conf_high", "share_above_equal"],
    )
    intervals = base.mark_rule(color="#333333", strokeWidth=1.5).encode(
        x="conf_low:Q", x2="conf_high:Q", y=y, yOffset=row
    )
    line = (
        alt.Chart(pd.DataFrame({"equal": [equal]}))
        .mark_rule(strokeDash=[4, 3], color="#888888")
        .encode(x="equal:Q")
    )
    return alt.layer(bars, intervals, line)
