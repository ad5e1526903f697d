"""The raw database: transport files as tables and as one long table, and what CDC's pages say of them.

Schema ``nhanes_files`` has a table per file. Schema ``nhanes`` has a view per component, the long table
``answers`` (a row per person, file and variable with a number) and, from the pages, ``variables`` and
``codes``. Schema ``meta`` has the facts of each load.

A run writes a new database beside the old one, in one transaction, and puts it in the old one's place
when it is whole. So either all files of a run are in, or the old database is there, byte for byte, even
after a full disk or a kill; and a reader that has the old one open keeps it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import duckdb

from ingest.answers import ANSWERS, write_answers, write_codebook
from ingest.codebook_checks import CheckedCode
from ingest.codebook_page import PageVariable
from ingest.component_views import component_view, view_labels
from ingest.transport import Column, TransportFile
from warehouse.connection import connect, named_rows, quote_name, quote_text
from warehouse.errors import WarehouseError, cannot
from warehouse.files import replacing
from warehouse.seeds.catalogue import Catalogue, CatalogueFile

FILE_NAME = "raw.duckdb"
# Raised when the shape of the raw database changes: everything is then loaded again.
_SHAPE = 2

_META = """
create schema nhanes_files;
create schema nhanes;
create schema meta;
create table meta.catalogue (digest varchar not null);
create table meta.files (
    file varchar primary key,
    cycle varchar not null,
    component varchar not null,
    source varchar not null check (source in ('cdc', 'directory', 'demo')),
    address varchar not null,
    sha256 varchar not null,
    page_sha256 varchar,
    bytes bigint not null,
    rows bigint not null,
    columns bigint not null,
    file_label varchar,
    loaded_at timestamp not null
);
comment on table meta.files is 'One row per loaded transport file: where it came from and what it holds.';
comment on column meta.files.address is 'URL, or path of the file, at the time it was loaded.';
comment on column meta.files.loaded_at is 'Time of loading, UTC.';
comment on column meta.files.page_sha256 is
    'Digest of the page that was compared; null where there was none.';
"""


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """A row of ``meta.files``."""

    file: str
    cycle: str
    component: str
    source: str
    address: str
    sha256: str
    page_sha256: str | None
    bytes: int
    rows: int
    columns: int
    file_label: str | None
    loaded_at: datetime


@dataclass(frozen=True)
class Contents:
    """What a raw database holds; `digest` tells for which catalogue it was loaded."""

    digest: str | None
    files: tuple[FileFacts, ...]

    @property
    def sources(self) -> frozenset[str]:
        """Where its files came from."""
        return frozenset(facts.source for facts in self.files)


@dataclass(frozen=True, kw_only=True)
class Loading:
    """A file that was read and checked, to be written; `described` is empty where there is no page."""

    entry: CatalogueFile
    transport: TransportFile
    source: str
    address: str
    page_sha256: str | None = None
    described: tuple[PageVariable, ...] = ()
    codes: tuple[CheckedCode, ...] = ()


EMPTY = Contents(None, ())


def expected_digest(catalogue: Catalogue) -> str:
    """Return the digest of a raw database that was loaded for this catalogue."""
    return sha256(f"{_SHAPE} {catalogue.digest}".encode()).hexdigest()


def read_contents(path: Path) -> Contents:
    """Say what a raw database holds, without locking out other readers.

    Parameters
    ----------
    path : Path
        The database file; need not exist.

    Returns
    -------
    Contents
        Empty if there is no database.

    Raises
    ------
    WarehouseError
        If it cannot be opened, or is not a database of this package.
    """
    try:
        if not path.exists() or path.stat().st_size == 0:
            return EMPTY
    except OSError as error:
        raise WarehouseError(cannot("read", path, error)) from error
    with connect(path, read_only=True) as connection:
        return _contents(connection, path)


def write(
    path: Path, catalogue: Catalogue, loading: Iterable[Loading], before: Contents, kept: Sequence[str] = ()
) -> None:
    """Make a raw database of new files and of those that have not changed, and put it in place.

    Parameters
    ----------
    path : Path
        The database file; need not exist.
    catalogue : Catalogue
        What the views of components are made of.
    loading : iterable of Loading
        Files to add or to replace, one at a time: only one is in memory. An error that it raises leaves
        the database as it was.
    before : Contents
        What the decision to load these files was based on.
    kept : sequence of str
        Files of the present database that are copied.

    Raises
    ------
    WarehouseError
        If it cannot be written, or has changed since `before`.
    """
    path = path.resolve()
    if read_contents(path) != before:
        raise WarehouseError(f"{path} was changed by another run meanwhile: run again.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as new:
            _build(new, path, catalogue, loading, before, kept)
            path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
    except OSError as error:
        raise WarehouseError(cannot("write", path, error)) from error


def _build(
    new: Path,
    old: Path,
    catalogue: Catalogue,
    loading: Iterable[Loading],
    before: Contents,
    kept: Sequence[str],
) -> None:
    digest = expected_digest(catalogue)
    if kept and before.digest != digest:
        raise WarehouseError(f"{old} was loaded with another catalogue: every file must be loaded again.")
    with connect(new, read_only=False) as connection:
        if kept:
            connection.execute(f"attach {quote_text(str(old))} as old (read_only)")
        connection.execute("begin")
        connection.execute(_META)
        connection.execute(ANSWERS)
        connection.execute("insert into meta.catalogue values (?)", [digest])
        for name in kept:
            table = f"nhanes_files.{quote_name(name.lower())}"
            connection.execute(f"create table {table} as from old.{table}")
        for facts in ("meta.files", "nhanes.variables", "nhanes.codes", "nhanes.answers") if kept else ():
            connection.execute(
                f"insert into {facts} from old.{facts} where list_contains($1, file)", [list(kept)]
            )
        for item in loading:
            _write_file(connection, item)
        _write_views(connection, catalogue)
        connection.execute("commit")
        connection.execute("checkpoint")


def _write_file(connection: duckdb.DuckDBPyConnection, item: Loading) -> None:
    entry, transport = item.entry, item.transport
    table = f"nhanes_files.{quote_name(entry.table)}"
    _create_table(connection, table, transport)
    facts = (
        entry.name,
        entry.cycle.name,
        entry.component,
        item.source,
        item.address,
        transport.sha256,
        item.page_sha256,
        transport.bytes,
        transport.rows,
        len(transport.columns),
        transport.label or None,
        datetime.now(UTC).replace(tzinfo=None),
    )
    connection.execute(f"insert into meta.files values ({', '.join('?' * len(facts))})", facts)
    release = entry.cycle.name
    write_codebook(connection, release, entry.name, transport, item.described, item.codes)
    write_answers(connection, release, entry.name, transport)


def _create_table(connection: duckdb.DuckDBPyConnection, table: str, transport: TransportFile) -> None:
    """Create a table from arrays: DuckDB finds `incoming` by its name in this function (NaN becomes null)."""
    incoming = dict(transport.values)
    columns = ", ".join(f"{quote_name(c.name)}::{c.type} as {quote_name(c.name)}" for c in transport.columns)
    connection.execute(f"create table {table} as select {columns} from incoming")
    row = connection.execute(f"select count(*) from {table}").fetchone()
    if row != (len(next(iter(incoming.values()))),):
        raise WarehouseError(f"{table}: expected {transport.rows} rows, found {row}; nothing was changed.")


def _write_views(connection: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
    loaded: dict[str, list[Column]] = {}
    for file, *rest in connection.execute(
        "select file, variable, label, type from nhanes.variables order by file, position"
    ).fetchall():
        loaded.setdefault(file, []).append(Column(*rest))
    for name, columns in loaded.items():
        table = f"nhanes_files.{quote_name(name.lower())}"
        _comment(connection, table, {column.name: column.label for column in columns})
    for component, files in catalogue.components.items():
        connection.execute(component_view(component, files, loaded))
        _comment(connection, f"nhanes.{quote_name(component.lower())}", view_labels(files, loaded))


def _comment(connection: duckdb.DuckDBPyConnection, relation: str, labels: Mapping[str, str | None]) -> None:
    """Keep labels as comments. DuckDB takes no parameters here, so each label is quoted as a literal."""
    statements = [
        f"comment on column {relation}.{quote_name(name)} is {quote_text(label)}"
        for name, label in labels.items()
        if label
    ]
    if statements:
        connection.execute(";\n".join(statements))


def _contents(connection: duckdb.DuckDBPyConnection, path: Path) -> Contents:
    tables = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where not internal"
    ).fetchall()
    if not tables:
        return EMPTY
    if ("meta.catalogue",) not in tables or ("meta.files",) not in tables:
        raise WarehouseError(
            f"Expected the raw data of this project in {path}, found another database there: "
            "move it away, or choose another folder with --data."
        )
    digest = connection.execute("select digest from meta.catalogue").fetchone()
    rows = named_rows(connection.execute("select * from meta.files order by cycle, file"))
    return Contents(digest[0] if digest else None, tuple(FileFacts(**row) for row in rows))
