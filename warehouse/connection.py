"""Open the raw database, and say in plain words why it cannot be opened or written."""

import contextlib
import errno
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from warehouse.errors import LockedError, WarehouseError, cannot
from warehouse.locks import describe_process

# Older clients than the one that writes can open the file.
_CONFIG: Mapping[str, str | bool | int | float | list[str]] = {"storage_compatibility_version": "v1.5.0"}


@contextlib.contextmanager
def connect(path: Path, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the database; every error of DuckDB inside becomes a `WarehouseError` in plain words.

    Parameters
    ----------
    path : Path
        The database file; made if it does not exist and is to be written.
    read_only : bool
        Other processes may then read it too.

    Yields
    ------
    duckdb.DuckDBPyConnection
        Closed at the end; a transaction that was not committed is then undone.

    Raises
    ------
    LockedError
        If another process has it open.
    WarehouseError
        For all other errors of the database.
    """
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
    for number in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EROFS, errno.EACCES):
        if os.strerror(number) in text:
            why = cannot("write", path, OSError(number, os.strerror(number)))
            return WarehouseError(f"{why} What was loaded before is unchanged.")
    if "not a valid DuckDB database file" in text:
        return WarehouseError(f"{path} is not a DuckDB database: move it away and run again.")
    return WarehouseError(f"{path}: the database says: {text.splitlines()[0]}")


def _holder(text: str) -> str:
    found = re.search(r"\(PID (\d+)\)", text)
    if not found:
        return "another process"
    program = re.search(r"held in (\S+)", text)
    return describe_process(int(found[1]), Path(program[1]).name if program else None)


def named_rows(executed: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return the rows of a statement that was executed, each a dictionary by the names of its columns."""
    names = [column[0] for column in executed.description or ()]
    return [dict(zip(names, row, strict=True)) for row in executed.fetchall()]


def quote_name(name: str) -> str:
    """Return a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''").replace("\0", "") + "'"
