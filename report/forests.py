"""Forest plots from data frames: rows, axis and cells."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from report.charts.axes import limits, ticks
from report.charts.style import Series
from report.elements import Forest, ForestRow
from report.formats import count, plain, probability
from report.sections.common import Effect, stored

_REACH = 2.5
"""How many times its estimate the end of an odds ratio's interval is followed; beyond, an arrow stands."""
_WIDEST = (0.2, 5.0)
"""Ends of the widest axis of odds ratios: what lies beyond stands at its end, with its number in the row."""
_LEVEL = "95\N{NO-BREAK SPACE}%"


def forest(
    frame: pd.DataFrame,
    *,
    name: str,
    caption: str,
    how_to_read: str,
    not_shown: str,
    first: str,
    how: Effect,
    axis: str,
    looks: Sequence[Series],
    notes: tuple[str, ...] = (),
) -> Forest:
    """Return a forest plot: a row per estimate, under headings.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns `heading` (rows with the same one stand under it), `row` (label), `series`, `value`, `low`,
        `high`, `said` (the estimate as printed), `n`, `events`, `p_value`, `q_value`, `converged`.
    name, caption, how_to_read, not_shown, axis, notes
        Of the plot.
    first : str
        Heading of the column of labels.
    how : Effect
        Whether estimates are ratios, and of what.
    looks : sequence of Series
        Symbols; rows of other series are left out.
    """
    labels = {look.code: look.label for look in looks}
    drawn = frame[frame["series"].isin(labels)]
    cases = bool(drawn["events"].notna().any())
    tests = {"p": "p_value", "q": "q_value"}
    tests = {heading: column for heading, column in tests.items() if drawn[column].notna().any()}
    rows: list[ForestRow] = []
    heading = None
    for item in drawn.astype(object).where(drawn.notna(), None).to_dict("records"):
        if item["heading"] != heading:
            heading = item["heading"]
            rows.append(ForestRow(label=plain(heading)))
        rows.append(
            ForestRow(
                label=plain(item["row"]),
                series=labels[item["series"]],
                before=(count(item["n"]), *((count(item["events"]),) if cases else ())),
                after=(str(item["said"]), *(probability(item[column]) for column in tests.values())),
                value=item["value"],
                low=item["low"],
                high=item["high"],
                is_hollow=not item["converged"],
            )
        )
    domain = near(drawn, how)
    estimate = "Odds ratio" if how.is_ratio else f"Difference, {how.unit}" if how.unit else "Difference"
    return Forest(
        name=name,
        caption=caption,
        how_to_read=how_to_read,
        not_shown=not_shown,
        headings=(first, "n", *(("Cases",) if cases else ()), f"{estimate} ({_LEVEL} interval)", *tests),
        rows=rows,
        axis=axis,
        ends=("lower", "higher"),
        domain=domain,
        ticks=ticks(domain) if how.is_ratio else linear_ticks(domain),
        logarithmic=how.is_ratio,
        null=how.null,
        keys=[look.key for look in looks],
        data=stored(drawn.drop(columns="heading")),
        notes=notes,
    )


def near(frame: pd.DataFrame, how: Effect) -> tuple[float, float]:
    """Return the ends of an axis that fits the estimates and what is close to them of their intervals.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns `value`, `low`, `high`.
    how : Effect
        Whether they are ratios, and where no association lies.
    """
    if not how.is_ratio:
        return limits(frame, "value", "low", "high", False, how.null)
    values = frame[["value", "low", "high"]].astype(float).replace([np.inf, -np.inf, 0.0], np.nan)
    values = values.dropna(subset="value")
    if values.empty:
        return (0.5, 2.0)
    # an estimate without an interval stands for its ends
    lows = values["low"].fillna(values["value"]).clip(lower=values["value"] / _REACH)
    highs = values["high"].fillna(values["value"]).clip(upper=values["value"] * _REACH)
    low, high = min(float(lows.min()) * 0.96, 0.5), max(float(highs.max()) * 1.04, 2.0)
    return max(low, _WIDEST[0]), min(high, _WIDEST[1])


def linear_ticks(domain: tuple[float, float]) -> list[float]:
    """Return at most six round numbers within a linear axis."""
    low, high = domain
    power = 10.0 ** np.floor(np.log10((high - low) / 2))
    step = next(step * power for step in (0.5, 1, 2, 5, 10) if (high - low) / (step * power) <= 6)
    first = np.ceil(low / step)
    return [float(f"{place * step:.6g}") for place in np.arange(first, np.floor(high / step) + 1)]
