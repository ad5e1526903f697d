"""Write one SAS transport file (XPT version 5) whose bytes depend on its content alone."""

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyreadstat

FILE_LABEL = "SYNTHETIC DEMO DATA"
# The two header records of a transport file carry the time of writing: four times in 560 bytes.
HEADER_BYTES = 560
WRITTEN_AT = re.compile(rb"\d\d[A-Z]{3}\d\d:\d\d:\d\d:\d\d")
FIXED_TIME = b"01JAN20:00:00:00"


def write_transport(frame: pd.DataFrame, path: Path, *, table: str, labels: Mapping[str, str]) -> None:
    """Write `frame` to `path` as table `table`, with a fixed time in the header.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns of floats.
    path : pathlib.Path
        Where to write.
    table : str
        Name of the table inside the file, at most eight characters.
    labels : mapping
        Label of every column, at most 40 characters.
    """
    pyreadstat.write_xport(
        frame,
        path,
        file_format_version=5,
        file_label=FILE_LABEL,
        table_name=table,
        column_labels=[labels[column] for column in frame.columns],
    )
    with path.open("r+b") as file:
        header = file.read(HEADER_BYTES)
        file.seek(0)
        file.write(WRITTEN_AT.sub(FIXED_TIME, header))
