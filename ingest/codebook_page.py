"""Read CDC's page of a file (`NAME.htm`): labels, codes, counts and limits of detection, as published.

The pages of 1999-2023 were written with several tools, but each describes a variable by a list that
holds `Variable Name:`, followed, unless it is the respondent number, by a table headed `Code or Value`.
Whatever else surrounds these (headings, anchors, capital letters, containers) is not looked at. Pages
are untrusted input: no script runs, nothing is fetched, and a page's size is bounded.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ingest.errors import PageError

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

Kind = Literal["value", "range", "missing", "refused", "dont_know", "text"]
# The largest page seen (OSQ_F) has 0.3 MB; no codebook of 1999-2023 has sixty times its variables.
MAX_PAGE_BYTES = 20_000_000

_NUMBER = r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[Ee][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\s+to\s+({_NUMBER})", re.IGNORECASE)
_NO_CODE = frozenset({"", ".", "<blank>", "< blank >", "blank"})
_REFUSED = re.compile(r"refused", re.IGNORECASE)
_DONT_KNOW = re.compile(r"don.{0,2}t know(\s*/\s*not sure)?", re.IGNORECASE)
_LIMIT = re.compile(r"\bLLODs?\b|\bLODs?\b|detection limit|limit of detection", re.IGNORECASE)
_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,7}")


@dataclass(frozen=True, kw_only=True)
class Code:
    """One row of a variable's table of counts.

    Attributes
    ----------
    code : str
        As on the page, without outer blanks: a number, ``"0 to 365"``, ``"."`` for missing, or words.
    number : float or None
        The code as a number, where it is one.
    label : str
        CDC's words.
    kind : {"value", "range", "missing", "refused", "dont_know", "text"}
        ``text`` where the code stands for words: ``Value was recorded``, for one.
    count : int
        Persons (rows of the file), as published.
    """

    code: str
    number: float | None
    label: str
    kind: Kind
    count: int


@dataclass(frozen=True, kw_only=True)
class PageVariable:
    """What a page says about one variable; `codes` are empty where it gives no counts."""

    name: str
    label: str
    question: str
    target: str
    limit_of_detection: float | None
    codes: tuple[Code, ...]


@dataclass(frozen=True)
class CodebookPage:
    """A page: the file that it says it is about, and its variables in the page's order."""

    file: str
    variables: tuple[PageVariable, ...]


def read_page(content: bytes) -> CodebookPage:
    """Read the page of a file.

    Parameters
    ----------
    content : bytes
        The page (HTML).

    Returns
    -------
    CodebookPage
        Everything that it says in the form described above.

    Raises
    ------
    PageError
        If it is no page of a codebook: it describes no variable, one twice, or a count is no number.
    """
    if len(content) > MAX_PAGE_BYTES:
        found = f"{len(content):,} bytes"
        raise PageError(f"a page of at most {MAX_PAGE_BYTES:,} bytes", found, "check the file")
    from selectolax.lexbor import LexborHTMLParser

    page = LexborHTMLParser(as_text(content))
    described: list[tuple[dict[str, str], list[Code]]] = []
    limit_rows: list[tuple[str, float]] = []
    for node in page.css("dl, table"):
        if node.tag == "dl":
            terms = _terms(node)
            if "variable name" in terms:
                described.append((terms, []))
            continue
        header, *rows = _rows(node) or [[]]
        if header and header[0].lower().startswith("code or value"):
            if not described:
                raise PageError("each table of counts below its variable", "one above all", _OTHER_PAGE)
            described[-1][1].extend(_codes(described[-1][0]["variable name"], header, rows))
        elif any(_LIMIT.search(cell) for cell in header):
            limit_rows += _limits(rows)
    if not described:
        raise PageError("a page that describes variables", "none", _OTHER_PAGE)
    limits = _single(limit_rows)
    variables = tuple(_variable(terms, codes, limits) for terms, codes in described)
    names = [variable.name for variable in variables]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PageError("each variable once", f"{', '.join(twice[:5])} more than once", _OTHER_PAGE)
    return CodebookPage(_file(page.css("h3, h4")), variables)


_OTHER_PAGE = "fetch the page of the file from CDC again; if it is the same, report it as a new kind of page"


def as_text(content: bytes) -> str:
    """Decode a page; those of CDC's older tools have the Windows code page."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("windows-1252", errors="replace")


def words(node: "LexborNode") -> str:
    """Return the text of a node with single blanks."""
    return " ".join(node.text(deep=True, separator=" ").split())


def _terms(node: "LexborNode") -> dict[str, str]:
    """Return the list's entries by their terms, without colons, in lower case; of several, joined."""
    found: dict[str, list[str]] = {}
    term = ""
    for child in node.css("dt, dd"):
        if child.tag == "dt":
            term = words(child).rstrip(": ").lower()
        else:
            found.setdefault(term, []).append(words(child))
    return {term: "; ".join(filter(None, texts)) for term, texts in found.items()}


def _rows(table: "LexborNode") -> list[list[str]]:
    return [[words(cell) for cell in row.css("th, td")] for row in table.css("tr")]


def _codes(name: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[Code]:
    columns = {cell.lower(): at for at, cell in enumerate(header)}
    place, label_at = columns.get("count"), columns.get("value description")
    if place is None or label_at is None:
        found = ", ".join(header)
        raise PageError(f"columns Value Description and Count in the table of {name}", found, _OTHER_PAGE)
    for row in rows:
        if len(row) <= max(place, label_at):
            continue  # a row that only spans the table
        text = row[place].replace(",", "")
        if not text.isdecimal():
            raise PageError(f"a count of {name}, code {row[0]!r}", f"{row[place]!r}", _OTHER_PAGE)
        yield _code(row[0], row[label_at], int(text))


def _code(code: str, label: str, count: int) -> Code:
    number = None
    kind: Kind = "text"
    if code.lower() in _NO_CODE:
        code, kind = ".", "missing"
    elif (limits := _RANGE.fullmatch(code)) and all(limits.groups()):
        kind = "range"
    elif re.fullmatch(_NUMBER, code) and any(map(str.isdigit, code)):
        number = float(code.replace(",", ""))
        kind = "value"
        if _REFUSED.fullmatch(label):
            kind = "refused"
        elif _DONT_KNOW.fullmatch(label):
            kind = "dont_know"
    return Code(code=code, number=number, label=label, kind=kind, count=count)


def range_of(code: Code) -> tuple[float, float]:
    """Return the ends of a code of kind ``range``."""
    found = _RANGE.fullmatch(code.code)
    if not found:
        raise ValueError(f"expected a range, found {code.code!r}")
    low, high = (float(end.replace(",", "")) for end in found.groups())
    return low, high


def _limits(rows: Sequence[Sequence[str]]) -> Iterator[tuple[str, float]]:
    """Yield the numbers of each row of a table of limits that begins with the name of a variable."""
    for row in rows:
        if row and _NAME.fullmatch(row[0].upper()):
            for cell in row[1:]:
                if re.fullmatch(_NUMBER, cell) and any(map(str.isdigit, cell)):
                    yield row[0].upper(), float(cell.replace(",", ""))


def _single(limits: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Keep the limit of a variable that has one only; where a page gives several, none is the limit."""
    values: dict[str, set[float]] = {}
    for name, limit in limits:
        values.setdefault(name, set()).add(limit)
    return {name: limit for name, found in values.items() if len(found) == 1 for limit in found}


def _variable(terms: dict[str, str], codes: Sequence[Code], limits: dict[str, float]) -> PageVariable:
    name = terms["variable name"].upper()
    return PageVariable(
        name=name,
        label=terms.get("sas label", ""),
        question=terms.get("english text", ""),
        target=terms.get("target", ""),
        limit_of_detection=limits.get(name),
        codes=tuple(codes),
    )


def _file(headings: Sequence["LexborNode"]) -> str:
    """Return the file that a heading such as ``Data File: PBCD_H.xpt`` names, or ''."""
    for heading in headings:
        found = re.search(r"Data File:\s*(\w+)\.xpt", words(heading), re.IGNORECASE)
        if found:
            return found[1].upper()
    return ""
