"""Bytes of transport files: what is read, and what is refused."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ingest import transport
from ingest.errors import TransportError
from ingest.transport import ibm_numbers, read_layout, read_transport
from tests.ingest.support.small_files import frames, write_xpt


def content_of(tmp_path: Path, frame: pd.DataFrame, **options: str | int) -> bytes:
    return write_xpt(tmp_path / "x.xpt", frame, **options).read_bytes()  # type: ignore[arg-type]


@pytest.fixture
def content(folder: Path) -> bytes:
    return (folder / "DEMO_H.XPT").read_bytes()


def test_values_labels_and_types(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"SEQN": [1.0, 2.0], "LBXBPB": [0.0, np.nan], "T": ["µ", ""], "other": [-1e-3, 7e70]}
    )
    file = read_transport(content_of(tmp_path, frame, label="SYNTHETIC DEMO DATA"))
    assert [(c.name, c.label, c.type) for c in file.columns] == [
        ("SEQN", "Respondent sequence number", "DOUBLE"),
        ("LBXBPB", "Blood lead (ug/dL)", "DOUBLE"),
        ("T", None, "VARCHAR"),
        ("OTHER", None, "DOUBLE"),
    ]
    assert file.is_demo
    assert file.rows == 2
    assert file.values["LBXBPB"][0] == 0.0
    assert np.isnan(file.values["LBXBPB"][1])
    assert list(file.values["T"]) == ["µ", ""]
    np.testing.assert_allclose(file.values["OTHER"], [-1e-3, 7e70], rtol=1e-15)


def test_texts_in_the_windows_code_page(tmp_path: Path) -> None:
    content = content_of(tmp_path, pd.DataFrame({"SEQN": [1.0], "T": ["abcd"]}))
    file = read_transport(content.replace(b"abcd", b"a\xb5\x92d"))
    assert list(file.values["T"]) == ["aµ\u2019d"]


def test_dates_stay_numbers(tmp_path: Path) -> None:
    path = tmp_path / "x.xpt"
    frame = pd.DataFrame({"SEQN": [1.0], "D": [19000.0]})
    import pyreadstat

    pyreadstat.write_xport(frame, str(path), file_format_version=5, variable_format={"D": "DATE9"})
    assert read_transport(path.read_bytes()).values["D"][0] == 19000.0


@pytest.mark.parametrize("rows", [1, 2, 5, 9, 10, 11])
def test_padding_is_not_taken_for_rows(tmp_path: Path, rows: int) -> None:
    frame = pd.DataFrame({"SEQN": np.arange(1.0, rows + 1)})
    assert read_transport(content_of(tmp_path, frame)).rows == rows
    frame["T"] = ""
    assert read_transport(content_of(tmp_path, frame)).rows == rows


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"\n <!DOCTYPE html><html><body>Page not found", "a web page"),
        (b"<html>", "a web page"),
        (b"PK\x03\x04" + b"x" * 100, "a zip archive"),
        (b"\x1f\x8b\x08" + b"x" * 100, "a gzip archive"),
        (b"**COMPRESSED** **COMPRESSED**", "CPORT"),
        (b"SEQN,RIDAGEYR\n1,2\n", "begins with b'SEQN"),
        (b"HEADER RECORD*******LIBR", "only its first 24 bytes"),
        (b"HEADER RECORD*******LIBV8   HEADER RECORD!!!!!!!" + b"0" * 100, "version 8"),
    ],
)
def test_other_kinds_of_files_are_named(content: bytes, found: str) -> None:
    with pytest.raises(TransportError) as caught:
        read_transport(content)
    assert found in caught.value.found
    assert caught.value.advice


def test_version_8_as_it_is_written(tmp_path: Path) -> None:
    with pytest.raises(TransportError, match="version 8"):
        read_transport(content_of(tmp_path, frames()["PBCD_H"], version=8))


def replace(at: int, new: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content[:at] + new + content[at + len(new) :]


NAMESTRS = 640


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda c: c[:-1], "ends within a record"),
        (lambda c: c[:-80], "another one|OBS header"),
        (lambda c: c[:400], "NAMESTR header|ends within"),
        (lambda c: c[:640], "OBS header"),
        (lambda c: c + b" " * 80, "blank bytes"),
        (lambda c: c + c[240:320] + b" " * 240, "more than one"),
        (replace(240, b"X"), "MEMBER header"),
        (replace(320, b"X"), "DSCRPTR header"),
        (replace(240 + 74, b"0136"), "140 bytes"),
        (replace(560 + 54, b"9999"), "OBS header after 9999"),
        (replace(560 + 54, b"0000"), "number of variables"),
        (replace(560 + 54, b"-001"), "number of variables"),
        (replace(NAMESTRS, struct.pack(">h", 3)), "type 3"),
        (replace(NAMESTRS + 4, struct.pack(">h", 32000)), "width 32000"),
        (replace(NAMESTRS + 4, struct.pack(">h", -8)), "width -8"),
        (replace(NAMESTRS + 4, struct.pack(">h", 0)), "width 0"),
        (replace(NAMESTRS + 6, struct.pack(">h", 7)), "number 7"),
        (replace(NAMESTRS + 8, b'A"; drop'), "valid name"),
        (replace(NAMESTRS + 8, b"        "), "valid name"),
        (replace(NAMESTRS + 8, b"RIDAGEYR"), "more than once"),
        (replace(NAMESTRS + 84, struct.pack(">i", 10**9)), "position 0"),
    ],
)
def test_a_damaged_structure_is_refused(
    content: bytes, damage: Callable[[bytes], bytes], message: str
) -> None:
    with pytest.raises(TransportError, match=message):
        read_layout(damage(content))


def test_absurd_sizes_are_refused(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_CELLS", 49)
    with pytest.raises(TransportError, match="at most 49 values"):
        read_layout(content)
    monkeypatch.setattr(transport, "MAX_BYTES", 1000)
    with pytest.raises(TransportError, match="at most 1,000 bytes"):
        read_layout(content)


def test_texts_are_read_whole_whatever_is_in_them(content: bytes) -> None:
    """A NUL within a text is part of it; ReadStat would end the text there."""
    hostile = b"=cmd|'\0\"<b>"
    file = read_transport(_with_texts(content, hostile))
    assert set(file.values["NOTE"]) == {hostile.decode()}


def _with_texts(content: bytes, text: bytes) -> bytes:
    """Put a text into every row of a file whose last column has three bytes, by making the column wider."""
    start, count, width = 640 + 720 + 80, 5, 8 * 4 + 3
    described = bytearray(content[:start])
    struct.pack_into(">h", described, NAMESTRS + 140 * (count - 1) + 4, len(text))
    rows = [content[start + width * row :][: width - 3] + text for row in range(10)]
    body = b"".join(rows)
    return bytes(described) + body + b" " * (-len(body) % 80)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("4110000000000000", 1.0),
        ("c110000000000000", -1.0),
        ("4101000000000000", 0.0625),  # a first digit of zero, which SAS does not write
        ("4019999999999999", 0.1),
        ("0000000000000000", 0.0),
        ("8000000000000000", 0.0),
        ("7fffffffffffffff", 7.237005577332262e75),
        ("2e00000000000000", np.nan),
        ("5f00000000000000", np.nan),
        ("5a00000000000000", np.nan),
        ("4110", 1.0),
    ],
)
def test_numbers(cell: str, expected: float) -> None:
    found = ibm_numbers(np.frombuffer(bytes.fromhex(cell), np.uint8)[None, :])
    np.testing.assert_allclose(found, [expected], rtol=1e-15)
    assert not np.signbit(found[0]) or expected < 0


def test_texts_in_no_known_encoding(tmp_path: Path) -> None:
    content = content_of(tmp_path, pd.DataFrame({"SEQN": [1.0], "T": ["abcd"]}))
    with pytest.raises(TransportError, match=r"UTF-8 or .* 1252; found the bytes b'.x81"):
        read_transport(content.replace(b"abcd", b"\x81\xffxx"))


def test_widths_below_eight_bytes(content: bytes, tmp_path: Path) -> None:
    """SAS may store numbers in fewer bytes; the first bytes of an IBM double are the number."""
    whole = content_of(tmp_path, pd.DataFrame({"SEQN": np.arange(1.0, 11)}))
    start = 640 + 160 + 80
    short = bytearray(whole[:start])
    short[NAMESTRS + 4 : NAMESTRS + 6] = struct.pack(">h", 4)
    data = b"".join(whole[start + 8 * i : start + 8 * i + 4] for i in range(10))
    file = read_transport(bytes(short) + data + b" " * (-len(data) % 80))
    np.testing.assert_array_equal(file.values["SEQN"], np.arange(1.0, 11))
