"""The catalogue: which NHANES files, cycles and variables the project uses, read from `seeds/`.

Adding a file or a cycle is adding rows. The seeds are checked before anything else runs; an error
names the seed and the row.
"""

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import TypeVar
from urllib.parse import urlsplit

from warehouse.checks.findings import nearest_names
from warehouse.errors import CatalogueError, cannot
from warehouse.paths import project_directory

SEEDS = project_directory() / "seeds"
KEY = "SEQN"

_IDENTIFIER = re.compile(r"[A-Z][A-Z0-9_]{0,31}")
_RESERVED = frozenset({"FILE", "CYCLE"})
Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Cycle:
    """One survey cycle and the respondent numbers that belong to it."""

    name: str
    description: str
    years: float
    first_seqn: int
    last_seqn: int


@dataclass(frozen=True)
class Variable:
    """A column that the study needs, and its name across cycles."""

    variable: str
    name: str


@dataclass(frozen=True)
class CatalogueFile:
    """One transport file: where it is published and what must be in it."""

    name: str
    cycle: Cycle
    component: str
    address: str
    expected_rows: int
    variables: tuple[Variable, ...]

    @property
    def table(self) -> str:
        """Name of the file's table in the warehouse."""
        return self.name.lower()


@dataclass(frozen=True)
class Catalogue:
    """All files, in the order of the seed."""

    files: tuple[CatalogueFile, ...]

    @cached_property
    def by_name(self) -> Mapping[str, CatalogueFile]:
        """The files by their names (upper case)."""
        return {file.name: file for file in self.files}

    @cached_property
    def components(self) -> Mapping[str, tuple[CatalogueFile, ...]]:
        """The files of each component, in the order of the seed."""
        names = dict.fromkeys(file.component for file in self.files)
        return {name: tuple(f for f in self.files if f.component == name) for name in names}

    @cached_property
    def digest(self) -> str:
        """Changes when anything in the catalogue changes."""
        return sha256(repr(self.files).encode()).hexdigest()


def harmonised_names(files: Iterable[CatalogueFile]) -> tuple[str, ...]:
    """Return the names that the catalogue gives to the columns of `files`, each once, in order."""
    return tuple(dict.fromkeys(v.name for file in files for v in file.variables))


@dataclass(frozen=True)
class _Row:
    """A row of a seed that knows where it stands."""

    seed: str
    line: int
    values: Mapping[str, str]

    def wrong(self, column: str, expected: str, advice: str = "correct the row") -> CatalogueError:
        found = self.values[column]
        return CatalogueError(
            f"seeds/{self.seed}, line {self.line}, column {column}: expected {expected}, "
            f"found {found!r}; {advice}."
        )

    def identifier(self, column: str) -> str:
        value = self.values[column]
        if not _IDENTIFIER.fullmatch(value):
            raise self.wrong(column, "a name of upper-case letters, digits and underscores")
        return value

    def number(self, column: str, kind: Callable[[str], Number], least: Number) -> Number:
        expected = f"a number of at least {least}"
        try:
            value = kind(self.values[column])
        except ValueError:
            raise self.wrong(column, expected) from None
        if not least <= value < 1e9:
            raise self.wrong(column, expected)
        return value

    def reference(self, column: str, known: Iterable[str]) -> str:
        value, names = self.values[column], list(known)
        if value not in names:
            near = nearest_names(value, names)
            raise self.wrong(column, f"one of the {column}s that exist (nearest: {', '.join(near)})")
        return value


def read_catalogue(seeds: Path = SEEDS) -> Catalogue:
    """Read and check the catalogue.

    Parameters
    ----------
    seeds : Path
        Folder of the seeds; by default the project's.

    Returns
    -------
    Catalogue
        Every file with its cycle and the variables needed from it.

    Raises
    ------
    CatalogueError
        If a seed is missing or a row is wrong; the message names the row.
    """
    cycles = _read_cycles(seeds)
    rows = _rows(
        seeds, "nhanes_files.csv", ("file", "cycle", "component", "address", "expected_rows"), ("file",)
    )
    names = {row.identifier("file") for row in rows}
    variables = _read_variables(seeds, names)
    pairs: dict[tuple[str, str], str] = {}
    files = []
    for row in rows:
        file = CatalogueFile(
            name=row.values["file"],
            cycle=cycles[row.reference("cycle", cycles)],
            component=row.identifier("component"),
            address=_address(row),
            expected_rows=row.number("expected_rows", int, 1),
            variables=variables.get(row.values["file"], ()),
        )
        if KEY not in {v.variable for v in file.variables if v.name == KEY}:
            raise row.wrong("file", f"{KEY} among its rows in nhanes_variables.csv", "add that row")
        other = pairs.setdefault((file.component, file.cycle.name), file.name)
        if other != file.name:
            raise row.wrong(
                "file", f"one file per component and cycle ({other} is one)", "remove one of the two"
            )
        files.append(file)
    return Catalogue(tuple(files))


def _address(row: _Row) -> str:
    address = row.values["address"]
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise row.wrong("address", "a plain address that starts with https://")
    path = PurePosixPath(parts.path)
    if path.stem.upper() != row.values["file"] or path.suffix.lower() != ".xpt":
        raise row.wrong("address", f"an address that ends with {row.values['file']}.xpt")
    return address


def _read_cycles(seeds: Path) -> dict[str, Cycle]:
    columns = ("cycle", "description", "years", "first_seqn", "last_seqn")
    found = []
    for row in _rows(seeds, "nhanes_cycles.csv", columns, ("cycle",)):
        if not re.fullmatch(r"\d{4}-\d{4}", row.values["cycle"]):
            raise row.wrong("cycle", "two years such as 2013-2014")
        first = row.number("first_seqn", int, 1)
        cycle = Cycle(
            name=row.values["cycle"],
            description=row.values["description"],
            years=row.number("years", float, 0.1),
            first_seqn=first,
            last_seqn=row.number("last_seqn", int, first),
        )
        found.append((cycle, row))
    found.sort(key=lambda pair: pair[0].first_seqn)
    for (one, _), (two, row) in pairwise(found):
        if two.first_seqn <= one.last_seqn:
            raise row.wrong("first_seqn", f"a number above {one.last_seqn}, the last of cycle {one.name}")
    return {cycle.name: cycle for cycle, _ in found}


def _read_variables(seeds: Path, files: Iterable[str]) -> dict[str, tuple[Variable, ...]]:
    seed, known = "nhanes_variables.csv", frozenset(files)
    variables: dict[str, list[Variable]] = {}
    taken: dict[tuple[str, str], int] = {}
    for row in _rows(seeds, seed, ("file", "variable", "name"), ("file", "variable")):
        file = row.reference("file", known)
        variable = Variable(row.identifier("variable"), row.identifier("name"))
        line = taken.setdefault((file, variable.name), row.line)
        if line != row.line:
            raise row.wrong("name", f"each name once per file (line {line} has it)")
        if variable.name in _RESERVED:
            raise row.wrong("name", "a name other than FILE and CYCLE, which every view has")
        variables.setdefault(file, []).append(variable)
    return {file: tuple(listed) for file, listed in variables.items()}


def _rows(seeds: Path, seed: str, columns: tuple[str, ...], key: tuple[str, ...]) -> list[_Row]:
    path = seeds / seed
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            if tuple(reader.fieldnames or ()) != columns:
                raise CatalogueError(
                    f"seeds/{seed}: expected the columns {', '.join(columns)}, "
                    f"found {', '.join(reader.fieldnames or ['none'])}; correct the first line."
                )
            rows = [_Row(seed, reader.line_num, values) for values in reader]
    except OSError as error:
        raise CatalogueError(cannot("read", path, error)) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CatalogueError(
            f"seeds/{seed}: expected a UTF-8 CSV file, found: {error}; repair it."
        ) from error
    if not rows:
        raise CatalogueError(f"seeds/{seed}: expected at least one row, found none; restore the seed.")
    seen: dict[tuple[str, ...], int] = {}
    for row in rows:
        if None in row.values or None in row.values.values():
            raise CatalogueError(
                f"seeds/{seed}, line {row.line}: expected {len(columns)} values; correct the row."
            )
        line = seen.setdefault(tuple(row.values[column] for column in key), row.line)
        if line != row.line:
            raise row.wrong(key[-1], f"each {' and '.join(key)} once (line {line} has it)", "remove one")
    return rows
