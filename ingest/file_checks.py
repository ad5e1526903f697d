"""Is this the file that the catalogue means? Checks on the content of a transport file that was read."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ingest.errors import FileFinding
from ingest.transport import TransportFile
from warehouse.seeds.catalogue import KEY, CatalogueFile

if TYPE_CHECKING:
    import numpy as np

# A misread zero is 5.4e-79; a field filled with blanks reads as 3.7e-40. No measurement is that small.
SMALLEST = 1e-30


def file_findings(entry: CatalogueFile, file: TransportFile, place: str) -> list[FileFinding]:
    """Compare a file with its row of the catalogue.

    Parameters
    ----------
    entry : CatalogueFile
        What the catalogue says. Its number of rows does not apply to synthetic files.
    file : TransportFile
        What was read.
    place : str
        Where it was read from, for the messages.

    Returns
    -------
    list of FileFinding
        Every reason to refuse the file; empty if there is none.
    """
    checks = (_columns(entry, file), _rows(entry, file), _keys(entry, file), _tiny(file))
    return [
        FileFinding(
            file=entry.name,
            place=place,
            expected=reason[0],
            found=reason[1],
            advice=reason[2],
            fetch_again=len(reason) == 3,
        )
        for check in checks
        for reason in check
    ]


def file_notes(entry: CatalogueFile, file: TransportFile) -> list[str]:
    """Return what is worth saying about a file that is accepted."""
    if file.is_demo or not 0 < entry.expected_rows < file.rows:
        return []
    return [
        f"{entry.name} has {file.rows:,} rows, more than the {entry.expected_rows:,} of the catalogue: "
        "accepted; CDC may have released a new version"
    ]


# Expected, found and advice, as in FileFinding; False where another copy of the file would be refused too.
Reason = tuple[str, str, str] | tuple[str, str, str, bool]


def _columns(entry: CatalogueFile, file: TransportFile) -> Iterator[Reason]:
    types = {column.name: column.type for column in file.columns}
    advice = "this seems to be another file under this name: fetch the right one"
    missing = [v.variable for v in entry.variables if v.variable not in types]
    if missing:
        expected = f"the columns of {entry.name}, cycle {entry.cycle.name}"
        yield expected, f"no {_some(missing)}", advice
    texts = [v.variable for v in entry.variables if types.get(v.variable) == "VARCHAR"]
    if texts:
        yield "numbers in the columns that the catalogue names", f"text in {_some(texts)}", advice
    names = {v.variable: v.name for v in entry.variables}
    final = ["FILE", "CYCLE", *(names.get(name, name) for name in types)]
    clashes = [name for name in dict.fromkeys(final) if final.count(name) > 1]
    if clashes:
        advice = "choose another name in seeds/nhanes_variables.csv"
        yield "different names for all columns after renaming", f"{_some(clashes)} twice", advice


def _rows(entry: CatalogueFile, file: TransportFile) -> Iterator[Reason]:
    if not file.is_demo and file.rows < entry.expected_rows:
        expected = f"at least {entry.expected_rows:,} rows, as CDC published"
        yield expected, f"{file.rows:,} rows", "the file is cut off or not the public one: fetch it again"


def _keys(entry: CatalogueFile, file: TransportFile) -> Iterator[Reason]:
    import numpy as np

    key = file.values.get(KEY)
    if key is None or key.dtype != np.float64:
        return  # reported by _columns
    advice = "the file is damaged or was edited: fetch it again"
    missing = np.isnan(key)
    if missing.any():
        yield f"a {KEY} in every row", f"{int(missing.sum()):,} rows without one", advice
    present = key[~missing]
    broken = present[present != np.floor(present)]
    if broken.size:
        yield f"whole numbers in {KEY}", f"{broken.size:,} others, such as {broken[0]:g}", advice
        return
    values, counts = np.unique(present, return_counts=True)
    if (counts > 1).any() and entry.person_row is None:
        yield _several_rows(file, values, counts)
    first, last = entry.cycle.first_seqn, entry.cycle.last_seqn
    outside = values[(values < first) | (values > last)]
    if outside.size:
        found = f"{outside.size:,} others, {_span(outside)}"
        advice = "this seems to be a file of another cycle under this name: fetch the right one"
        yield f"{KEY} from {first} to {last}, as in cycle {entry.cycle.name}", found, advice


def _several_rows(
    file: TransportFile, people: "np.ndarray[Any, Any]", rows: "np.ndarray[Any, Any]"
) -> Reason:
    """Say why people have several rows: a file of drugs, days or imputations does; or rows are copied."""
    import pandas as pd

    several = people[rows > 1]
    found = f"{several.size:,} of them more than once, such as {several[0]:.0f}"
    table = pd.DataFrame(dict(file.values))
    table = table[table[KEY].isin(several)]
    copies = int(table.duplicated().sum())
    if copies:
        found += f"; {copies:,} rows are copies of others"
        return f"each {KEY} once", found, "the file is damaged or was edited: fetch it again"
    found += f", with rows that differ, up to {rows.max():,} for one"
    numbering = [name for name in table if name != KEY and not table.duplicated([KEY, name]).any()]
    example = ", or a column and its value such as _MULT_=1"
    if numbering:
        value = table[numbering[0]].iloc[0]
        shown = f"{value:g}" if isinstance(value, float) else value
        example = f", or a column and its value such as {numbering[0]}={shown}"
        found += f" (told apart by {numbering[0]})"
    advice = (
        "the file is whole if CDC's page says that it has a row per drug, day or imputation, but a study "
        "takes one per person: say which in seeds/nhanes_files.csv, column person_row: "
        f"`first`{example}; for a count or a sum, make a file of this name with one row per person and load "
        "it with `python -m ingest directory`"
    )
    return f"one row per person, each {KEY} once", found, advice, False


def _tiny(file: TransportFile) -> Iterator[Reason]:
    import numpy as np

    for name, values in file.values.items():
        if values.dtype != np.float64:
            continue
        size = np.abs(values)
        tiny = values[(size > 0) & (size < SMALLEST)]
        if tiny.size:
            found = f"{tiny.size:,} values nearer to zero in {name}, such as {tiny[0]:g}"
            yield f"zero, or numbers of at least {SMALLEST:g}", found, "fetch the file again from CDC"


def _span(values: "np.ndarray[Any, Any]") -> str:
    return f"from {values[0]:.0f} to {values[-1]:.0f}"


def _some(names: list[str]) -> str:
    rest = len(names) - 8
    return ", ".join(names[:8]) + (f" and {rest} more" if rest > 0 else "")
