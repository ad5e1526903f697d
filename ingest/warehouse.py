"""The raw database: one table per transport file, one view per component, and the facts of each load.

Everything is written in one transaction: afterwards either all files of a run are in, or nothing changed.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import duckdb

from ingest.catalogue import Catalogue, CatalogueFile
from ingest.errors import LockedError, WarehouseError, cannot
from ingest.transport import Column, TransportFile
from ingest.views import component_view, quote_name, quote_text, view_columns, view_labels

FILE_NAME = "raw.duckdb"
# Older clients than the one that writes can open the file.
_CONFIG: Mapping[str, str | bool | int | float | list[str]] = {"storage_compatibility_version": "v1.5.0"}
# Raised when the shape of the warehouse changes: everything is then loaded again.
_SHAPE = 1

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
    bytes bigint not null,
    rows bigint not null,
    columns bigint not null,
    file_label varchar,
    loaded_at timestamp not null
);
create table meta.variables (
    file varchar not null,
    variable varchar not null,
    position integer not null,
    label varchar,
    type varchar not null,
    primary key (file, variable)
);
comment on table meta.files is 'One row per loaded transport file: where it came from and what it holds.';
comment on column meta.files.address is 'URL, or path of the file, at the time it was loaded.';
comment on column meta.files.loaded_at is 'Time of loading, UTC.';
comment on table meta.variables is 'One row per column of each loaded file, with the label from the file.';
"""


@dataclass(frozen=True)
class FileFacts:
    """A row of ``meta.files``."""

    file: str
    cycle: str
    component: str
    source: str
    address: str
    sha256: str
    bytes: int
    rows: int
    columns: int
    file_label: str | None
    loaded_at: datetime


@dataclass(frozen=True)
class Contents:
    """What a warehouse holds; `digest` tells for which catalogue it was loaded."""

    digest: str | None
    files: tuple[FileFacts, ...]

    @property
    def sources(self) -> frozenset[str]:
        """Where its files came from."""
        return frozenset(facts.source for facts in self.files)


@dataclass(frozen=True)
class Loading:
    """A file that was read and checked, on its way into the warehouse."""

    entry: CatalogueFile
    transport: TransportFile
    source: str
    address: str


EMPTY = Contents(None, ())


def warehouse_digest(catalogue: Catalogue) -> str:
    """Return what `Contents.digest` must be for the warehouse to be in keeping with the catalogue."""
    return sha256(f"{_SHAPE} {catalogue.digest}".encode()).hexdigest()


def read_contents(path: Path) -> Contents:
    """Say what a warehouse holds, without locking out other readers.

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
    with _connect(path, read_only=True) as connection:
        return _contents(connection, path)


def write(path: Path, catalogue: Catalogue, loading: Sequence[Loading], before: Contents) -> None:
    """Put files into the warehouse and rebuild its views, in one transaction.

    Parameters
    ----------
    path : Path
        The database file; made if it does not exist.
    catalogue : Catalogue
        Files that are not in it are removed from the warehouse.
    loading : sequence of Loading
        Files to add or to replace.
    before : Contents
        What the decision to load these files was based on.

    Raises
    ------
    LockedError
        If another process has the database open.
    WarehouseError
        If it cannot be written, or has changed since `before`. What was in it is then still in it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WarehouseError(cannot("make the data folder", path.parent, error)) from error
    new = not path.exists()
    written = False
    try:
        with _connect(path, read_only=False) as connection:
            if _contents(connection, path) != before:
                raise WarehouseError(f"{path} was changed by another run meanwhile: run again.")
            connection.execute("begin")
            _write(connection, catalogue, loading, before)
            connection.execute("commit")
            written = True
            connection.execute("checkpoint")
    finally:
        if new and not written:
            for leftover in (path, path.with_name(path.name + ".wal")):
                leftover.unlink(missing_ok=True)


def _write(
    connection: duckdb.DuckDBPyConnection, catalogue: Catalogue, loading: Sequence[Loading], before: Contents
) -> None:
    digest = warehouse_digest(catalogue)
    if before.digest != digest:
        if before.digest is not None:
            connection.execute("drop schema nhanes cascade; drop schema nhanes_files cascade")
            connection.execute("drop schema meta cascade")
        connection.execute(_META)
        connection.execute("insert into meta.catalogue values (?)", [digest])
    else:
        gone = {facts.file for facts in before.files} - catalogue.by_name.keys()
        for name in sorted(gone | {item.entry.name for item in loading}):
            connection.execute(f"drop table if exists nhanes_files.{quote_name(name.lower())}")
            connection.execute("delete from meta.files where file = ?", [name])
            connection.execute("delete from meta.variables where file = ?", [name])
    for item in loading:
        _write_file(connection, item)
    _write_views(connection, catalogue)


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
        transport.bytes,
        transport.rows,
        len(transport.columns),
        transport.label or None,
        datetime.now(UTC).replace(tzinfo=None),
    )
    connection.execute(f"insert into meta.files values ({', '.join('?' * len(facts))})", facts)
    connection.executemany(
        "insert into meta.variables values (?, ?, ?, ?, ?)",
        [
            (entry.name, column.name, place, column.label, column.type)
            for place, column in enumerate(transport.columns, start=1)
        ],
    )
    labels = {column.name: column.label for column in transport.columns if column.label}
    _comment(connection, table, labels)


def _create_table(connection: duckdb.DuckDBPyConnection, table: str, transport: TransportFile) -> None:
    """Create a table from arrays: DuckDB finds `incoming` by its name in this function (NaN becomes null)."""
    incoming = dict(transport.values)
    columns = ", ".join(f"{quote_name(c.name)}::{c.type} as {quote_name(c.name)}" for c in transport.columns)
    connection.execute(f"create table {table} as select {columns} from incoming")
    row = connection.execute(f"select count(*) from {table}").fetchone()
    if row != (len(next(iter(incoming.values()))),):
        raise WarehouseError(f"{table}: expected {transport.rows} rows, found {row}; nothing was changed.")


def _write_views(connection: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
    for (name,) in connection.execute(
        "select view_name from duckdb_views() where schema_name = 'nhanes' and not internal"
    ).fetchall():
        connection.execute(f"drop view nhanes.{quote_name(name)}")
    loaded: dict[str, list[Column]] = {}
    for file, *rest in connection.execute(
        "select file, variable, label, type from meta.variables order by file, position"
    ).fetchall():
        loaded.setdefault(file, []).append(Column(*rest))
    for component, files in catalogue.components.items():
        connection.execute(component_view(component, files, loaded))
        known = view_columns(files, loaded)
        labels = {name: label for name, label in view_labels(files, loaded).items() if name in known}
        _comment(connection, f"nhanes.{quote_name(component.lower())}", labels)


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
    rows = connection.execute("select * from meta.files order by cycle, file").fetchall()
    return Contents(digest[0] if digest else None, tuple(FileFacts(*row) for row in rows))


@contextlib.contextmanager
def _connect(path: Path, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
    try:
        config = {} if read_only else dict(_CONFIG)
        with duckdb.connect(str(path), read_only=read_only, config=config) as connection:
            yield connection
    except duckdb.Error as error:
        raise _explain(path, error) from error


def _explain(path: Path, error: duckdb.Error) -> WarehouseError:
    text = str(error)
    if "Could not set lock" in text or "Conflicting lock" in text:
        return LockedError(
            f"{path} is in use by {_holder(text)}: close it there, or wait until it has finished, "
            "then run again."
        )
    for sign, advice in (
        ("No space left", "the disk is full: free some space and run again"),
        ("File too large", "the file would exceed the size limit (`ulimit -f`): raise it and run again"),
        ("Disk quota", "the disk quota is used up: free some space and run again"),
        ("Read-only file system", "the file system is read-only: choose another folder with --data"),
        (
            "Permission denied",
            "permission is missing: change it (`chmod`) or choose another folder with --data",
        ),
    ):
        if sign in text:
            return WarehouseError(f"Cannot write {path}: {advice}. What was loaded before is unchanged.")
    if "not a valid DuckDB database file" in text:
        return WarehouseError(f"{path} is not a DuckDB database: move it away and run again.")
    return WarehouseError(f"{path}: the database says: {text.splitlines()[0]}")


def _holder(text: str) -> str:
    found = re.search(r"\(PID (\d+)\)", text)
    if not found:
        return "another process"
    import psutil

    number = int(found[1])
    try:
        process = psutil.Process(number)
        command = " ".join(process.cmdline())[:120]
        return f"process {number}, {process.name()}" + (f" ({command})" if command else "")
    except psutil.Error:
        program = re.search(r"held in (\S+)", text)
        return f"process {number}" + (f", {Path(program[1]).name}" if program else "")
