"""Read CDC's own lists of public files and variables, which `python -m ingest catalogue` takes over."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from ingest.codebook_page import MAX_PAGE_BYTES, as_text, words
from ingest.download import Kind, Policy, download
from ingest.errors import DownloadError, PageError
from ingest.http_client import origin
from ingest.progress import Progress
from warehouse.seeds.published import Published, PublishedFile, PublishedVariable

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

BASE = "https://wwwn.cdc.gov/nchs/nhanes/search/"
COMPONENTS = ("Demographics", "Dietary", "Examination", "Laboratory", "Questionnaire")
# A list that is much shorter than the one that we have is a page cut off, or a page of another form.
_LEAST_SHARE = 0.95
_ADVICE = "CDC's list has another form than in 2024: report it; the lists that we have are kept"


def read_lists(present: Published, *, base: str = BASE, policy: Policy | None = None) -> Published:
    """Fetch and read CDC's lists of all components.

    Parameters
    ----------
    present : Published
        The lists that we have: new ones must not be much shorter.
    base : str
        Folder of the pages ``datapage.aspx`` and ``variablelist.aspx``; tests give another.
    policy : Policy, optional
        Limits of each download.

    Raises
    ------
    DownloadError
        If a page cannot be had.
    PageError
        If a page has no list, or the lists are much shorter than before.
    """
    files: dict[str, PublishedFile] = {}
    variables: dict[tuple[str, str], PublishedVariable] = {}
    with TemporaryDirectory() as folder, Progress("Reading CDC's lists", "B") as progress:
        for component in COMPONENTS:
            address = urljoin(base, f"datapage.aspx?Component={component}")
            content = _fetched(address, Path(folder, f"{component}.files"), progress, policy)
            files |= {file.file: file for file in read_files(content, component, address)}
            address = urljoin(base, f"variablelist.aspx?Component={component}")
            content = _fetched(address, Path(folder, f"{component}.variables"), progress, policy)
            variables |= {(v.file, v.variable): v for v in read_variables(content)}
    kept = [variable for variable in variables.values() if variable.file in files]
    for name, new, old in (
        ("files", len(files), len(present.files)),
        ("variables", len(kept), len(present.variables)),
    ):
        if new < _LEAST_SHARE * old:
            raise PageError(f"about as many {name} as before, {old:,}", f"{new:,}", _ADVICE)
    return Published(files=files, variables=kept)


def _fetched(address: str, target: Path, progress: Progress, policy: Policy | None) -> bytes:
    kind = Kind(check_head=lambda head: None, check_whole=_check_table, max_bytes=MAX_PAGE_BYTES)
    try:
        download(
            address,
            target,
            origins=frozenset({origin(address)}),
            progress=progress,
            kind=kind,
            policy=policy,
        )
    except DownloadError as error:
        raise DownloadError(f"CDC's list could not be read; ours is kept.\n  {error}") from error
    return target.read_bytes()


def _check_table(content: bytes) -> None:
    if b"<table" not in content.lower():
        raise PageError("a page with a table", "none", _ADVICE)


def _rows(content: bytes, wanted: Sequence[str]) -> Iterator[tuple[dict[str, str], "LexborNode"]]:
    """Yield the rows of the table that has the wanted columns, in any order, as texts and as nodes."""
    from selectolax.lexbor import LexborHTMLParser

    for table in LexborHTMLParser(as_text(content)).css("table"):
        header: list[str] = []
        for node in table.css("tr"):
            cells = [words(cell) for cell in node.css("th, td")]
            if not header:
                header = [cell.lower() for cell in cells]
                if not set(wanted) <= set(header):
                    break
            elif len(cells) == len(header):
                yield dict(zip(header, cells, strict=True)), node
        else:
            return
    raise PageError(f"a table with the columns {', '.join(wanted)}", "none", _ADVICE)


def read_files(content: bytes, component: str, address: str) -> list[PublishedFile]:
    """Read the table of ``datapage.aspx``: years, title, transport file, date; withdrawn files have none.

    Parameters
    ----------
    content : bytes
        The page.
    component : str
        Of all its files.
    address : str
        Where the page is from: what its links are relative to.
    """
    found = []
    for row, node in _rows(content, ("years", "data file name", "date published")):
        links = [link.attributes.get("href") or "" for link in node.css("a")]
        transport = [link for link in links if link.lower().endswith(".xpt")]
        years = re.fullmatch(r"(\d{4})\s*-\s*(\d{4})", row["years"])
        if transport and years:
            name = transport[0].rpartition("/")[2][: -len(".xpt")].upper()
            found.append(
                PublishedFile(
                    file=name,
                    release=f"{years[1]}-{years[2]}",
                    component=component,
                    title=row["data file name"],
                    address=urljoin(address, transport[0]),
                    published=row["date published"].removeprefix("Updated "),
                )
            )
    return found


def read_variables(content: bytes) -> list[PublishedVariable]:
    """Read the table of ``variablelist.aspx``: variable, label, file."""
    columns = ("variable name", "variable description", "data file name")
    return [
        PublishedVariable(
            file=row["data file name"].upper(),
            variable=row["variable name"].upper(),
            label=row["variable description"],
        )
        for row, _ in _rows(content, columns)
    ]
