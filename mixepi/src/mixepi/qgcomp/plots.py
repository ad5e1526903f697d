"""Pictures of quantile g-computation."""

import altair as alt
import pandas as pd


def plot_curve(table: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """Return mean outcomes by joint quantile: points as predicted, line and band of the structural model.

    Parameters
    ----------
    table : DataFrame
        From `QGCompMarginalResult.curve`.
    """
    base = alt.Chart(table).encode(x=alt.X("joint_quantile:Q", title="all exposures at quantile score"))
    band = base.mark_area(opacity=0.2).encode(y=alt.Y("conf_low:Q", title="mean outcome"), y2="conf_high:Q")
    line = base.mark_line().encode(y="structural_model:Q")
    points = base.mark_point(filled=True, color="#333333").encode(
        y="mean_outcome:Q",
        tooltip=["joint_quantile", "mean_outcome", "structural_model", "conf_low", "conf_high"],
    )
    return alt.layer(band, line, points)
