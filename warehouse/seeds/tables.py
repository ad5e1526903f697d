"""Read seeds as dbt does, but strictly: each row knows its line, and nothing odd is passed over."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from warehouse.errors import SeedError, cannot
from warehouse.seeds.findings import Finding, nearest_names


@dataclass(frozen=True)
class Row:
    """A row of a seed, or of a table made from study files, that knows where it stands.

    `places` says where each column of the latter is from; under '' where the row is.
    """

    seed: str
    line: int
    values: Mapping[str, str]
    places: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, column: str) -> str:
        return self.values[column]

    def place(self, column: str) -> str:
        """Say where a value stands."""
        if self.places:
            return self.places.get(column) or self.places[""]
        return f"seeds/{self.seed}.csv, line {self.line}, column {column}"

    def finding(
        self, column: str, expected: str, found: str | None = None, nearest: Sequence[str] = ()
    ) -> Finding:
        """Say what is wrong in one column; by default its value is what was found."""
        return Finding(
            self.place(column), expected, repr(self[column]) if found is None else found, tuple(nearest)
        )

    def unknown(self, column: str, expected: str, known: Mapping[str, object] | frozenset[str]) -> Finding:
        """Say that a name is none of those that exist."""
        return self.finding(column, expected, nearest=nearest_names(self[column], known))


@dataclass(frozen=True)
class Seed:
    """The rows of one seed, in order."""

    name: str
    rows: tuple[Row, ...]

    def values(self, column: str) -> frozenset[str]:
        """Return the values of a column, without empty ones."""
        return frozenset(row[column] for row in self.rows if row[column])


def read_seed(path: Path, types: Mapping[str, str]) -> tuple[Seed, list[Finding]]:
    """Read a seed whose columns and types are declared in the YAML beside it.

    Parameters
    ----------
    path : Path
        The CSV file.
    types : mapping
        Type of each column, in order.

    Returns
    -------
    Seed
        The rows that have all values; empty if the file cannot be read at all.
    list of Finding
        What is wrong with the file and with the form of its values.
    """
    place, name = f"seeds/{path.name}", path.stem
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SeedError(cannot("read", path, error)) from error
    findings = list(_odd_bytes(place, content))
    if findings:
        return Seed(name, ()), findings
    reader = csv.reader(StringIO(content.decode(), newline=""), strict=True)
    rows: list[Row] = []
    line = 1
    try:
        findings += _header(place, next(reader, []), tuple(types))
        if findings:
            return Seed(name, ()), findings
        line = reader.line_num + 1
        for values in reader:
            if len(values) == len(types):
                rows.append(Row(name, line, dict(zip(types, values, strict=True))))
                findings += _forms(rows[-1], types)
            else:
                found = f"{len(values)} values" if values else "an empty line"
                findings.append(Finding(f"{place}, line {line}", f"{len(types)} values", found))
            line = reader.line_num + 1
    except csv.Error as error:
        expected = "a CSV file: quotes closed, and doubled inside quotes"
        found = f"a row that opens here and is broken on line {reader.line_num}: {error}"
        findings.append(Finding(f"{place}, line {line}", expected, found))
    return Seed(name, tuple(rows)), findings


def _odd_bytes(place: str, content: bytes) -> Iterator[Finding]:
    """Yield what spreadsheets and editors leave behind, which readers of CSV understand differently."""
    if content.startswith(b"\xef\xbb\xbf"):
        yield Finding(place, "plain UTF-8", "a byte order mark at the start of the file: save without it")
    for odd, what in ((b"\r", "a carriage return (Windows or old Mac line end)"), (b"\0", "a NUL byte")):
        if odd in content:
            line = content.count(b"\n", 0, content.index(odd)) + 1
            yield Finding(f"{place}, line {line}", "lines that end with a line feed alone", what)
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        yield Finding(f"{place}, line {line}", "UTF-8 text", f"the byte 0x{content[error.start]:02x}")


def _header(place: str, found: Sequence[str], expected: tuple[str, ...]) -> Iterator[Finding]:
    place = f"{place}, line 1"
    for column in dict.fromkeys(found):
        if column not in expected:
            known = "the columns declared in the YAML beside the seed"
            yield Finding(place, known, repr(column), nearest_names(column, expected))
        elif found.count(column) > 1:
            yield Finding(place, "each column once", f"{column!r} {found.count(column)} times")
    missing = [column for column in expected if column not in found]
    if missing:
        yield Finding(place, f"the columns {', '.join(expected)}", f"no {', '.join(missing)}")
    elif sorted(found) == sorted(expected) and tuple(found) != expected:
        yield Finding(place, f"the columns in the order {', '.join(expected)}", ", ".join(found))


def _forms(row: Row, types: Mapping[str, str]) -> Iterator[Finding]:
    for column, kind in types.items():
        value = row[column]
        if value != value.strip():
            yield row.finding(column, "no blanks before or after the value")
        elif value and kind in _FORMS:
            expected, is_form = _FORMS[kind]
            if not is_form(value):
                yield row.finding(column, expected)


def _whole(value: str) -> bool:
    return value.removeprefix("-").isdecimal() and value.isascii()


def as_number(value: str) -> float | None:
    """Read a finite number; None if it is none."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if abs(number) < float("inf") and "_" not in value else None


_WHOLE = ("a whole number", _whole)
_FORMS: Mapping[str, tuple[str, Callable[[str], bool]]] = {
    "integer": _WHOLE,
    "bigint": _WHOLE,
    "double": ("a number", lambda value: as_number(value) is not None),
    "boolean": ("true or false", lambda value: value in ("true", "false")),
}
