"""Hostile content is only text: in labels, values, names and paths."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from reading import query
from small_files import LABELS, pbcd, write_xpt

from ingest.catalogue import Catalogue
from ingest.load import Report, load
from ingest.sources.directory import DirectorySource

Run = Callable[..., Report]


def test_hostile_labels_and_values_are_only_text(
    folder: Path, warehouse_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = "x'; drop table meta.files; --"
    monkeypatch.setitem(LABELS, "LBXBPB", hostile)
    write_xpt(folder / "PBCD_H.XPT", pbcd(T=["=cmd", "<b>", '"', "';--", "\\", "ä"]))
    run()
    assert query(warehouse_path, "select label from raw.meta.variables where variable = 'LBXBPB'") == [
        (hostile,)
    ]
    assert query(warehouse_path, "select comment from duckdb_columns() where column_name = 'LBXBPB'") == [
        (hostile,),
        (hostile,),
    ]
    assert query(warehouse_path, "select t from raw.nhanes.pbcd order by seqn")[3] == ("';--",)


def test_a_data_folder_with_a_quote_in_its_name(catalogue: Catalogue, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / 'it\'s "data"' / "raw.duckdb"
    for value in (1.0, 2.0):
        write_xpt(folder / "PBCD_H.XPT", pbcd(LBXBPB=value))
        load(DirectorySource(folder).fetch(catalogue, print), path, catalogue, print)
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("select max(lbxbpb), count(*) from nhanes.pbcd").fetchone() == (2.0, 6)
