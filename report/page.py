"""Put sections, charts and scripts together as one HTML page."""

import json
import re
import zlib
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from report.banners import Banner
from report.charts.still import still
from report.elements import Block, ByStudy, Figure, Flow, Forest, Panel, Section, Table
from report.formats import NOTHING, csv_text


def render(
    *,
    title: str,
    sections: Sequence[Section],
    banners: Sequence[Banner],
    is_synthetic: bool,
    studies: Mapping[str, str],
    first_study: str,
    other_page: tuple[str, str],
    prefix: str = "",
    explorer: Mapping[str, Any] | None = None,
    citation: str = "",
) -> str:
    """Return a page.

    Everything that comes from the data passes through the template's escaping, `still` or `packed`; the
    content security policy lets only the script below run and nothing be fetched.

    Parameters
    ----------
    title : str
        The page's heading.
    sections : sequence of Section
        In order.
    banners : sequence of Banner
        Above everything else.
    is_synthetic : bool
        Whether to mark the page, and each caption, as synthetic data.
    studies : mapping
        Titles by code of the studies between which a reader switches.
    first_study : str
        Code of the one that is shown first.
    other_page : (str, str)
        File and name of the page beside this one.
    prefix : str
        Of the numbers of figures and tables: `A` in the appendix.
    explorer : mapping, optional
        What `report.explorer.explorer` returns.
    citation : str
        How to cite the page; none is printed where there is none.
    """
    script = _template("page.js")
    by_study = [
        place
        for place, section in enumerate(sections)
        if any(isinstance(block, ByStudy) for block in section.blocks)
    ]
    environment = Environment(
        loader=PackageLoader("report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        title=title,
        sections=sections,
        banners=banners,
        is_synthetic=is_synthetic,
        studies=studies,
        first_study=first_study,
        other_page=other_page,
        citation=citation,
        anchor=anchor,
        numbers=numbered(sections, prefix),
        stamp=Markup('<span class="stamp">Synthetic data.</span> ') if is_synthetic else "",
        style=Markup(_template("page.css")),
        policy=_policy(script),
        tables=packed(json.dumps(_csvs(sections))),
        explorer=packed(json.dumps(explorer, allow_nan=False, separators=(",", ":"))) if explorer else "",
        script=Markup(script),
        still=_pictures,
        first_of_studies=min(by_study, default=-1),
        last_of_studies=max(by_study, default=-1) if len(studies) > 1 else -1,
        nothing=NOTHING,
    )


def _pictures(panel: Panel, size: str, name: str) -> Markup:
    """Return a panel's picture; of one as wide as the page two, of which a phone shows the narrow one."""
    if size != "whole":
        return Markup(still(panel, size, name))
    return Markup(still(panel, size, name) + still(panel, "phone", f"{name}-phone"))


def packed(text: str) -> str:
    """Return a text deflated, as base64: much shorter, and nothing in it can end its script element."""
    return b64encode(zlib.compress(text.encode(), 9)).decode()


def anchor(code: str) -> str:
    """Return a study's code as the name of an element."""
    return re.sub(r"[^a-z0-9]+", "-", code.lower()).strip("-") or "study"


def numbered(sections: Sequence[Section], prefix: str) -> dict[str, str]:
    """Return what stands before each caption: `Figure 2. `, by the name of the block.

    Figures and tables are counted apart. Of blocks between which a reader switches by study, those of each
    study are counted alone, so that no number is missing whichever is shown.
    """
    numbers: dict[str, str] = {}
    counts: Counter[str] = Counter()

    def number(block: Block, counted: Counter[str]) -> None:
        if kind := _kind(block):
            counted[kind] += 1
            numbers[_name(block)] = f"{kind} {prefix}{counted[kind]}. "

    for section in sections:
        for block in section.blocks:
            if isinstance(block, ByStudy):
                ends = []
                for own in block.blocks.values():
                    ends.append(counts.copy())
                    for one in own:
                        number(one, ends[-1])
                for end in ends:
                    counts |= end
            else:
                number(block, counts)
    return numbers


def _kind(block: Block) -> str:
    if isinstance(block, Figure | Forest | Flow):
        return "Figure"
    return "Table" if isinstance(block, Table) else ""


def _name(block: Block) -> str:
    # a figure and the table of its numbers share their name
    return f"table-{block.name}" if isinstance(block, Table) else str(getattr(block, "name", ""))


def _csvs(sections: Sequence[Section]) -> dict[str, str]:
    """Return the CSV of every table and figure by its name."""
    found = {}
    for section in sections:
        for _, block in section.every_block():
            if isinstance(block, Figure):
                found[block.name] = csv_text(block.table.data)
            elif isinstance(block, Table | Forest | Flow):
                found[block.name] = csv_text(block.data)
    return found


def _policy(script: str) -> str:
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _template(name: str) -> str:
    return files("report").joinpath("templates", name).read_text(encoding="utf-8")
