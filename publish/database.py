"""Write the published database and the Parquet files from the private warehouse."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from publish.audit import AGAIN, Run, audit
from publish.dictionary import one_line, unit_of
from publish.errors import AuditError
from warehouse.connection import connect, named_rows, quote_name, quote_text
from warehouse.paths import DATABASE

PARQUET = "parquet"

_DICTIONARY = "data_dictionary"
_DICTIONARY_TABLE = "One row per column of a published table: what it holds."
DICTIONARY_COLUMNS = {
    "table_name": "Published table.",
    "column_name": "Its column.",
    "position": "Position of the column in the table, from 1.",
    "data_type": "Type in DuckDB.",
    "unit": "Unit, where the description states one; null elsewhere.",
    "description": "What the column holds.",
    "table_description": "What a row of the table is.",
}


@dataclass(frozen=True, kw_only=True)
class InputFile:
    """A transport file that the run was made from."""

    file: str
    cycle: str
    source: str
    sha256: str
    rows: int


@dataclass(frozen=True)
class Written:
    """What was written: the run, rows of each published table, and the files it was made from."""

    run: Run
    rows: dict[str, int]
    inputs: tuple[InputFile, ...]


def refuse_missing(warehouse: Path) -> None:
    """Raise `AuditError` if there is no private warehouse."""
    if not warehouse.exists():
        raise AuditError(f"expected a finished build in {warehouse}, found no such file: {AGAIN}")


def read_run(warehouse: Path) -> Run:
    """Audit a private warehouse and return its run.

    Raises
    ------
    publish.errors.AuditError
        If it is not one whole, successful build.
    warehouse.errors.WarehouseError
        If it cannot be read; a `LockedError` says which process holds it.
    """
    refuse_missing(warehouse)
    with connect(warehouse, read_only=True) as connection:
        return audit(connection, warehouse.stem, warehouse)


def write_tables(warehouse: Path, folder: Path) -> Written:
    """Audit the warehouse, then write its result marts and the data dictionary into a folder.

    Parameters
    ----------
    warehouse : pathlib.Path
        The private warehouse; cannot be changed by anyone while it is copied.
    folder : pathlib.Path
        Gets `nhanes_bone.duckdb` and `parquet/`, a file per table.

    Returns
    -------
    Written
        The run and what was written of it.

    Raises
    ------
    publish.errors.AuditError
        If the warehouse is not one whole, successful build.
    warehouse.errors.WarehouseError
        If the warehouse cannot be read or the folder not be written.
    """
    (folder / PARQUET).mkdir()
    with connect(folder / DATABASE, read_only=False) as connection:
        connection.execute(f"attach {quote_text(str(warehouse))} as private (read_only)")
        run = audit(connection, "private", warehouse)
        connection.execute("begin")
        for mart in run.result_marts:
            _copy(connection, mart, run)
        _write_dictionary(connection)
        connection.execute("commit")
        rows = {
            table: _count(connection, table)
            for (table,) in connection.execute(
                "select table_name from duckdb_tables() where database_name = current_database() order by all"
            ).fetchall()
        }
        for table in rows:
            _write_parquet(connection, table, run, folder / PARQUET / f"{table}.parquet")
        inputs = named_rows(
            connection.execute(
                "select file, cycle, file_source as source, sha256, row_count as rows "
                "from private.staging.stg_nhanes_files order by file"
            )
        )
        connection.execute("detach private")
        connection.execute("checkpoint")
    return Written(run, rows, tuple(InputFile(**row) for row in inputs))


def _copy(connection: duckdb.DuckDBPyConnection, mart: str, run: Run) -> None:
    """Copy a mart in its order, with its comments; of `runs`, the row of this run."""
    name = quote_name(mart)
    connection.execute(
        f"create table {name} as from private.main.{name} where run_id = ?", [run.run_id]
    ).fetchall()
    comments = connection.execute(
        """
        select comment from duckdb_tables()
        where database_name = 'private' and schema_name = 'main' and table_name = $1
        union all
        select comment from duckdb_views()
        where database_name = 'private' and schema_name = 'main' and view_name = $1
        """,
        [mart],
    ).fetchall()
    columns = connection.execute(
        "select column_name, comment from duckdb_columns() "
        "where database_name = 'private' and schema_name = 'main' and table_name = ? order by column_index",
        [mart],
    ).fetchall()
    _comment(connection, mart, comments[0][0], dict(columns))


def _comment(
    connection: duckdb.DuckDBPyConnection, table: str, text: str | None, columns: dict[str, str | None]
) -> None:
    """Keep descriptions as comments. DuckDB takes no parameters here, so each is quoted as a literal."""
    connection.execute(f"comment on table {quote_name(table)} is {quote_text(one_line(text or ''))}")
    for column, description in columns.items():
        connection.execute(
            f"comment on column {quote_name(table)}.{quote_name(column)} "
            f"is {quote_text(one_line(description or ''))}"
        )


def _write_dictionary(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"""
        create table {_DICTIONARY} (
            table_name varchar, column_name varchar, position integer, data_type varchar, unit varchar,
            description varchar, table_description varchar
        )
    """)
    _comment(connection, _DICTIONARY, _DICTIONARY_TABLE, dict(DICTIONARY_COLUMNS))
    columns = connection.execute("""
        select
            columns.table_name,
            columns.column_name,
            columns.column_index,
            columns.data_type,
            columns.comment,
            tables.comment
        from duckdb_columns() as columns
        inner join duckdb_tables() as tables using (database_name, schema_name, table_name)
        where database_name = current_database()
        order by columns.table_name, columns.column_index
    """).fetchall()
    connection.executemany(
        f"insert into {_DICTIONARY} values (?, ?, ?, ?, ?, ?, ?)",
        [(*row[:4], unit_of(row[4]), *row[4:]) for row in columns],
    )


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    (row,) = connection.execute(f"select count(*) from {quote_name(table)}").fetchall()
    return int(row[0])


def _write_parquet(connection: duckdb.DuckDBPyConnection, table: str, run: Run, path: Path) -> None:
    facts = {"run_id": run.run_id, "source": run.source, "code_version": run.code_version}
    metadata = ", ".join(f"{name}: {quote_text(value)}" for name, value in facts.items())
    connection.execute(
        f"copy {quote_name(table)} to {quote_text(str(path))} "
        f"(format parquet, compression zstd, kv_metadata {{{metadata}}})"
    ).fetchall()
