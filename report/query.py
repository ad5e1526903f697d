"""Ask the published results a question in SQL: `python -m report.query "from replication"`."""

import argparse
import sys
from pathlib import Path

import duckdb

from report.errors import ReportError
from report.places import results_path, warehouse_path
from report.summary import table_text

# DuckDB hands out 2,048 rows at a time; more than these scroll past every reader.
MOST_CHUNKS = 5
# A pivot whose columns DuckDB has to look up is of the kind MULTI, and nothing else is.
QUERIES = (duckdb.StatementType.SELECT, duckdb.StatementType.MULTI)
# How much of a statement a message repeats.
SHOWN = 60


def answer(query: str, database: Path) -> str:
    """Return the results of queries as tables for a terminal: the first rows of each, if there are thousands.

    Parameters
    ----------
    query : str
        One query in SQL or several, with semicolons between them; the database is open read-only.
    database : pathlib.Path
        Published results, or a warehouse that `dbt build` made.

    Raises
    ------
    duckdb.Error
        A query is wrong, or the database cannot be opened.
    ReportError
        There is no query, or a statement that is none, or has parameters; nothing was run then.
    """
    with duckdb.connect(str(database), read_only=True) as connection:
        statements = connection.extract_statements(query)
        if not statements:
            raise ReportError('expected a query in SQL, such as "from cohort_flow", found none')
        for statement in statements:
            _require_query(statement)
        return "\n\n".join(_table(connection, statement) for statement in statements)


def _require_query(statement: duckdb.Statement) -> None:
    text = " ".join(statement.query.split())
    shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
    if statement.type not in QUERIES:
        kind = statement.type.name.replace("_", " ")
        raise ReportError(
            "expected queries (select, from, describe, summarize, show), found a statement of the kind "
            f"{kind}: {shown!r}; nothing was run: a DuckDB client can, on a copy of the file"
        )
    if statement.named_parameters:
        names = ", ".join(sorted(statement.named_parameters))
        raise ReportError(
            f"expected a query without parameters, found {names} in {shown!r}: write the value itself"
        )


def _table(connection: duckdb.DuckDBPyConnection, statement: duckdb.Statement) -> str:
    connection.execute(statement)
    rows = connection.fetch_df_chunk(MOST_CHUNKS)
    more = len(connection.fetch_df_chunk()) > 0
    if rows.empty:
        return f"no rows; columns: {', '.join(rows.columns)}"
    text = table_text(rows)
    if more:
        text += f"\n\nThe first {len(rows):,} rows, there are more: narrow the query, or ask a DuckDB client"
    return text


def main() -> None:
    """Answer the query of the command line."""
    parser = argparse.ArgumentParser(prog="python -m report.query", description=__doc__)
    parser.add_argument("query", help='SQL, for instance "from cohort_flow"; several with semicolons')
    parser.add_argument(
        "--private",
        action="store_true",
        help="ask the warehouse of the last build instead, which has rows per person and every schema",
    )
    options = parser.parse_args()
    try:
        print(answer(options.query, warehouse_path() if options.private else results_path()))
    except duckdb.CatalogException as error:
        hint = (
            "" if options.private else "\nTables with rows of persons are not published: --private asks them."
        )
        sys.exit(f"error: {error}{hint}")
    except (duckdb.Error, ReportError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
