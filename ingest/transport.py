"""Read SAS transport files (XPT version 5), which are untrusted input.

A transport file is a sequence of 80-byte records: library header, member header, one 140-byte
description per variable, then the observations, padded with blanks (SAS technical note TS-140). The
whole structure is checked first: counts, widths and positions must agree with each other and with the
length of the file, and be of a sane size. The rows are then a table of bytes that numpy cuts and decodes.

No parser in C sees the bytes, so no child process with limits is needed: memory is bounded by MAX_BYTES and
MAX_CELLS, time by the length of the file. ReadStat's parser (pyreadstat) would need one, and that would not
be enough: of 300 damaged files with a sound header it read over 70 otherwise than their bytes say, without a
word (texts end at a NUL, numbers whose first digit is zero come out several times too large). Tests compare
the two on files that are in order, and this module with a second reader on 20,000 damaged ones.

SAS has 28 kinds of missing; all of them are read as missing (NHANES only uses one).
"""

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ingest.errors import TransportError

if TYPE_CHECKING:
    import numpy as np

MAGIC = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!"
MAX_BYTES = 100_000_000
MAX_CELLS = 4_000_000
DEMO_LABEL = "SYNTHETIC DEMO DATA"

_MAGIC_V8 = b"HEADER RECORD*******LIBV8   HEADER RECORD!!!!!!!"
_MEMBER = b"HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!"
_DESCRIPTOR = b"HEADER RECORD*******DSCRPTR HEADER RECORD!!!!!!!"
_NAMESTR = b"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!"
_OBSERVATIONS = b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!"
_RECORD = 80
_NAMESTRS_AT = 8 * _RECORD
_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,7}")
_MISSING = tuple(b"._ABCDEFGHIJKLMNOPQRSTUVWXYZ")
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


@dataclass(frozen=True, kw_only=True)
class Field:
    """One variable as the header describes it: where its bytes lie in a row."""

    name: str
    label: bytes
    type: str
    position: int
    width: int


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What the header of a transport file says, checked against the file's length; rows begin at `start`."""

    label: str
    fields: tuple[Field, ...]
    start: int
    row_width: int
    rows: int


@dataclass(frozen=True, kw_only=True)
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
    fields = _read_fields(content, count)
    width = fields[-1].position + fields[-1].width
    rows = _count_rows(content, start + _RECORD, width)
    if rows * count > MAX_CELLS:
        raise TransportError(f"at most {MAX_CELLS:,} values", f"{rows * count:,}", "check the file")
    label = content[6 * _RECORD + 32 : 6 * _RECORD + 72].decode("latin-1").strip(" \0")
    return Layout(label=label, fields=fields, start=start + _RECORD, row_width=width, rows=rows)


def read_transport(content: bytes) -> TransportFile:
    """Check a transport file and read it.

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
        If the structure is wrong, or the texts are in no known encoding.
    """
    layout = read_layout(content)
    import numpy as np

    size = layout.rows * layout.row_width
    table = np.frombuffer(content, np.uint8, size, layout.start).reshape(layout.rows, layout.row_width)
    cut = {field.name: table[:, field.position : field.position + field.width] for field in layout.fields}
    texts = [cut[field.name] for field in layout.fields if field.type == "VARCHAR"]
    encoding = _encoding([*(field.label for field in layout.fields), *map(_joined, texts)])
    values: dict[str, np.ndarray[Any, Any]] = {}
    for field in layout.fields:
        cells = cut[field.name]
        if field.type == "DOUBLE":
            values[field.name] = ibm_numbers(cells)
        else:
            values[field.name] = np.array([_decode(cell.tobytes(), encoding) for cell in cells], dtype=object)
    columns = tuple(Column(f.name, _decode(f.label, encoding).strip() or None, f.type) for f in layout.fields)
    return TransportFile(
        sha256=sha256(content).hexdigest(),
        bytes=len(content),
        label=layout.label,
        rows=layout.rows,
        columns=columns,
        values=values,
    )


def ibm_numbers(cells: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Decode IBM floating-point numbers, as SAS stores them in transport files.

    Parameters
    ----------
    cells : array of uint8, shape (rows, width)
        Two to eight bytes each: a sign, an exponent of 16 (excess 64) and a fraction of up to 56 bits.

    Returns
    -------
    array of float64, shape (rows,)
        NaN for SAS's missing values: ``.``, ``_`` or ``A`` to ``Z`` before an empty fraction.
    """
    import numpy as np

    padded = np.zeros((len(cells), 8), np.uint8)
    padded[:, : cells.shape[1]] = cells
    words = padded.view(">u8").ravel().astype(np.uint64)
    fractions = (words & np.uint64((1 << 56) - 1)).astype(np.float64)
    exponents = (padded[:, 0] & 0x7F).astype(np.int64)
    numbers = np.ldexp(fractions, 4 * (exponents - 64) - 56)
    numbers[(padded[:, 0] >= 0x80) & (fractions > 0)] *= -1
    numbers[(fractions == 0) & np.isin(padded[:, 0], _MISSING)] = np.nan
    return numbers


def _joined(cells: "np.ndarray[Any, Any]") -> bytes:
    """Return all texts of a column, with line feeds between them so that none runs into the next."""
    import numpy as np

    return np.insert(cells, cells.shape[1], ord("\n"), axis=1).tobytes()


def _encoding(texts: Sequence[bytes]) -> str:
    """Find the encoding of all texts of a file; CDC's older files have the Windows code page."""
    for encoding in ("utf-8", "windows-1252"):
        try:
            for text in texts:
                text.decode(encoding)
        except UnicodeDecodeError as error:
            found = f"the bytes {error.object[error.start : error.start + 4]!r}"
        else:
            return encoding
    raise _damaged("texts in UTF-8 or in the Windows code page 1252", found)


def _decode(text: bytes, encoding: str) -> str:
    """Decode one text; the blanks (or NULs) that fill it up are not part of it."""
    return text.rstrip(b" \0").decode(encoding)


def _read_fields(content: bytes, count: int) -> tuple[Field, ...]:
    fields: list[Field] = []
    position = 0
    for index in range(count):
        kind, _, length, number, raw, label, at = struct.unpack_from(
            ">hhhh8s40s28xi", content, _NAMESTRS_AT + 140 * index
        )
        name = raw.decode("latin-1").rstrip(" \0").upper()
        if not _NAME.fullmatch(name):
            raise _damaged(f"a valid name for variable {index + 1}", f"{name!r}")
        if kind not in (1, 2) or not (2 <= length <= 8 if kind == 1 else 1 <= length <= 200):
            raise _damaged(f"a type and a width that SAS has for {name}", f"type {kind}, width {length}")
        if number != index + 1 or at != position:
            found = f"number {number} at {at}"
            raise _damaged(f"{name} to be variable {index + 1} at position {position}", found)
        sort = "DOUBLE" if kind == 1 else "VARCHAR"
        fields.append(Field(name=name, label=label, type=sort, position=position, width=length))
        position += length
    names = [field.name for field in fields]
    if len(set(names)) != count:
        twice = sorted({name for name in names if names.count(name) > 1})
        raise _damaged("each variable once", f"{', '.join(twice[:5])} more than once")
    return tuple(fields)


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
