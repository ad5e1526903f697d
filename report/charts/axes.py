"""Axes: where they end, where their ticks stand, and numbers short enough for a screen."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd


def limits(
    frame: pd.DataFrame, value: str, low: str, high: str, logarithmic: bool, include: float | None
) -> tuple[float, float]:
    """Return the ends of an axis that holds every estimate and all intervals of ordinary width.

    One interval of a separated model can be thousands wide and would flatten all others: intervals are let
    past the ends beyond the spread of the estimates (on the logarithmic scale at least a factor of 4).
    """
    scaled = frame[[value, low, high]].astype(float)
    if logarithmic:
        scaled = scaled[(scaled > 0).all(axis=1) | scaled[[low, high]].isna().any(axis=1)].map(
            lambda x: math.log(x) if x > 0 else math.nan
        )
    scaled = scaled.replace([math.inf, -math.inf], math.nan)
    estimates = scaled[value].dropna()
    if include is not None:
        estimates = pd.concat([estimates, pd.Series([math.log(include) if logarithmic else include])])
    if estimates.empty:
        return (0.5, 2.0) if logarithmic else (-1.0, 1.0)
    lowest, highest = estimates.min(), estimates.max()
    widths = (scaled[high] - scaled[low]).dropna()
    room = max(highest - lowest, 1.5 * float(widths.median()) if len(widths) else 0.0)
    room = max(room, math.log(4)) if logarithmic else room
    ends = scaled[[low, high]].stack()
    ends = pd.concat([estimates, ends[(ends >= lowest - room) & (ends <= highest + room)]])
    beyond = scaled[(scaled[low] < lowest - room) | (scaled[high] > highest + room)]
    start = lowest - room if (beyond[low] < lowest - room).any() else float(ends.min())
    end = highest + room if (beyond[high] > highest + room).any() else float(ends.max())
    margin = 0.04 * (end - start) or (0.5 if logarithmic else max(abs(end), 1.0))
    start, end = start - margin, end + margin
    return (math.exp(start), math.exp(end)) if logarithmic else (start, end)


def ticks(domain: tuple[float, float]) -> list[float]:
    """Return at most seven round numbers within a logarithmic axis, at least three where there are."""
    low, high = domain
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    few, many, powers = (
        [
            float(f"{step * 10.0**decade:.6g}")
            for decade in decades
            for step in steps
            if low <= step * 10.0**decade <= high
        ]
        for steps in ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7), (1,))
    )
    if len(few) < 3 and len(many) <= 7:
        return many
    return few if len(few) <= 7 else powers[:: math.ceil(len(powers) / 7)]


def ticks_of(records: Sequence[Mapping[str, Any]]) -> list[float]:
    values = [record["x"] for record in records]
    return ticks((min(values), max(values))) if values else []


def is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def is_below(value: Any, other: Any) -> bool:
    return not (pd.isna(value) or pd.isna(other)) and bool(value < other)


def clipped(value: Any, domain: tuple[float, float]) -> float | None:
    return None if pd.isna(value) else min(max(float(value), domain[0]), domain[1])


def short(value: Any) -> float | None:
    # Five digits are more than a screen can show and keep the page small.
    return None if value is None else float(f"{value:.5g}")
