"""Ask the warehouse a question in SQL: `python -m report.query "from replication"`."""

import argparse
import sys
from pathlib import Path

import duckdb

from report.summary import table_text, warehouse_path


def answer(query: str, warehouse: Path) -> str:
    """Return the result of one query as a table for a terminal.

    Parameters
    ----------
    query : str
        SQL; the warehouse is open read-only.
    warehouse : pathlib.Path
        A database that `dbt build` made.

    Raises
    ------
    duckdb.Error
        The query is wrong, or the warehouse cannot be opened.
    """
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return table_text(connection.execute(query).df())


def main() -> None:
    """Answer the query of the command line."""
    parser = argparse.ArgumentParser(prog="python -m report.query", description=__doc__)
    parser.add_argument("query", help='SQL, for instance "from cohort_flow"')
    query = parser.parse_args().query
    try:
        print(answer(query, warehouse_path()))
    except duckdb.Error as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
