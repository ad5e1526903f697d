"""The specification curve: estimates in order of size, and beneath each the choices that it rests on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from report.charts.axes import clipped, is_finite, short, ticks
from report.charts.style import BLACK, ESTIMATE, VEGA_SHAPES, Series, chart, colour, rule_at
from report.elements import Panel

_CURVE, _GAP, _ROW = 230, 34, 13
"""Pixels: height of the estimates, what parts them from the choices, and height of a line of ticks."""


@dataclass(frozen=True)
class Choice:
    """One choice that specifications make.

    Parameters
    ----------
    name : str
        In words; stands above its options.
    column : str
        Of the frame that is drawn.
    options : mapping
        From the values of the column, from top to bottom, to words.
    """

    name: str
    column: str
    options: Mapping[str, str]


def evenly(frame: pd.DataFrame, keep: "pd.Series[bool]", most: int) -> pd.DataFrame:
    """Return at most so many rows of a sorted frame, evenly spaced, the first, the last and those to keep.

    Parameters
    ----------
    frame : pandas.DataFrame
        In order of size.
    keep : pandas.Series
        True where a row must stay.
    most : int
        How many rows.
    """
    if len(frame) <= most:
        return frame
    kept = np.flatnonzero(keep)
    places = np.linspace(0, len(frame) - 1, most - len(kept)).round().astype(int)
    return frame.iloc[np.union1d(places, kept)]


def with_every_option(frame: pd.DataFrame, shown: pd.DataFrame, choices: Sequence[Choice]) -> pd.DataFrame:
    """Return the rows shown, and for each option that none of them has the middle one of those that do.

    Parameters
    ----------
    frame : pandas.DataFrame
        In order of size; each row has an index of its own.
    shown : pandas.DataFrame
        Some of its rows.
    choices : sequence of Choice
    """
    wanted = set(shown.index)
    for choice in choices:
        for option in choice.options:
            if not (shown[choice.column] == option).any():
                own = frame.index[frame[choice.column] == option]
                wanted.add(own[len(own) // 2])
    return frame[frame.index.isin(wanted)]


def specification_curve(
    frame: pd.DataFrame,
    *,
    title: str,
    axis_y: str,
    looks: Sequence[Series],
    choices: Sequence[Choice],
    domain_y: tuple[float, float],
    logarithmic_y: bool,
    null: float,
) -> Panel:
    """Draw a specification curve.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns `x` (rank), `series`, `value`, `low`, `high`, `marked` (whether a line leads down to its
        choices), and a column per choice.
    title, axis_y : str
        Of the panel and of the axis of the estimates.
    looks : sequence of Series
        Colours and shapes.
    choices : sequence of Choice
        From top to bottom.
    domain_y : (float, float)
        Ends of the axis of the estimates; intervals beyond are cut.
    logarithmic_y : bool
        Scale of that axis.
    null : float
        Where a line says "no association".
    """
    drawn = frame[frame["value"].map(is_finite)]
    names = {look.code: look.label for look in looks}
    records = [
        {
            "x": short(item["x"]),
            "series": names[item["series"]],
            "value": short(item["value"]),
            "low": short(clipped(item["low"], domain_y)),
            "high": short(clipped(item["high"], domain_y)),
            "marked": bool(item["marked"]),
            **{choice.column: item[choice.column] for choice in choices},
        }
        for item in drawn.to_dict("records")
    ]
    lines = _lines(choices)
    height = _CURVE + (_GAP + _ROW * len(lines) if lines else 0)
    x: dict[str, Any] = {
        "field": "x",
        "type": "quantitative",
        "scale": {"zero": False, "nice": False, "padding": 6},
        "axis": {
            "title": "specifications, in order of size",
            "grid": False,
            # of few specifications each has a tick, and none lies between two
            **({"tickCount": 5} if len(records) > 5 else {"values": list(range(1, len(records) + 1))}),
        },
    }
    scale = {
        "type": "log" if logarithmic_y else "linear",
        "domain": list(domain_y),
        "nice": False,
        "range": [_CURVE, 0],
    }
    axis = {"title": axis_y, "tickCount": 5} | ({"values": ticks(domain_y)} if logarithmic_y else {})
    upwards = {"type": "quantitative", "scale": scale, "axis": axis}
    estimates = [
        _intervals(x, upwards, looks),
        rule_at("y", null, scale, axis),
        *_points(x, upwards, looks, set(drawn["series"])),
    ]
    layers: list[Mapping[str, Any]] = [{"layer": estimates}]
    if lines:
        layers.append({"layer": [_ticks(x, lines, looks, height)]})
        if drawn["marked"].any():
            layers.append(_line_down(x, height))
    spec = {**chart(records, height, layers), "resolve": {"scale": {"y": "independent"}}}
    description = (
        f"{len(records)} estimates of {axis_y}, in order of size; beneath them marks for the options of "
        f"{len(choices)} choices."
    )
    return Panel(title, spec, len(records), description)


def _lines(choices: Sequence[Choice]) -> dict[str, str]:
    """Return what stands beside each line of ticks, by a unique name; a choice's own line has none."""
    return {
        name: label
        for choice in choices
        for name, label in (
            (choice.column, choice.name),
            *((f"{choice.column}={option}", label) for option, label in choice.options.items()),
        )
    }


def _intervals(x: Mapping[str, Any], upwards: Mapping[str, Any], looks: Sequence[Series]) -> dict[str, Any]:
    return {
        "mark": {"type": "rule", "strokeWidth": 1, "opacity": 0.35},
        "encoding": {
            "x": x,
            "y": dict(upwards, field="low"),
            "y2": {"field": "high"},
            "color": colour(looks),
        },
    }


def _points(
    x: Mapping[str, Any], upwards: Mapping[str, Any], looks: Sequence[Series], present: set[str]
) -> list[dict[str, Any]]:
    layers = []
    for look in (look for look in looks if look.code in present):
        shape = VEGA_SHAPES.get(look.key.shape, look.key.shape)
        layers.append(
            {
                "name": f"{ESTIMATE}_{look.code}",
                "mark": {
                    "type": "point",
                    "filled": True,
                    "opacity": 1,
                    "size": 150 if shape == "diamond" else 16,
                    "shape": shape,
                },
                "transform": [{"filter": {"field": "series", "equal": look.label}}],
                "encoding": {
                    "x": x,
                    "y": dict(upwards, field="value"),
                    "color": colour(looks),
                    "tooltip": [
                        {
                            "field": "value",
                            "type": "quantitative",
                            "title": upwards["axis"]["title"],
                            "format": ".3",
                        },
                        {"field": "x", "type": "quantitative", "title": "rank"},
                    ],
                },
            }
        )
    return layers


def _line_down(x: Mapping[str, Any], height: int) -> dict[str, Any]:
    return {
        "mark": {"type": "rule", "color": BLACK, "strokeWidth": 0.8, "opacity": 0.7},
        "transform": [{"filter": "datum.marked"}],
        "encoding": {"x": x, "y": {"value": _CURVE}, "y2": {"value": height}},
    }


def _ticks(
    x: Mapping[str, Any], lines: Mapping[str, str], looks: Sequence[Series], height: int
) -> dict[str, Any]:
    columns = [name for name in lines if "=" not in name]
    return {
        "name": "options",
        "mark": {"type": "tick", "thickness": 1.6, "size": _ROW - 4, "opacity": 1},
        "transform": [
            {"fold": columns, "as": ["choice", "option"]},
            {"calculate": "datum.choice + '=' + datum.option", "as": "line"},
        ],
        "encoding": {
            "x": x,
            "y": {
                "field": "line",
                "type": "nominal",
                "sort": None,
                "scale": {"domain": list(lines), "range": [_CURVE + _GAP, height]},
                "axis": {
                    "title": None,
                    "ticks": False,
                    "domain": False,
                    "grid": False,
                    "orient": "left",
                    "labelFontSize": 11,
                    "labelExpr": f"{json.dumps(dict(lines))}[datum.value]",
                    "labelFontWeight": {
                        "condition": {"test": {"field": "value", "oneOf": columns}, "value": "bold"},
                        "value": "normal",
                    },
                },
            },
            "color": colour(looks),
        },
    }
