"""How charts look: colours, shapes, and what all of them share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from report.elements import Key

# Okabe and Ito's palette, told apart by all common kinds of colour blindness, its orange darker: marks have a
# contrast of 3 to 1 with white. Every series also has its own shape.
BLACK, BLUE, VERMILLION, GREEN, ORANGE, PURPLE = (
    "#222222",
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#b86e00",
    "#aa4f88",
)
GREY = "#8a8a8a"
COLOURS = (BLACK, BLUE, VERMILLION, GREEN, PURPLE, ORANGE)
SHAPES = ("circle", "square", "triangle", "diamond", "circle", "square")
LINES = ("line", "dashed", "dotted")
VEGA_SHAPES = {"triangle": "triangle-up"}
DASHES: Mapping[str, list[int]] = {"line": [1, 0], "dashed": [7, 4], "dotted": [2, 3]}

ESTIMATE = "estimate"
"""Name of the layer whose marks are the data; the page counts them in the drawn picture."""

CONFIG: Mapping[str, Any] = {
    "background": None,
    "font": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelColor": "#333333",
        "titleColor": "#333333",
        "gridColor": "#e4e4e4",
        "domainColor": "#999999",
        "tickColor": "#999999",
        "labelLimit": 190,
        "titleLimit": 340,
    },
}
"""What all charts share; the page passes it to each of them once."""


@dataclass(frozen=True)
class Series:
    """How one series of a figure looks."""

    code: str
    key: Key

    @property
    def label(self) -> str:
        """Return what the chart and its legend call it."""
        return self.key.label


def series(codes: Sequence[str], labels: Sequence[str], lines: bool = False) -> tuple[Series, ...]:
    """Return a look for each series: colour and shape, or colour and dashes."""
    shapes = LINES if lines else SHAPES
    return tuple(
        Series(code, Key(label, COLOURS[index % len(COLOURS)], shapes[index % len(shapes)]))
        for index, (code, label) in enumerate(zip(codes, labels, strict=True))
    )


def colour(looks: Sequence[Series]) -> dict[str, Any]:
    """Return the encoding of series by colour; the field `series` holds their labels."""
    scale = {"domain": [look.label for look in looks], "range": [look.key.colour for look in looks]}
    return {"field": "series", "type": "nominal", "scale": scale, "legend": None}


def rule_at(channel: str, value: float, scale: Mapping[str, Any], axis: Mapping[str, Any]) -> dict[str, Any]:
    """Return the layer of a dashed line at one value of an axis: no association, or a cut point."""
    return {
        "mark": {"type": "rule", "color": "#444444", "strokeDash": [4, 3]},
        "data": {"values": [{"at": value}]},
        "encoding": {channel: {"field": "at", "type": "quantitative", "scale": scale, "axis": axis}},
    }


def chart(
    rows: Sequence[Mapping[str, Any]], height: int, layers: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Return layers over the same rows as one Vega-Lite chart that is as wide as the page lets it be."""
    return {"width": "container", "height": height, "data": {"values": list(rows)}, "layer": list(layers)}
