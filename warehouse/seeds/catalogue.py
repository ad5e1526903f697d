"""The catalogue: which NHANES files, cycles and variables the project uses, read from three seeds.

Adding a file or a cycle is adding rows. The seeds are checked before anything else runs.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import pairwise
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from warehouse.paths import seeds_directory
from warehouse.seeds.declared import check_declared, read_declaration
from warehouse.seeds.findings import Finding, FindingsError
from warehouse.seeds.tables import Row, Seed, as_number, read_seed

CATALOGUE_SEEDS = ("nhanes_cycles", "nhanes_files", "nhanes_variables")
ERRORS_SEED = "codebook_errors"
KEY = "SEQN"

_IDENTIFIER = re.compile(r"[A-Z][A-Z0-9_]{0,31}")
# Columns that every view of a component has.
_RESERVED = frozenset({"FILE", "CYCLE"})


@dataclass(frozen=True, kw_only=True)
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
class PersonRow:
    """Which of several rows of one person is loaded: that where `variable` is `value`; without, the first."""

    variable: str | None = None
    value: str | None = None


@dataclass(frozen=True, kw_only=True)
class CatalogueFile:
    """One transport file: where it is published and what must be in it."""

    name: str
    cycle: Cycle
    component: str
    address: str
    expected_rows: int
    variables: tuple[Variable, ...]
    person_row: PersonRow | None = None

    @property
    def table(self) -> str:
        """Name of the file's table in the warehouse."""
        return self.name.lower()


@dataclass(frozen=True, kw_only=True)
class KnownError:
    """A count of CDC's page that is not what CDC's file holds.

    `page_count` is None, and `label` says what the code means, where the page lacks the code.
    """

    file: str
    variable: str
    code: str
    page_count: int | None
    data_count: int
    label: str
    reason: str


@dataclass(frozen=True)
class Catalogue:
    """All files, in the order of the seed, and the known errors of CDC's pages (of any file)."""

    files: tuple[CatalogueFile, ...]
    known_errors: tuple[KnownError, ...] = ()

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
        return sha256(repr((self.files, self.known_errors)).encode()).hexdigest()

    def errors_of(self, file: str) -> tuple[KnownError, ...]:
        """Return the known errors of a file's page."""
        return tuple(error for error in self.known_errors if error.file == file)


def harmonised_names(files: Iterable[CatalogueFile]) -> tuple[str, ...]:
    """Return the names that the catalogue gives to the columns of `files`, each once, in order."""
    return tuple(dict.fromkeys(v.name for file in files for v in file.variables))


def read_catalogue(seeds: Path | None = None) -> Catalogue:
    """Read and check the catalogue.

    Parameters
    ----------
    seeds : Path, optional
        Folder of the seeds and of the YAML beside each; by default the project's.

    Returns
    -------
    Catalogue
        Every file with its cycle and the variables needed from it.

    Raises
    ------
    FindingsError
        If rows are wrong; the message names each.
    SeedError
        If a seed or its YAML cannot be read.
    """
    folder = seeds or seeds_directory()
    names = (*CATALOGUE_SEEDS, ERRORS_SEED)
    declarations = {name: read_declaration(folder / f"{name}.yml") for name in names}
    tables: dict[str, Seed] = {}
    findings: list[Finding] = []
    for name, declaration in declarations.items():
        tables[name], wrong = read_seed(folder / f"{name}.csv", declaration.types)
        findings += wrong

    def known(relation: str, field: str) -> frozenset[str] | None:
        return tables[relation].values(field) if relation in tables else None

    if not findings:
        for name, declaration in declarations.items():
            findings += check_declared(tables[name], declaration, known)
        findings += catalogue_findings(*(tables[name] for name in CATALOGUE_SEEDS))
    if findings:
        raise FindingsError(findings)
    return _catalogue(*tables.values())


def _catalogue(cycles: Seed, files: Seed, variables: Seed, errors: Seed) -> Catalogue:
    named = {
        row["cycle"]: Cycle(
            name=row["cycle"],
            description=row["description"],
            years=float(row["years"]),
            first_seqn=int(row["first_seqn"]),
            last_seqn=int(row["last_seqn"]),
        )
        for row in cycles.rows
    }
    listed: dict[str, list[Variable]] = {}
    for row in variables.rows:
        listed.setdefault(row["file"], []).append(Variable(row["variable"], row["name"]))
    return Catalogue(
        tuple(
            CatalogueFile(
                name=row["file"],
                cycle=named[row["cycle"]],
                component=row["component"],
                address=row["address"],
                expected_rows=int(row["expected_rows"]),
                variables=tuple(listed[row["file"]]),
                person_row=_person_row(row["person_row"]),
            )
            for row in files.rows
        ),
        tuple(
            KnownError(
                file=row["file"],
                variable=row["variable"],
                code=row["code"],
                page_count=int(row["page_count"]) if row["page_count"] else None,
                data_count=int(row["data_count"]),
                label=row["label"],
                reason=row["reason"],
            )
            for row in errors.rows
        ),
    )


def _person_row(text: str) -> PersonRow | None:
    if not text:
        return None
    variable, _, value = text.partition("=")
    return PersonRow(variable, value) if value else PersonRow()


def catalogue_findings(cycles: Seed, files: Seed, variables: Seed) -> Iterator[Finding]:
    """Yield what is wrong in the three seeds beyond the rules that are declared for them."""
    for seed in (cycles, files, variables):
        if not seed.rows:
            yield Finding(f"seeds/{seed.name}.csv", "at least one row", "none")
    yield from _wrong_cycles(cycles)
    yield from _overlapping_cycles(cycles)
    yield from _wrong_files(files, variables)
    yield from _files_of_the_same_years(files)
    yield from _wrong_variables(variables)


def _wrong_cycles(cycles: Seed) -> Iterator[Finding]:
    ranges: list[tuple[float, float, Row]] = []
    for row in cycles.rows:
        if not _years(row["cycle"]):
            yield row.finding("cycle", "two years such as 2013-2014")
        first, last = as_number(row["first_seqn"]), as_number(row["last_seqn"])
        for column, least in (("years", 0.1), ("first_seqn", 1.0), ("last_seqn", first or 1.0)):
            number = as_number(row[column])
            if number is None or not least <= number < 1e9:
                yield row.finding(column, f"a number of at least {least:.10g}")
        if first is not None and last is not None:
            ranges.append((first, last, row))
    ranges.sort(key=lambda found: found[:2])
    for (_, last, one), (first, _, two) in pairwise(ranges):
        if first <= last:
            yield two.finding("first_seqn", f"a number above {last:.0f}, the last of cycle {one['cycle']}")


def _years(cycle: str) -> tuple[int, int] | None:
    """Return the first and last year in the name of a release; None if it is no such name."""
    found = re.fullmatch(r"([0-9]{4})-([0-9]{4})", cycle)
    return (int(found[1]), int(found[2])) if found and found[1] <= found[2] else None


def _overlapping_cycles(cycles: Seed) -> Iterator[Finding]:
    """Refuse releases of the same years: CDC gives the people of both other numbers, so SEQN cannot tell."""
    named = sorted((years, row.line, row) for row in cycles.rows if (years := _years(row["cycle"])))
    for ((start, end), line, one), ((first, _), _, two) in pairwise(named):
        if first <= end and one["cycle"] != two["cycle"]:  # a name that is there twice is told as such
            expected = (
                f"a release that starts above {end}: {one['cycle']} (line {line}) covers {start} to {end} "
                "and holds the same people under other numbers, so keep one of both"
            )
            yield two.finding("cycle", expected)


def _files_of_the_same_years(files: Seed) -> Iterator[Finding]:
    """Refuse two releases in one folder of CDC's: 2017-2018 and 2017-March 2020 lie in 2017, for one."""
    seen: dict[str, Row] = {}
    told: set[str] = set()
    for row in files.rows:
        folder = re.search(r"/Nhanes/(?:Public/)?([0-9]{4})[-/]", row["address"], re.IGNORECASE)
        other = seen.setdefault(folder[1], row) if folder else row
        if folder and other["cycle"] != row["cycle"] and row["cycle"] not in told:
            told.add(row["cycle"])
            expected = (
                f"a release other than {other['cycle']}, or a file of other years: {other['file']} "
                f"(line {other.line}) is of {folder[1]} too, by its address, so both hold the same people"
            )
            yield row.finding("cycle", expected)


def _wrong_files(files: Seed, variables: Seed) -> Iterator[Finding]:
    with_key = {row["file"] for row in variables.rows if row["variable"] == row["name"] == KEY}
    pairs: dict[tuple[str, str], str] = {}
    for row in files.rows:
        for column in ("file", "component"):
            yield from _wrong_identifier(row, column)
        yield from _wrong_address(row)
        if not re.fullmatch(r"(first|[A-Z_][A-Z0-9_]{0,7}=\S.*)?", row["person_row"]):
            yield row.finding("person_row", "first, or a column and its value such as _MULT_=1, or nothing")
        if row["file"] not in with_key:
            yield row.finding(
                "file", f"a row of {KEY} in seeds/nhanes_variables.csv", f"none for {row['file']!r}"
            )
        other = pairs.setdefault((row["component"], row["cycle"]), row["file"])
        if other != row["file"]:
            yield row.finding("file", f"one file per component and cycle ({other} is one)")


def _wrong_address(row: Row) -> Iterator[Finding]:
    try:
        parts = urlsplit(row["address"])
    except ValueError:  # brackets around what is no IPv6 address
        parts = urlsplit("")
    path = PurePosixPath(parts.path)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.query or parts.fragment:
        yield row.finding("address", "a plain address that starts with https://")
    elif path.stem.upper() != row["file"] or path.suffix.lower() != ".xpt":
        yield row.finding("address", f"an address that ends with {row['file']}.xpt")


def _wrong_variables(variables: Seed) -> Iterator[Finding]:
    lines: dict[tuple[str, str], int] = {}
    for row in variables.rows:
        for column in ("variable", "name"):
            yield from _wrong_identifier(row, column)
        if row["name"] in _RESERVED:
            yield row.finding("name", "a name other than FILE and CYCLE, which every view has")
        line = lines.setdefault((row["file"], row["name"]), row.line)
        if line != row.line:
            yield row.finding("name", f"each name once per file (line {line} has it)")


def _wrong_identifier(row: Row, column: str) -> Iterator[Finding]:
    if not _IDENTIFIER.fullmatch(row[column]):
        yield row.finding(column, "a name of upper-case letters, digits and underscores")
