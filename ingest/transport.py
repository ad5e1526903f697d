"""Read SAS transport files (XPT version 5), which are untrusted input.

A transport file is a sequence of 80-byte records: library header, member header, one 140-byte
description per variable, then the observations, padded with blanks. pyreadstat parses it in C, so the
whole structure is checked here in Python first: counts, widths and positions must agree with each
other and with the length of the file, and be of a sane size, before C code sees a byte. What C code
returns must then have the rows and columns that the header promised. With this the parser never
meets an inconsistent count, and no child process is used.

SAS has 27 kinds of missing; pyreadstat returns all of them as missing (NHANES only uses one).
"""

import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ingest.errors import TransportError

if TYPE_CHECKING:
    import numpy as np

MAGIC = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!"
MAX_BYTES = 100_000_000
MAX_CELLS = 10_000_000
DEMO_LABEL = "SYNTHETIC DEMO DATA"

_MAGIC_V8 = b"HEADER RECORD*******LIBV8   HEADER RECORD!!!!!!!"
_MEMBER = b"HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!"
_DESCRIPTOR = b"HEADER RECORD*******DSCRPTR HEADER RECORD!!!!!!!"
_NAMESTR = b"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!"
_OBSERVATIONS = b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!"
_RECORD = 80
_NAMESTRS_AT = 8 * _RECORD
_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,7}")
_AGAIN = "the file is cut off or damaged: fetch it again"
_OTHER_KINDS = (
    (b"PK\x03\x04", "a zip archive", "unpack it and give the .XPT file inside"),
    (b"PK\x05\x06", "an empty zip archive", "fetch the .XPT file itself"),
    (b"\x1f\x8b", "a gzip archive", "unpack it and give the .XPT file inside"),
    (b"**COMPRESSED**", "a SAS CPORT file", "fetch the .XPT file that CDC publishes"),
    (
        b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xc2\xea",
        "a SAS dataset (sas7bdat)",
        "fetch the .XPT",
    ),
)


@dataclass(frozen=True)
class Column:
    """One variable of a transport file."""

    name: str
    label: str | None
    type: str


@dataclass(frozen=True)
class Layout:
    """What the header of a transport file says, checked against the file's length."""

    label: str
    names: tuple[str, ...]
    types: tuple[str, ...]
    row_width: int
    rows: int


@dataclass(frozen=True)
class TransportFile:
    """A transport file that was read: the facts, and one array per column.

    Numbers are float64 with NaN where the file has a missing value; texts are object arrays of str.
    """

    sha256: str
    bytes: int
    label: str
    rows: int
    columns: tuple[Column, ...]
    values: "Mapping[str, np.ndarray[Any, Any]]"

    @property
    def is_demo(self) -> bool:
        """Whether the file says of itself that it is synthetic."""
        return self.label == DEMO_LABEL


def check_magic(content: bytes) -> None:
    """Refuse what does not begin as a transport file of version 5.

    Parameters
    ----------
    content : bytes
        The file, or at least its first 512 bytes.

    Raises
    ------
    TransportError
        Says what the file is instead, where that can be told.
    """
    if content.startswith(MAGIC):
        return
    expected = "a SAS transport file (XPT version 5)"
    if not content:
        raise TransportError(expected, "an empty file (0 bytes)", "fetch it again")
    if content.startswith(_MAGIC_V8):
        raise TransportError(expected, "an XPT file of version 8", "fetch CDC's own file, or write version 5")
    text = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<!--", b"<script")):
        advice = "the address may have moved: fetch the file itself, not the page about it"
        raise TransportError(expected, "a web page (HTML)", advice)
    for magic, found, advice in _OTHER_KINDS:
        if content.startswith(magic):
            raise TransportError(expected, found, advice)
    if MAGIC.startswith(content[: len(MAGIC)]):
        raise TransportError(expected, f"only its first {len(content)} bytes", _AGAIN)
    raise TransportError(
        expected, f"a file that begins with {content[:24]!r}", "fetch the .XPT file from CDC"
    )


def read_layout(content: bytes) -> Layout:
    """Check the structure of a transport file and return what its header says.

    Parameters
    ----------
    content : bytes
        The whole file.

    Returns
    -------
    Layout
        Dataset label, columns and the number of rows that the bytes hold.

    Raises
    ------
    TransportError
        If it is not a whole, consistent transport file of version 5 with one dataset.
    """
    check_magic(content)
    if len(content) > MAX_BYTES:
        raise TransportError(f"at most {MAX_BYTES:,} bytes", f"{len(content):,} bytes", "check the file")
    if len(content) % _RECORD:
        found = f"{len(content):,} bytes, which ends within a record"
        raise TransportError(f"whole records of {_RECORD} bytes", found, _AGAIN)
    for at, record in ((3, _MEMBER), (4, _DESCRIPTOR), (7, _NAMESTR)):
        if not content.startswith(record, at * _RECORD):
            raise _damaged(f"the {record[20:28].decode().strip()} header at byte {at * _RECORD}")
    if content[3 * _RECORD + 74 : 3 * _RECORD + 78] != b"0140":
        raise _damaged("variable descriptions of 140 bytes")
    digits = content[7 * _RECORD + 54 : 7 * _RECORD + 58]
    if not digits.isdigit() or int(digits) == 0:
        raise _damaged("the number of variables in the NAMESTR header", f"{digits!r}")
    count = int(digits)
    start = _NAMESTRS_AT + -(-count * 140 // _RECORD) * _RECORD
    if not content.startswith(_OBSERVATIONS, start):
        raise _damaged(f"the OBS header after {count} variables, at byte {start:,}")
    names, types, width = _read_variables(content, count)
    rows = _count_rows(content, start + _RECORD, width)
    if rows * count > MAX_CELLS:
        raise TransportError(f"at most {MAX_CELLS:,} values", f"{rows * count:,}", "check the file")
    label = content[6 * _RECORD + 32 : 6 * _RECORD + 72].decode("latin-1").strip(" \0")
    return Layout(label, names, types, width, rows)


def read_transport(content: bytes) -> TransportFile:
    """Read a transport file that was checked.

    Parameters
    ----------
    content : bytes
        The whole file.

    Returns
    -------
    TransportFile
        Facts and values.

    Raises
    ------
    TransportError
        If the structure is wrong, or the reader finds anything else than the header promised.
    """
    layout = read_layout(content)
    import numpy as np

    data, metadata = _parse(content)
    names = tuple(name.upper() for name in metadata.column_names)
    if names != layout.names or metadata.number_rows != layout.rows:
        found = f"{metadata.number_rows} rows of {len(names)} columns"
        raise _damaged(f"{layout.rows} rows of {len(layout.names)} columns", found)
    columns: list[Column] = []
    values: dict[str, np.ndarray[Any, Any]] = {}
    for original, name, kind in zip(metadata.column_names, names, layout.types, strict=True):
        label = metadata.column_names_to_labels.get(original)
        columns.append(Column(name, label.strip() or None if label else None, kind))
        listed = data.pop(original)
        if kind == "DOUBLE":
            values[name] = np.fromiter(listed, dtype=np.float64, count=layout.rows)  # None becomes NaN
        else:
            values[name] = np.array(listed, dtype=object)
    digest = sha256(content).hexdigest()
    return TransportFile(digest, len(content), layout.label, layout.rows, tuple(columns), values)


def _parse(content: bytes) -> tuple[dict[str, list[Any]], Any]:
    import pyreadstat

    read: Callable[..., tuple[Any, Any]] = partial(
        pyreadstat.read_xport, output_format="dict", disable_datetime_conversion=True
    )
    try:
        return read(BytesIO(content))
    except (pyreadstat.ReadstatError, UnicodeDecodeError):
        pass  # texts are not UTF-8; CDC's older files have the Windows code page
    try:
        return read(BytesIO(content), encoding="WINDOWS-1252")
    except (pyreadstat.ReadstatError, UnicodeDecodeError) as error:
        raise _damaged("a file that pyreadstat can read", str(error)) from error


def _read_variables(content: bytes, count: int) -> tuple[tuple[str, ...], tuple[str, ...], int]:
    names: list[str] = []
    types: list[str] = []
    position = 0
    for index in range(count):
        kind, _, length, number, raw, at = struct.unpack_from(
            ">hhhh8s68xi", content, _NAMESTRS_AT + 140 * index
        )
        name = raw.decode("latin-1").rstrip(" \0").upper()
        if not _NAME.fullmatch(name):
            raise _damaged(f"a valid name for variable {index + 1}", f"{name!r}")
        if kind not in (1, 2) or not (2 <= length <= 8 if kind == 1 else 1 <= length <= 200):
            raise _damaged(f"a type and a width that SAS has for {name}", f"type {kind}, width {length}")
        if number != index + 1 or at != position:
            found = f"number {number} at {at}"
            raise _damaged(f"{name} to be variable {index + 1} at position {position}", found)
        names.append(name)
        types.append("DOUBLE" if kind == 1 else "VARCHAR")
        position += length
    if len(set(names)) != count:
        twice = sorted({name for name in names if names.count(name) > 1})
        raise _damaged("each variable once", f"{', '.join(twice[:5])} more than once")
    return tuple(names), tuple(types), position


def _count_rows(content: bytes, start: int, width: int) -> int:
    """Count the observations; blanks fill the last record, so blank rows at the end are not rows."""
    if content.find(_MEMBER, start) >= 0:
        raise TransportError("one dataset in the file", "more than one", "split the file")
    length = len(content) - start
    rows = -(-len(content[start:].rstrip(b" ")) // width)
    if rows == 0:
        raise TransportError("at least one row", "none", _AGAIN)
    if rows * width > length:
        whole, rest = divmod(length, width)
        raise TransportError(
            f"whole rows of {width} bytes", f"{whole:,} rows and {rest} bytes of another one", _AGAIN
        )
    if length - rows * width >= _RECORD:
        raise _damaged("rows up to the end of the file", f"{length - rows * width:,} blank bytes there")
    return rows


def _damaged(expected: str, found: str = "something else") -> TransportError:
    return TransportError(expected, found, _AGAIN)
