"""A second reader of transport files, written from SAS's description alone (TS-140), to compare with."""

import struct
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Table:
    """What the bytes say: names, and per column the raw fields of each row."""

    names: list[str]
    kinds: list[int]
    fields: list[list[bytes]]
    padding: bytes


def read_table(content: bytes, rows: int) -> Table:
    """Cut a file whose header is right into the fields of so many rows, and what is left behind them."""
    count = int(content[614:618])
    described = [content[640 + 140 * i : 780 + 140 * i] for i in range(count)]
    kinds = [struct.unpack(">h", d[:2])[0] for d in described]
    widths = [struct.unpack(">h", d[4:6])[0] for d in described]
    start = -(-(640 + 140 * count) // 80) * 80 + 80
    width = sum(widths)
    ends = np.cumsum(widths)
    fields = [
        [content[start + row * width + end - w : start + row * width + end] for row in range(rows)]
        for w, end in zip(widths, ends, strict=True)
    ]
    names = [d[8:16].decode("latin-1").rstrip(" \0").upper() for d in described]
    return Table(names, kinds, fields, content[start + rows * width :])


def number(field: bytes) -> float:
    """Read an IBM floating-point number of up to eight bytes; NaN for SAS's 28 kinds of missing."""
    field = field.ljust(8, b"\0")
    if not any(field[1:]) and (field[:1] in b"._" or b"A" <= field[:1] <= b"Z"):
        return float("nan")
    mantissa = int.from_bytes(field[1:], "big")
    sign = -1.0 if field[0] & 0x80 else 1.0
    return sign * mantissa * 2.0 ** (4 * ((field[0] & 0x7F) - 64) - 56)


def text(field: bytes, encoding: str) -> str:
    """Read a text: the blanks or NULs that fill it up are not part of it."""
    return field.rstrip(b" \0").decode(encoding)
