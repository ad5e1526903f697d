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


def answer(query: str, database: Path) -> str:
    """Return the result of one query as a table for a terminal: its first rows, if there are thousands.

    Parameters
    ----------
    query : str
        SQL; the database is open read-only.
    database : pathlib.Path
        Published results, or a warehouse that `dbt build` made.

    Raises
    ------
    duckdb.Error
        The query is wrong, or the database cannot be opened.
    ReportError
        There is no query.
    """
    with duckdb.connect(str(database), read_only=True) as connection:
        if not connection.extract_statements(query):
            raise ReportError('expected a query in SQL, such as "from cohort_flow", found none')
        connection.execute(query)
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
    parser.add_argument("query", help='SQL, for instance "from cohort_flow"')
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
