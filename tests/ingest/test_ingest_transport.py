"""Bytes of transport files: what is read, and what is refused before C code sees it."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_files import frames, write_xpt

from ingest import transport
from ingest.errors import TransportError
from ingest.transport import read_layout, read_transport


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


def test_flipped_bytes_give_a_typed_error_or_a_table(content: bytes) -> None:
    random = np.random.default_rng(20)
    read = 0
    for _ in range(300):
        damaged = bytearray(content)
        for at in random.integers(0, len(content), size=random.integers(1, 6)):
            damaged[at] = random.integers(256)
        try:
            file = read_transport(bytes(damaged))
        except TransportError:
            continue
        read += 1
        assert file.rows in (10, 11)  # damage in the padding looks like a row; its SEQN gives it away
        assert len(file.columns) == 5
    assert read > 30


def test_widths_below_eight_bytes(content: bytes, tmp_path: Path) -> None:
    """SAS may store numbers in fewer bytes; the first bytes of an IBM double are the number."""
    whole = content_of(tmp_path, pd.DataFrame({"SEQN": np.arange(1.0, 11)}))
    start = 640 + 160 + 80
    short = bytearray(whole[:start])
    short[NAMESTRS + 4 : NAMESTRS + 6] = struct.pack(">h", 4)
    data = b"".join(whole[start + 8 * i : start + 8 * i + 4] for i in range(10))
    file = read_transport(bytes(short) + data + b" " * (-len(data) % 80))
    np.testing.assert_array_equal(file.values["SEQN"], np.arange(1.0, 11))
