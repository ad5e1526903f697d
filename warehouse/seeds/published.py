"""What CDC has published: every public file of 1999-2023 and every variable, from two compressed seeds.

`python -m ingest catalogue` renews them. Lines that begin with ``#`` say where the rows are from, and when.
"""

import csv
import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path, PurePosixPath

from warehouse.errors import SeedError, cannot
from warehouse.files import replacing
from warehouse.paths import seeds_directory

FILES_NAME, VARIABLES_NAME = "published_files.csv.gz", "published_variables.csv.gz"


@dataclass(frozen=True, kw_only=True)
class PublishedFile:
    """A public transport file: `release` is the years that it covers, such as ``2013-2014``."""

    file: str
    release: str
    component: str
    title: str
    address: str
    published: str


@dataclass(frozen=True, kw_only=True)
class PublishedVariable:
    """A variable of a public file."""

    file: str
    variable: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Published:
    """All files by name, and all variables, sorted by file."""

    files: Mapping[str, PublishedFile]
    variables: Sequence[PublishedVariable]


def page_address(address: str) -> str:
    """Return where the page of a file lies: beside the file, as `.htm`."""
    return str(PurePosixPath(address).with_suffix(".htm")).replace(":/", "://", 1)


def read_published(seeds: Path | None = None) -> Published:
    """Read both lists.

    Parameters
    ----------
    seeds : Path, optional
        Their folder; by default that of the project's seeds.

    Raises
    ------
    SeedError
        If one of them is not there or is damaged.
    """
    folder = seeds or seeds_directory()
    files = {row["file"]: PublishedFile(**row) for row in _rows(folder / FILES_NAME)}
    variables = [PublishedVariable(**row) for row in _rows(folder / VARIABLES_NAME)]
    return Published(files=files, variables=variables)


def write_published(published: Published, source: str, seeds: Path | None = None) -> None:
    """Write both lists; the same lists give the same bytes.

    Parameters
    ----------
    published : Published
        What to write.
    source : str
        Where it is from, and when it was read: one line.
    seeds : Path, optional
        Their folder; by default that of the project's seeds.
    """
    folder = seeds or seeds_directory()
    tables = (
        (FILES_NAME, PublishedFile, [vars(file) for file in published.files.values()]),
        (VARIABLES_NAME, PublishedVariable, [vars(variable) for variable in published.variables]),
    )
    for name, kind, rows in tables:
        text = StringIO()
        text.write(f"# {source}\n")
        writer = csv.DictWriter(text, list(kind.__dataclass_fields__), lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: tuple(row.values())))
        try:
            with replacing(folder / name) as new:
                new.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))
        except OSError as error:
            raise SeedError(cannot("write", folder / name, error)) from error


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        text = gzip.decompress(path.read_bytes()).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise SeedError(
            f"Expected CDC's list in {path}, found none that can be read ({error}): take it from the "
            "project again, or write it anew with `python -m ingest catalogue`."
        ) from error
    return csv.DictReader(line for line in StringIO(text) if not line.startswith("#"))
