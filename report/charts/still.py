"""Charts as pictures in the page: they need no script, on a screen and on paper."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from xml.etree.ElementTree import Element, fromstring, tostring

import vl_convert

from report.charts.style import CONFIG, ESTIMATE
from report.elements import Panel
from report.errors import ReportError

WIDTHS = {"small": 170, "medium": 320, "wide": 440, "whole": 860, "phone": 350}
"""Pixels by the size of the figure: what a panel has on a screen, and not much more than a phone has."""

_SPARE = 20  # the reader's font may be wider than the one by which Vega leaves room for labels
_SVG = "{http://www.w3.org/2000/svg}"
_NUMBER = re.compile(r"-?\d+\.\d+(e-?\d+)?")
_MOVED = re.compile(r"translate\(([^,]+),([^)]+)\)")
_CLIP = re.compile(r'( id="|"url\(#)(clip\d+)')
# The font is that of the page; the rest is for scripts and for the screen readers of a drawn chart.
_DROPPED = ("class", "font-family", "pointer-events", "role", "aria-hidden", "aria-roledescription")
_INHERITED = ("fill", "stroke", "stroke-width", "stroke-dasharray", "font-size", "font-weight", "text-anchor")


def still(panel: Panel, size: str, name: str) -> str:
    """Return a panel as an SVG element to stand in the page.

    Parameters
    ----------
    panel : Panel
        What to draw.
    size : str
        Of its figure: `small`, `medium`, `wide` or `whole`; `phone` for one that is drawn twice.
    name : str
        Unique in the page.

    Raises
    ------
    ReportError
        The picture does not show as many estimates as the panel has.
    """
    spec = {
        **panel.spec,
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": WIDTHS[size],
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": {"left": _SPARE, "right": 5, "top": 5, "bottom": 5},
        "config": {**CONFIG, "aria": False},
    }
    text = vl_convert.vegalite_to_svg(json.dumps(spec), allowed_base_urls=[])
    root = fromstring(_renamed(text, name))
    if (found := _marks(root)) != panel.marks:
        raise ReportError(
            f"expected {panel.marks} marks in the chart {name}, found {found} in its picture: this is a "
            "fault "
            "of the report, please report it with the database"
        )
    frame = {side: root.attrib[side] for side in ("width", "height", "viewBox")}
    _shorten(root)
    root.attrib = {"class": f"still {size}-still", "role": "img", "aria-label": panel.description, **frame}
    return tostring(root, encoding="unicode")


def _marks(root: Element) -> int:
    """Count the symbols, bars and lines of layers whose name begins with `ESTIMATE`."""
    return sum(
        child.tag == f"{_SVG}path"
        for group in root.iter(f"{_SVG}g")
        if f" {ESTIMATE}" in group.get("class", "") and "_marks" in group.get("class", "")
        for child in group
    )


def _renamed(text: str, name: str) -> str:
    """Name clips by their chart: Vega counts them, through all charts that it has drawn so far."""
    places: dict[str, int] = {}
    return _CLIP.sub(
        lambda found: f"{found[1]}{name}-{places.setdefault(found[2], len(places) + 1)}-clip", text
    )


def _shorten(element: Element) -> None:
    """Leave out what changes nothing in the picture, most of what Vega writes."""
    element.tag = element.tag.removeprefix(_SVG)
    element.attrib = {
        key: _NUMBER.sub(_rounded, value)
        for key, value in element.attrib.items()
        if key not in _DROPPED and (key, value) not in (("opacity", "1"), ("transform", "translate(0,0)"))
    }
    for child in element:
        _shorten(child)
    element[:] = _joined([_as_path(child) for child in element if not _is_empty(child)])
    if element.tag == "g" and len(element) > 1:
        for key in _INHERITED:
            values = {child.get(key) for child in element}
            if len(values) == 1 and None not in values:
                element.set(key, str(values.pop()))
                for child in element:
                    del child.attrib[key]


def _rounded(found: re.Match[str]) -> str:
    return f"{round(float(found.group()), 1) + 0.0:g}"


def _is_empty(element: Element) -> bool:
    if element.tag == "g":
        return len(element) == 0
    return element.tag == "path" and element.get("d") in ("", "M0,0h0v0h0Z")


def _as_path(element: Element) -> Element:
    moved = _MOVED.fullmatch(element.get("transform", "translate(0,0)"))
    if element.tag == "line" and moved:
        end = element.attrib.pop("x2", "0"), element.attrib.pop("y2", "0")
        element.attrib.pop("transform", None)
        element.tag = "path"
        element.set("d", f"M{moved[1]},{moved[2]}l{end[0]},{end[1]}")
    return element


def _joined(elements: Sequence[Element]) -> Iterator[Element]:
    """Make one path of neighbours that differ only in where they run."""

    def look(element: Element) -> tuple[object, ...]:
        if element.tag != "path" or "transform" in element.attrib:
            return (id(element),)
        return tuple(sorted(item for item in element.attrib.items() if item[0] != "d"))

    for _, group in groupby(elements, look):
        first, *others = group
        if others:
            first.set("d", first.attrib["d"] + "".join(other.attrib["d"] for other in others))
        yield first
