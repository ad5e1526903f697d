"""The raw database: one table per transport file, one view per component, and the facts of each load.

A run writes a new database beside the old one, in one transaction, and puts it in the old one's place
when it is whole. So either all files of a run are in, or the old database is there, byte for byte, even
after a full disk or a kill; and a reader that has the old one open keeps it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import duckdb

from ingest.component_views import component_view, view_labels
from ingest.transport import Column, TransportFile
from warehouse.connection import connect, named_rows, quote_name, quote_text
from warehouse.errors import WarehouseError, cannot
from warehouse.files import replacing
from warehouse.seeds.catalogue import Catalogue, CatalogueFile

FILE_NAME = "raw.duckdb"
# Raised when the shape of the raw database changes: everything is then loaded again.
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


@dataclass(frozen=True, kw_only=True)
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
    """What a raw database holds; `digest` tells for which catalogue it was loaded."""

    digest: str | None
    files: tuple[FileFacts, ...]

    @property
    def sources(self) -> frozenset[str]:
        """Where its files came from."""
        return frozenset(facts.source for facts in self.files)


@dataclass(frozen=True, kw_only=True)
class Loading:
    """A file that was read and checked, on its way into the raw database."""

    entry: CatalogueFile
    transport: TransportFile
    source: str
    address: str


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


def write(path: Path, catalogue: Catalogue, loading: Sequence[Loading], before: Contents) -> None:
    """Make a raw database of new files and of those that have not changed, and put it in place.

    Parameters
    ----------
    path : Path
        The database file; need not exist.
    catalogue : Catalogue
        Files that are not in it are left out.
    loading : sequence of Loading
        Files to add or to replace.
    before : Contents
        What the decision to load these files was based on.

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
            _build(new, path, catalogue, loading, before)
            path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
    except OSError as error:
        raise WarehouseError(cannot("write", path, error)) from error


def _build(new: Path, old: Path, catalogue: Catalogue, loading: Sequence[Loading], before: Contents) -> None:
    digest = expected_digest(catalogue)
    replaced = {item.entry.name for item in loading}
    kept = [f.file for f in before.files if f.file in catalogue.by_name and f.file not in replaced]
    if kept and before.digest != digest:
        raise WarehouseError(f"{old} was loaded with another catalogue: every file must be loaded again.")
    with connect(new, read_only=False) as connection:
        if kept:
            connection.execute(f"attach {quote_text(str(old))} as old (read_only)")
        connection.execute("begin")
        connection.execute(_META)
        connection.execute("insert into meta.catalogue values (?)", [digest])
        for name in kept:
            table = f"nhanes_files.{quote_name(name.lower())}"
            connection.execute(f"create table {table} as from old.{table}")
            for facts in ("meta.files", "meta.variables"):
                connection.execute(f"insert into {facts} from old.{facts} where file = ?", [name])
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
        transport.bytes,
        transport.rows,
        len(transport.columns),
        transport.label or None,
        datetime.now(UTC).replace(tzinfo=None),
    )
    connection.execute(f"insert into meta.files values ({', '.join('?' * len(facts))})", facts)
    listed = transport.columns
    connection.execute(
        "insert into meta.variables select $1, unnest($2::varchar[]), unnest($3::integer[]), "
        "unnest($4::varchar[]), unnest($5::varchar[])",
        [
            entry.name,
            [column.name for column in listed],
            list(range(1, len(listed) + 1)),
            [column.label for column in listed],
            [column.type for column in listed],
        ],
    )


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
        "select file, variable, label, type from meta.variables order by file, position"
    ).fetchall():
        loaded.setdefault(file, []).append(Column(*rest))
    for name, columns in loaded.items():
        table = f"nhanes_files.{quote_name(catalogue.by_name[name].table)}"
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
