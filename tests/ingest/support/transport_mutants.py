"""Transport files made from valid ones: flipped, cut, spliced, with absurd counts and widths. All seeded."""

import struct
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from tests.ingest.support.small_files import frames, write_xpt

Random = np.random.Generator
RECORD, NAMESTRS = 80, 640
ABSURD = (-32768, -8, -1, 0, 1, 2, 3, 7, 8, 9, 139, 140, 200, 201, 255, 256, 4096, 32767)


@cache
def valid_files() -> tuple[bytes, ...]:
    """Return whole files: few and many columns, one and many rows, texts, missing values, odd numbers."""
    rows = np.arange(1.0, 41)
    wide = pd.DataFrame({f"V{i}": rows[:9] * 10.0**i for i in range(30)})
    texts = pd.DataFrame({"SEQN": rows, "T": ['<b>=cmd|\' "x"; µ'] * 40, "U": ["", "abc"] * 20})
    odd = pd.DataFrame({"SEQN": rows[:5], "X": [0.0, -0.0, 7e74, -5e-78, np.nan]})
    with tempfile.TemporaryDirectory() as folder:
        made = [*frames().values(), wide, texts, odd, texts[["U"]]]
        paths = [write_xpt(Path(folder, f"{i}.xpt"), frame, label="L") for i, frame in enumerate(made)]
        return tuple(path.read_bytes() for path in paths)


def mutant(index: int) -> bytes:
    """Return one mutant; the same index gives the same bytes."""
    random = np.random.default_rng([20_260_101, index])
    content = bytearray(random.choice(np.array(valid_files(), dtype=object)))
    for _ in range(1 if random.random() < 0.7 else random.integers(2, 5)):
        content = MUTATIONS[random.integers(len(MUTATIONS))](content, random) or content
    return bytes(content)


def _set(content: bytearray, at: int, new: bytes) -> bytearray:
    """Replace bytes, as far as the content reaches."""
    content[at : at + len(new)] = new[: max(0, len(content) - at)]
    return content


def _flip(content: bytearray, random: Random) -> bytearray:
    for at in random.integers(0, max(1, len(content)), size=random.integers(1, 9)):
        _set(content, at, random.bytes(1))
    return content


def _flip_bits_of_rows(content: bytearray, random: Random) -> bytearray:
    start = _observations(content)
    if start < len(content):
        for at in random.integers(start, len(content), size=random.integers(1, 40)):
            content[at] ^= 1 << random.integers(8)
    return content


def _noise_in_rows(content: bytearray, random: Random) -> bytearray:
    start = _observations(content)
    return _set(content, start, random.bytes(max(0, len(content) - start)))


def _cut(content: bytearray, random: Random) -> bytearray:
    return content[: random.integers(0, len(content) + 1)]


def _cut_at_a_record(content: bytearray, random: Random) -> bytearray:
    return content[: RECORD * random.integers(0, len(content) // RECORD + 1)]


def _splice(content: bytearray, random: Random) -> bytearray:
    other = valid_files()[random.integers(len(valid_files()))]
    step = RECORD if random.random() < 0.7 else 1
    here = step * random.integers(0, len(content) // step + 1)
    there = step * random.integers(0, len(other) // step + 1)
    return content[:here] + bytearray(other[there:])


def _repeat(content: bytearray, random: Random) -> bytearray:
    step = RECORD if random.random() < 0.7 else 1
    first, last = sorted(step * random.integers(0, len(content) // step + 1, size=2))
    return content[:last] + content[first:last] * int(random.integers(1, 4)) + content[last:]


def _remove(content: bytearray, random: Random) -> bytearray:
    step = RECORD if random.random() < 0.7 else 1
    first, last = sorted(step * random.integers(0, len(content) // step + 1, size=2))
    return content[:first] + content[last:]


def _insert(content: bytearray, random: Random) -> bytearray:
    at = random.integers(0, len(content) + 1)
    new = bytes(random.choice([0, 32, 46, 255], size=1)) * int(random.integers(1, 400))
    return content[:at] + (new if random.random() < 0.5 else random.bytes(len(new))) + content[at:]


def _absurd_count(content: bytearray, random: Random) -> bytearray:
    number = int(random.choice([0, 1, 2, 3, 6, 31, 99, 999, 9999]))
    return _set(content, 614, f"{number:04d}".encode())


def _absurd_description(content: bytearray, random: Random) -> bytearray:
    """Change a number of one variable's description: type, width, number, position, format."""
    start = NAMESTRS + 140 * int(random.integers(max(1, _count(content))))
    at, kind = [(0, ">h"), (2, ">h"), (4, ">h"), (6, ">h"), (64, ">h"), (66, ">h"), (84, ">i")][
        random.integers(7)
    ]
    return _set(content, start + at, struct.pack(kind, int(random.choice(ABSURD))))


def _other_widths(content: bytearray, random: Random) -> bytearray:
    """Give every variable another type and width that SAS has, and positions that agree with them."""
    position = 0
    for index in range(_count(content)):
        start = NAMESTRS + 140 * index
        kind = int(random.integers(1, 3))
        width = int(random.integers(2, 9) if kind == 1 else random.integers(1, 201))
        struct.pack_into(">h", content, start, kind)
        struct.pack_into(">h", content, start + 4, width)
        struct.pack_into(">i", content, start + 84, position)
        position += width
    whole = -(-position * int(random.integers(1, 4)) // RECORD) * RECORD
    start = _observations(content)
    return content[:start] + bytearray(random.bytes(whole)) if random.random() < 0.5 else content


def _odd_words(content: bytearray, random: Random) -> bytearray:
    """Fill a name, label or format with noise."""
    start = NAMESTRS + 140 * int(random.integers(max(1, _count(content))))
    at, length = [(8, 8), (16, 40), (56, 8), (72, 8)][random.integers(4)]
    noise = [random.bytes(length), b"\0" * length, b"'\"; drop table x; --<script>=cmd|'/C calc'"[:length]]
    return _set(content, start + at, noise[random.integers(3)].ljust(length))


def _odd_headers(content: bytearray, random: Random) -> bytearray:
    """Noise in the dates, versions and dataset names of the headers."""
    first = int(random.choice([80, 160, 400, 480, 560]))
    for at in random.integers(first, first + RECORD, size=random.integers(1, 20)):
        _set(content, at, random.bytes(1))
    return content


def _blanks_at_the_end(content: bytearray, random: Random) -> bytearray:
    return content + b" " * int(random.choice([1, 79, 80, 160, 8000]))


def _count(content: bytearray) -> int:
    digits = bytes(content[614:618])
    return min(int(digits), (len(content) - NAMESTRS) // 140) if digits.isdigit() else 0


def _observations(content: bytearray) -> int:
    return NAMESTRS + -(-_count(content) * 140 // RECORD) * RECORD + RECORD


MUTATIONS: tuple[Callable[[bytearray, Random], bytearray], ...] = (
    _flip,
    _flip_bits_of_rows,
    _noise_in_rows,
    _cut,
    _cut_at_a_record,
    _splice,
    _repeat,
    _remove,
    _insert,
    _absurd_count,
    _absurd_description,
    _other_widths,
    _odd_words,
    _odd_headers,
    _blanks_at_the_end,
)
