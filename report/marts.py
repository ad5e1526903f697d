"""Read the result marts of one database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from report.errors import ReportError

ADVICE = "build it again with `make demo` or `make build`"


@dataclass(frozen=True)
class Marts:
    """The tables of schema `main` in one database, open for reading only.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Where they lie.
    columns : dict of str to tuple of str
        Names of the columns of each table.
    """

    connection: duckdb.DuckDBPyConnection
    columns: dict[str, tuple[str, ...]]

    def missing(self, *tables: str) -> tuple[str, ...]:
        """Return those of the tables that the database does not have."""
        return tuple(table for table in tables if table not in self.columns)

    def frame(self, query: str) -> pd.DataFrame:
        """Return the result of a query of this package's own; values from the data are never part of it.

        Raises
        ------
        ReportError
            A table lacks a column that the query names.
        """
        try:
            return self.connection.execute(query).df()
        except duckdb.BinderException as error:
            found = str(error).splitlines()[0]
            raise ReportError(
                f"expected result tables of this version of the project, found others ({found}); {ADVICE}"
            ) from error


@contextmanager
def open_marts(database: Path) -> Iterator[Marts]:
    """Open a database for reading and list its tables.

    Parameters
    ----------
    database : pathlib.Path
        The warehouse, or the published file of result tables.

    Raises
    ------
    ReportError
        There is no such file, it cannot be opened, or it holds no result tables.
    """
    if not database.is_file():
        raise ReportError(
            f"expected results in {database}, found no such file; run `make demo` or `make build`"
        )
    try:
        connection = duckdb.connect(str(database), read_only=True)
    except duckdb.Error as error:
        raise ReportError(
            f"expected a DuckDB database in {database}, which could not be opened: {error}"
        ) from error
    with connection:
        tables = connection.execute(
            """
            select table_name, list(column_name order by column_index)
            from duckdb_columns()
            where schema_name = 'main' and database_name = current_database() and not internal
            group by all
            """
        ).fetchall()
        columns = {table: tuple(names) for table, names in tables if {"run_id", "source"} <= set(names)}
        if not columns:
            raise ReportError(f"expected result tables in schema main of {database}, found none; {ADVICE}")
        yield Marts(connection, columns)
