"""Altair charts that several methods share."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from mixepi.errors import MissingPackageError

INTERCEPTS = ("intercept", "(Intercept)")
LINK_LABELS = {
    "gaussian": "difference in {outcome}",
    "binomial": "log odds ratio of {outcome}",
    "quasibinomial": "log odds ratio of {outcome}",
    "poisson": "log rate ratio of {outcome}",
    "quasipoisson": "log rate ratio of {outcome}",
    "negative_binomial": "log rate ratio of {outcome}",
}
# Height of one row of a chart of bars or points, in pixels.
ROW = 22

if TYPE_CHECKING:
    import altair as altair
else:

    class _Altair:
        """The package altair, imported when a chart is first made."""

        def __getattr__(self, name: str) -> Any:
            try:
                import altair
            except ImportError as error:
                raise MissingPackageError(
                    'expected the package altair for charts, found it missing: pip install "mixepi[plots]"'
                ) from error
            return getattr(altair, name)

    altair = _Altair()


def effect_label(family: str, outcome: str) -> str:
    """Return what a coefficient on the link scale measures."""
    return LINK_LABELS[family].format(outcome=outcome)


def titled(chart: Any, title: str, details: Sequence[str] = (), *, warning: bool = False) -> Any:
    """Return the chart with a title and, below it, lines of what was fitted or, in red, what is wrong."""
    color = "firebrick" if warning else "#666666"
    return chart.properties(
        title=altair.TitleParams(text=title, subtitle=list(details), subtitleColor=color, anchor="start")
    )


def plot_estimates(table: pd.DataFrame, label: str, headline: str, level: float) -> Any:
    """Return a chart of estimates with their intervals, one row per term.

    Parameters
    ----------
    table : DataFrame
        Columns term, estimate, conf_low, conf_high.
    label, headline : str
    level : float
        Of the intervals.
    """
    data = table[~table["term"].isin(INTERCEPTS)]
    y = altair.Y("term:N", sort=None, title=None)
    base = altair.Chart(data).encode(y=y)
    rule = base.mark_rule().encode(
        x=altair.X("conf_low:Q", title=f"{label} ({100 * level:g} % interval)"), x2="conf_high:Q"
    )
    points = base.mark_point(filled=True, opacity=1).encode(
        x="estimate:Q", tooltip=["term", "estimate", "conf_low", "conf_high"]
    )
    zero = altair.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(strokeDash=[4, 3], color="#888888")
    chart = altair.layer(zero.encode(x="zero:Q"), rule, points).properties(height=altair.Step(ROW))
    return titled(chart, "Estimates", [headline])


def plot_weights(table: pd.DataFrame, title: str, headline: str, *, equal_line: bool = True) -> Any:
    """Return a chart of weights, largest on top, with intervals where there are some.

    Parameters
    ----------
    table : DataFrame
        Columns exposure, direction and weight; perhaps stratum, conf_low and conf_high.
    title, headline : str
    equal_line : bool
        Whether to draw the weight of an exposure in an equal index.
    """
    data = table.assign(component=_components(table))
    directions = data["direction"].nunique()
    y = altair.Y(
        "component:N", sort=altair.EncodingSortField("weight", op="max", order="descending"), title=None
    )
    row = altair.YOffset("direction:N") if directions > 1 else altair.Undefined
    base = altair.Chart(data)
    shown = ["component", "direction", "weight", "conf_low", "conf_high", "share_above_equal", "coefficient"]
    bars = base.mark_bar(opacity=0.85).encode(
        x=altair.X("weight:Q", title="weight (those of one direction sum to 1)"),
        y=y,
        yOffset=row,
        color=altair.Color(
            "direction:N", title="direction", legend=altair.Legend() if directions > 1 else None
        ),
        tooltip=[name for name in shown if name in data],
    )
    layers = [bars]
    if "conf_low" in data:
        layers.append(
            base.mark_rule(color="#333333", strokeWidth=1.5).encode(
                x="conf_low:Q", x2="conf_high:Q", y=y, yOffset=row
            )
        )
    if equal_line:
        equal = pd.DataFrame({"equal": [1 / data.groupby("direction").size().iloc[0]]})
        line = altair.Chart(equal).mark_rule(strokeDash=[4, 3], color="#888888")
        layers.append(line.encode(x="equal:Q"))
    return titled(altair.layer(*layers), title, [headline])


def _components(table: pd.DataFrame) -> list[str]:
    if "stratum" not in table:
        return list(table["exposure"])
    pairs = zip(table["exposure"], table["stratum"], strict=True)
    return [name if pd.isna(level) else f"{name} ({level})" for name, level in pairs]


def plot_joint(table: pd.DataFrame, outcome: str, headline: str) -> Any:
    """Return mean outcomes by joint quantile: points as predicted, line and band of the structural model.

    Parameters
    ----------
    table : DataFrame
        From `QGCompMarginalResult.overall`.
    outcome, headline : str
    """
    base = altair.Chart(table).encode(x=altair.X("joint_quantile:Q", title="all exposures at quantile score"))
    band = base.mark_area(opacity=0.2).encode(
        y=altair.Y("conf_low:Q", title=f"mean of {outcome}"), y2="conf_high:Q"
    )
    line = base.mark_line().encode(y="structural_model:Q")
    points = base.mark_point(filled=True, color="#333333").encode(
        y="mean_outcome:Q",
        tooltip=["joint_quantile", "mean_outcome", "structural_model", "conf_low", "conf_high"],
    )
    return titled(altair.layer(band, line, points), f"Overall effect of the mixture on {outcome}", [headline])


def plot_null(null: pd.DataFrame, observed: float, label: str, headline: str) -> Any:
    """Return a histogram of the coefficients under permutation, with the observed one as a line.

    Parameters
    ----------
    null : DataFrame
        Column estimate.
    observed : float
    label, headline : str
    """
    bars = (
        altair.Chart(null)
        .mark_bar()
        .encode(
            x=altair.X("estimate:Q", bin=altair.Bin(maxbins=40), title=label),
            y=altair.Y("count():Q", title="permutations"),
        )
    )
    line = altair.Chart(pd.DataFrame({"observed": [observed]})).mark_rule(color="firebrick", strokeWidth=2)
    return titled(altair.layer(bars, line.encode(x="observed:Q")), "Index under permutation", [headline])
