"""Hostile content is only text: in labels, values, names and paths."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ingest.errors import RefusedError
from ingest.load import Report, load
from ingest.sources.directory import DirectorySource
from tests.ingest.support.reading import query
from tests.ingest.support.small_files import LABELS, pbcd, write_xpt
from warehouse.seeds.catalogue import Catalogue

Run = Callable[..., Report]


TEXTS = (
    "=cmd|'/C calc'!A0",
    "<script>alert(1)</script><img src=x onerror=y>",
    "'; drop table meta.files; --",
    '"; drop schema nhanes cascade; --',
    "a\0b\0c",
    "{{ config }} {% do x %} $1 ? %s",
)
LABEL = "=1+1<b>'\"; drop table meta.files; --\0{{"


def test_hostile_labels_and_values_are_only_text(
    folder: Path, raw_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each comes back as it is in the file; only in comments DuckDB cannot hold a NUL."""
    stand_in, label = (
        [f"text{number}".ljust(len(text), "~") for number, text in enumerate(TEXTS)],
        "L" * len(LABEL),
    )
    monkeypatch.setitem(LABELS, "LBXBPB", label)
    path = write_xpt(folder / "PBCD_H.XPT", pbcd(T=stand_in), label="<b>'; drop table meta.files; --")
    content = path.read_bytes().replace(label.encode(), LABEL.encode())
    for placed, text in zip(stand_in, TEXTS, strict=True):
        assert placed.encode() in content
        content = content.replace(placed.encode(), text.encode())
    path.write_bytes(content)
    run()
    assert query(raw_path, "select t from raw.nhanes.pbcd order by seqn") == [(text,) for text in TEXTS]
    sql = "select label from raw.nhanes.variables where variable = 'LBXBPB'"
    assert query(raw_path, sql) == [(LABEL,)]
    sql = "select comment from duckdb_columns() where column_name = 'LBXBPB'"
    assert query(raw_path, sql) == [(LABEL.replace("\0", ""),)] * 2
    sql = "select file_label from raw.meta.files where file = 'PBCD_H'"
    assert query(raw_path, sql) == [("<b>'; drop table meta.files; --",)]


def test_the_longest_texts_and_labels(
    folder: Path, raw_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LABELS, "LBXBPB", "'" * 40)
    write_xpt(folder / "PBCD_H.XPT", pbcd(T=["'" * 200, '"' * 200, "\\" * 200, "é" * 100, "", "x"]))
    run()
    found = query(raw_path, "select t, length(t) from raw.nhanes.pbcd order by seqn")
    assert found[:2] == [("'" * 200, 200), ('"' * 200, 200)]
    assert [length for _, length in found[2:]] == [200, 100, 0, 1]
    sql = "select distinct comment from duckdb_columns() where column_name = 'LBXBPB'"
    assert query(raw_path, sql) == [("'" * 40,)]


def test_names_that_mean_something_in_sql(folder: Path, raw_path: Path, run: Run) -> None:
    names = ["SELECT", "TABLE", "ORDER", "NULL", "ROWID", "TRUE", "_", "USER"]
    write_xpt(folder / "PBCD_H.XPT", pbcd(**{name: float(at) for at, name in enumerate(names)}))
    run()
    with duckdb.connect(str(raw_path), read_only=True) as connection:
        row = connection.sql("select * from nhanes.pbcd limit 1")
        assert row.columns[4:] == names
        assert row.fetchall()[0][4:] == tuple(float(at) for at in range(len(names)))


@pytest.mark.parametrize("name", ['A"; drop', "A'", "A B", "Ä", "A\0B", "=A", "<b>", "1A"])
def test_names_that_are_no_names_are_refused(folder: Path, raw_path: Path, run: Run, name: str) -> None:
    path = write_xpt(folder / "PBCD_H.XPT", pbcd(STANDIN=1.0))
    placed = name.encode("latin-1").ljust(8)
    path.write_bytes(path.read_bytes().replace(b"STANDIN ", placed))
    with pytest.raises(RefusedError, match="a valid name for variable 3"):
        run()
    assert not raw_path.exists()


def test_file_names_do_not_reach_the_terminal_as_they_are(folder: Path, run: Run) -> None:
    (folder / "\x1b[2J\nX.XPT").write_bytes(b"")
    said: list[str] = []
    run(said)
    assert "Ignored (not in seeds/nhanes_files.csv): ?[2J?X.XPT" in said


def test_a_data_folder_with_a_quote_in_its_name(catalogue: Catalogue, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / 'it\'s "data"' / "raw.duckdb"
    for value in (1.0, 2.0):
        write_xpt(folder / "PBCD_H.XPT", pbcd(LBXBPB=value))
        load(DirectorySource(folder).fetch(catalogue, print), path, catalogue, print)
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("select max(lbxbpb), count(*) from nhanes.pbcd").fetchone() == (2.0, 6)
