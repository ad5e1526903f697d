"""Look into a raw database as a reader would."""

from pathlib import Path

import duckdb


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as raw (read_only)")
        return connection.execute(sql).fetchall()


def everything(path: Path) -> list[object]:
    """Return all that a reader can see."""
    with duckdb.connect(str(path), read_only=True) as connection:
        relations = connection.execute(
            "select table_schema, table_name from information_schema.tables order by all"
        ).fetchall()
        return [(s, t, connection.execute(f'from {s}."{t}" order by all').fetchall()) for s, t in relations]
