"""Loading: what is in the raw database afterwards, and what is read again."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ingest import load as load_module
from ingest import raw_database
from ingest.load import Report, load
from ingest.sources.directory import DirectorySource
from tests.ingest.support.loading import loading
from tests.ingest.support.reading import query
from tests.ingest.support.small_files import VARIABLES, frames, pbcd, write_xpt
from warehouse.seeds.catalogue import Catalogue, read_catalogue

Run = Callable[..., Report]


def test_tables_views_and_facts(run: Run, folder: Path, raw_path: Path) -> None:
    report = run()
    assert report == Report(loaded=("DEMO_H", "P_DEMO", "PBCD_H"), unchanged=(), rows=28)
    path = raw_path
    assert query(path, "select seqn, dmdmartl, note from raw.nhanes_files.demo_h order by 1")[0] == (
        101,
        1,
        "a'b",
    )
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as raw (read_only)")
        demo = connection.sql("select * from raw.nhanes.demo order by seqn")
        assert demo.columns == ["file", "cycle", "SEQN", "RIDAGEYR", "WTMEC", "DMDMARTL", "NOTE"]
        assert [str(kind) for kind in demo.types[2:]] == ["DOUBLE"] * 4 + ["VARCHAR"]
        rows = demo.fetchall()
    assert len(rows) == 22
    assert rows[0] == ("DEMO_H", "2013-2014", 101, 41, 1010, 1, "a'b")
    assert rows[-1] == ("P_DEMO", "2017-2020", 212, 52, 2120, None, "3.0")
    facts = query(path, "select * exclude (loaded_at, sha256) from raw.meta.files where file = 'PBCD_H'")
    place = folder / "PBCD_H.XPT"
    size = place.stat().st_size
    assert facts == [("PBCD_H", "2013-2014", "PBCD", "directory", str(place), None, size, 6, 2, None)]
    assert query(
        path, "select variable, position, label, type from raw.nhanes.variables where file = 'PBCD_H'"
    ) == [
        ("SEQN", 1, "Respondent sequence number", "DOUBLE"),
        ("LBXBPB", 2, "Blood lead (ug/dL)", "DOUBLE"),
    ]
    comments = query(path, "select schema_name from duckdb_columns() where comment = 'Blood lead (ug/dL)'")
    assert sorted(comments) == [("nhanes",), ("nhanes_files",)]


def test_values_are_stored_as_they_are(run: Run, raw_path: Path) -> None:
    run()
    values = query(raw_path, "select lbxbpb from raw.nhanes_files.pbcd_h order by seqn")
    assert values == [(0.0,), (0.07,), (None,), (1.5,), (2.5,), (3.5,)]


def test_views_work_under_another_alias(run: Run, raw_path: Path) -> None:
    run()
    with duckdb.connect() as connection:
        connection.execute(f"attach '{raw_path}' as other (read_only)")
        assert connection.execute("select count(*) from other.nhanes.demo").fetchone() == (22,)


def test_a_component_without_files_has_an_empty_view(
    catalogue: Catalogue, folder: Path, raw_path: Path
) -> None:
    files = DirectorySource(folder).fetch(catalogue, print)
    load(files[:2], raw_path, catalogue, print)
    with duckdb.connect(str(raw_path), read_only=True) as connection:
        pbcd = connection.sql("select * from nhanes.pbcd")
        assert pbcd.columns == ["file", "cycle", "SEQN", "LBXBPB"]
        assert [str(kind) for kind in pbcd.types] == ["VARCHAR", "VARCHAR", "DOUBLE", "DOUBLE"]
        assert pbcd.fetchall() == []


def test_unchanged_files_are_not_read(
    run: Run, folder: Path, raw_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    before = raw_path.read_bytes()
    with monkeypatch.context() as patch:
        patch.delattr(load_module, "read_transport")
        patch.delattr(raw_database, "_build")
        assert run().loaded == ()
    assert raw_path.read_bytes() == before
    changed = frames()["PBCD_H"].assign(LBXBPB=9.0)
    write_xpt(folder / "PBCD_H.XPT", changed)
    assert run() == Report(loaded=("PBCD_H",), unchanged=("DEMO_H", "P_DEMO"), rows=6)
    assert query(raw_path, "select distinct lbxbpb from raw.nhanes.pbcd") == [(9.0,)]
    assert query(raw_path, "select count(*), count(distinct file) from raw.meta.files") == [(3, 3)]


def test_a_changed_catalogue_changes_the_views(run: Run, seeds: Path, raw_path: Path) -> None:
    run()
    (seeds / "nhanes_variables.csv").write_text(VARIABLES.replace(",WTMEC\n", ",WEIGHT\n"))
    run(catalogue=read_catalogue(seeds))
    assert query(raw_path, "select count(weight) from raw.nhanes.demo") == [(22,)]


def test_a_file_that_left_the_catalogue_leaves_the_warehouse(run: Run, seeds: Path, raw_path: Path) -> None:
    run()
    for seed in ("nhanes_files.csv", "nhanes_variables.csv"):
        lines = (seeds / seed).read_text().splitlines(keepends=True)
        (seeds / seed).write_text("".join(line for line in lines if not line.startswith("PBCD_H")))
    run(catalogue=read_catalogue(seeds))
    names = query(raw_path, "select table_name from information_schema.tables order by 1")
    assert [name for (name,) in names] == [
        "answers",
        "catalogue",
        "changed_top_codes",
        "changed_words",
        "codes",
        "demo",
        "demo_h",
        "files",
        "p_demo",
        "variables",
    ]


def test_more_rows_than_expected_are_accepted_and_said(run: Run, seeds: Path) -> None:
    path = seeds / "nhanes_files.csv"
    path.write_text(path.read_text().replace("PBCD_H.xpt,6", "PBCD_H.xpt,5"))
    said: list[str] = []
    assert run(said, read_catalogue(seeds)).rows == 28
    assert "PBCD_H has 6 rows, more than the 5" in "".join(said)


def test_a_reader_keeps_the_old_data_while_new_ones_are_put_in_place(
    run: Run, folder: Path, raw_path: Path
) -> None:
    run()
    sql = "select count(*) filter (lbxbpb = 9) from nhanes.pbcd"
    with duckdb.connect(str(raw_path), read_only=True) as connection:
        write_xpt(folder / "PBCD_H.XPT", pbcd(LBXBPB=9.0))
        subprocess.run(loading(folder, raw_path), check=True, timeout=600)
        assert connection.execute(sql).fetchone() == (0,)
    assert query(raw_path, sql.replace("from ", "from raw.")) == [(6,)]


def test_an_empty_database_file_is_filled(run: Run, raw_path: Path) -> None:
    raw_path.parent.mkdir()
    raw_path.touch()
    assert run().rows == 28
    raw_path.unlink()
    duckdb.connect(str(raw_path)).close()
    assert run().rows == 28
