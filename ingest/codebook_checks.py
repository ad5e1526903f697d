"""Does a file hold what CDC's page of it says? Counts and ranges of every variable, compared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ingest.codebook_page import Code, CodebookPage, PageVariable, range_of
from ingest.errors import FileFinding
from ingest.transport import TransportFile
from warehouse.seeds.catalogue import KnownError

if TYPE_CHECKING:
    import numpy as np

    Values = np.ndarray[Any, Any]

_SEED = "seeds/codebook_errors.csv"
# Pages print the ends of a range with up to seven digits.
_PRINTED = 1e-6
_LISTED = 8


@dataclass(frozen=True, kw_only=True)
class CheckedCode:
    """A code of a variable: what the file holds, and what the page says where that differs.

    `page_count` is None for a code that the page lacks; `note` tells why a count differs.
    """

    variable: str
    code: Code
    page_count: int | None
    note: str | None


def compare(
    name: str, place: str, file: TransportFile, page: CodebookPage, known: Sequence[KnownError]
) -> tuple[list[CheckedCode], list[FileFinding]]:
    """Compare every variable of a file with its page.

    Parameters
    ----------
    name, place : str
        The file's name, and where it lies, for the messages.
    file : TransportFile
        What was read.
    page : CodebookPage
        Its page. Variables that the file lacks (check items of the interview) are passed over.
    known : sequence of KnownError
        Errors of this page that are known (seed codebook_errors).

    Returns
    -------
    list of CheckedCode
        The codes of all variables of the file, with the counts that the file holds.
    list of FileFinding
        Every difference that is not a known error; empty if there is none.
    """
    described = {variable.name: variable for variable in page.variables}
    checked: list[CheckedCode] = []
    differences: list[str] = []
    rows: list[str] = []
    ranges: list[str] = []
    for column in file.columns:
        variable = described.get(column.name)
        if variable is None or not variable.codes:
            continue
        tally = _tally(file.values[column.name])
        codes = list(_corrected(variable, known))
        for code, page_count, label, found in _differences(codes, tally):
            there = "not on the page" if page_count is None else f"{page_count}"
            differences.append(f"{variable.name} {code} {label[:30]!r}: {there} -> {found}")
            rows.append(f"{name},{variable.name},{code},{'' if page_count is None else page_count},{found},,")
        ranges += _outside(variable.name, codes, tally)
        checked += codes
    fetch = "fetch file and page again, so that both are of one version"
    correct = (
        f"{fetch}; if CDC's page is wrong, say so in {_SEED}, with a reason, and the label of a code that "
        "the page lacks:\n" + "\n".join(f"      {row}" for row in rows[: 5 * _LISTED])
    )
    reasons = [
        (f"the page of {name} beside it", f"the page of {page.file}" * (page.file not in ("", name)), fetch),
        ("the counts of CDC's page", f"others (page -> file): {_some(differences)}" * bool(rows), correct),
        ("numbers within the ranges of CDC's page", _some(ranges), fetch),
        *_stale(described, known),
    ]
    return checked, [
        FileFinding(file=name, place=place, expected=expected, found=found, advice=advice)
        for expected, found, advice in reasons
        if found
    ]


def _tally(values: "Values") -> "_Tally":
    """Count the values of a column; `None` is missing."""
    import numpy as np

    missing = values == "" if values.dtype == object else np.isnan(values)
    keys, counts = np.unique(values[~missing], return_counts=True)
    return dict(zip(keys.tolist(), counts.tolist(), strict=True)) | {None: int(missing.sum())}


_Tally = dict[float | str | None, int]


def _corrected(variable: PageVariable, known: Sequence[KnownError]) -> Iterator[CheckedCode]:
    """Yield the codes of the page with the counts that the file holds, then those that the page lacks."""
    errors = {error.code: error for error in known if error.variable == variable.name}
    for code in variable.codes:
        error = errors.pop(code.code, None)
        count = code.count if error is None else error.data_count
        yield CheckedCode(
            variable=variable.name,
            code=replace(code, count=count),
            page_count=code.count,
            note=error.reason if error else None,
        )
    for error in errors.values():
        if error.page_count is None:
            code = Code(
                code=error.code,
                number=float(error.code),
                label=error.label,
                kind="value",
                count=error.data_count,
            )
            yield CheckedCode(variable=variable.name, code=code, page_count=None, note=error.reason)


def _differences(codes: Sequence[CheckedCode], tally: _Tally) -> Iterator[tuple[str, int | None, str, int]]:
    """Yield code, count of the page, label and count of the file, where it is not the expected one.

    A value that is none of the codes belongs to the first row that stands for many: a range, or words.
    """
    rest = dict(tally)
    missing = rest.pop(None)
    texts = any(isinstance(key, str) for key in rest)
    many: CheckedCode | None = None
    for item in codes:
        key = item.code.code if texts else item.code.number
        if item.code.kind == "missing":
            found, missing = missing, 0
        elif key in rest:
            found = rest.pop(key)
        elif item.code.kind in ("range", "text") and many is None:
            many = item
            continue
        else:
            found = 0
        if found != item.code.count:
            yield item.code.code, item.page_count, item.code.label, found
    if many is not None:
        if sum(rest.values()) != many.code.count:
            yield many.code.code, many.page_count, many.code.label, sum(rest.values())
        rest = {}
    for key, found in rest.items():
        yield key if isinstance(key, str) else f"{key:.10g}", None, "", found
    if missing:
        yield ".", None, "", missing


def _outside(variable: str, codes: Sequence[CheckedCode], tally: _Tally) -> Iterator[str]:
    """Yield a variable whose numbers leave the page's range."""
    ranges = [range_of(item.code) for item in codes if item.code.kind == "range"]
    coded = {item.code.number for item in codes}
    rest = [key for key in tally if isinstance(key, float) and key not in coded]
    if ranges and rest:
        low, high = min(end for end, _ in ranges), max(end for _, end in ranges)
        margin = _PRINTED * max(abs(low), abs(high))
        if min(rest) < low - margin or max(rest) > high + margin:
            yield f"{variable} from {low:.10g} to {high:.10g}, found {min(rest):.10g} to {max(rest):.10g}"


def _stale(described: dict[str, PageVariable], known: Sequence[KnownError]) -> Iterator[tuple[str, str, str]]:
    """Yield rows of known errors that are not, or no longer, on the page."""
    for error in known:
        variable = described.get(error.variable)
        there = {code.code: code.count for code in variable.codes}.get(error.code) if variable else None
        if there != error.page_count:
            yield (
                f"{_counted(error.page_count)} on the page for {error.variable} {error.code}, as in {_SEED}",
                _counted(there),
                f"CDC may have corrected its page: take the row out of {_SEED}",
            )


def _counted(count: int | None) -> str:
    return "no such code" if count is None else f"the count {count}"


def _some(texts: Sequence[str]) -> str:
    rest = len(texts) - _LISTED
    return "; ".join(texts[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")
