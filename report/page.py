"""Put sections, charts and scripts together as one HTML page."""

import json
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from report.banners import Banner
from report.charts.still import still
from report.charts.style import CONFIG
from report.elements import Figure, Section
from report.formats import NOTHING


def render(
    title: str, lead: str, sections: Sequence[Section], banners: Sequence[Banner], is_synthetic: bool
) -> str:
    """Return the page.

    Everything that comes from the data passes through the template's escaping, `still` or `packed`; the
    content security policy lets only the two scripts below run and nothing be fetched.

    Parameters
    ----------
    title, lead : str
        Of the whole page: its heading, and what it asks.
    sections : sequence of Section
        In order.
    banners : sequence of Banner
        Above everything else.
    is_synthetic : bool
        Whether to mark the page, and each caption, as synthetic data.
    """
    bundle, script = _bundle(), _template("page.js")
    environment = Environment(
        loader=PackageLoader("report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        title=title,
        lead=lead,
        sections=sections,
        banners=banners,
        is_synthetic=is_synthetic,
        stamp=Markup('<span class="stamp">Synthetic data.</span> ') if is_synthetic else "",
        style=Markup(_template("page.css")),
        policy=_policy(bundle, script),
        charts=packed(json.dumps({"config": CONFIG, "specs": _specs(sections)}, allow_nan=False)),
        bundle=packed(bundle),
        script=Markup(script),
        still=lambda *panel: Markup(still(*panel)),
        nothing=NOTHING,
    )


def packed(text: str) -> str:
    """Return a text deflated, as base64: much shorter, and nothing in it can end its script element."""
    return b64encode(zlib.compress(text.encode(), 9)).decode()


def _specs(sections: Sequence[Section]) -> dict[str, Mapping[str, Any]]:
    return {
        f"{figure.name}-{place}": {**panel.spec, "description": panel.description}
        for section in sections
        for figure in section.blocks
        if isinstance(figure, Figure)
        for place, panel in enumerate(figure.panels, start=1)
        if panel.marks
    }


def _policy(*scripts: str) -> str:
    # The hash of Vega holds for the element in which page.js puts it. No eval: page.js has Vega interpret its
    # expressions instead of compiling them.
    hashes = " ".join(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _bundle() -> str:
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def _template(name: str) -> str:
    return files("report").joinpath("templates", name).read_text(encoding="utf-8")
