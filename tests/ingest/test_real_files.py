"""The real files: everything that must hold when they are loaded by the command."""

import csv
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyreadstat
import pytest

from ingest.download import Policy
from ingest.file_checks import SMALLEST
from ingest.sources.cdc import CdcSource
from ingest.transport import read_transport
from tests.ingest.support.misbehaving_server import Site, cut, cut_at_once, good, no_length, serve, status
from warehouse.seeds.catalogue import read_catalogue

COMMAND = [sys.executable, "-m", "ingest"]


@pytest.fixture(scope="module")
def data(real_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with all real files loaded, by the command and from another folder."""
    folder = tmp_path_factory.mktemp("data")
    relative = os.path.relpath(real_files, folder)
    command = [*COMMAND, "directory", relative, "--data", "."]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture(scope="module")
def raw(data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a connection to which the raw database is attached as `raw`."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{data / 'raw.duckdb'}' as raw (read_only)")
        yield connection


def test_every_file_has_the_rows_of_the_catalogue(raw: duckdb.DuckDBPyConnection) -> None:
    catalogue = read_catalogue()
    rows = dict(raw.execute("select file, rows from raw.meta.files").fetchall())
    assert rows == {file.name: file.expected_rows for file in catalogue.files}
    for file in catalogue.files:
        count = raw.execute(f"select count(*), count(distinct seqn) from raw.nhanes_files.{file.table}")
        assert count.fetchone() == (file.expected_rows, file.expected_rows)


def test_facts_agree_with_the_manifest(raw: duckdb.DuckDBPyConnection, real_files: Path) -> None:
    with (real_files / "MANIFEST.csv").open() as lines:
        manifest = {
            Path(row["file"]).stem: (int(row["rows"]), int(row["columns"]), int(row["bytes"]), row["sha256"])
            for row in csv.DictReader(lines)
        }
    facts = raw.execute("select file, rows, columns, bytes, sha256 from raw.meta.files").fetchall()
    assert {file: tuple(rest) for file, *rest in facts} == {name: manifest[name] for name, *_ in facts}
    assert raw.execute("select distinct source from raw.meta.files").fetchall() == [("directory",)]


def test_both_cycles_are_united(raw: duckdb.DuckDBPyConnection) -> None:
    people = raw.execute(
        "select count(*), count(distinct seqn), count(wtmec), count(wtint) from raw.nhanes.demo"
    )
    assert people.fetchone() == (25_735, 25_735, 25_735, 25_735)
    views = raw.execute("select view_name from duckdb_views() where database_name = 'raw' and not internal")
    names = {name for (name,) in views.fetchall()}
    components = {component.lower() for component in read_catalogue().components}
    assert names == components | {"changed_words", "changed_top_codes"}
    for component, files in read_catalogue().components.items():
        view = raw.sql(f"select * from raw.nhanes.{component.lower()}")
        wanted = dict.fromkeys(v.name for file in files for v in file.variables)
        assert view.columns[: 2 + len(wanted)] == ["file", "cycle", *wanted]
        assert {str(kind) for kind in view.types[2 : 2 + len(wanted)]} == {"DOUBLE"}


def test_the_p_files_have_no_subsample_weight_of_metals(raw: duckdb.DuckDBPyConnection) -> None:
    counts = raw.execute("select file, count(wtsh2yr), count(*) from raw.nhanes.pbcd group by all order by 1")
    assert counts.fetchall() == [("PBCD_H", 5932, 5932), ("P_PBCD", 0, 13_772)]


def test_no_value_is_nearly_zero(raw: duckdb.DuckDBPyConnection) -> None:
    """Zeros read as 5.4e-79 are the mark of another reader."""
    columns = raw.execute(
        "select table_name, column_name from duckdb_columns() "
        "where database_name = 'raw' and schema_name = 'nhanes_files' and data_type = 'DOUBLE'"
    ).fetchall()
    assert len(columns) > 1000
    tables: dict[str, list[str]] = {}
    for table, column in columns:
        tables.setdefault(table, []).append(
            f'count(*) filter (abs("{column}") between 1e-300 and {SMALLEST})'
        )
    for table, counts in tables.items():
        assert not any(
            raw.execute(f"select {', '.join(counts)} from raw.nhanes_files.{table}").fetchone() or [1]
        )
    zeros = raw.execute("select count(*) from raw.nhanes.pbcd where file = 'PBCD_H' and wtsh2yr = 0")
    assert zeros.fetchone() == (166,)


def test_labels_can_be_queried(raw: duckdb.DuckDBPyConnection) -> None:
    label = raw.execute(
        "select label from raw.nhanes.variables where file = 'DEMO_H' and variable = 'RIAGENDR'"
    )
    assert label.fetchone() == ("Gender",)
    missing = raw.execute(
        "select count(*) filter (label is null), count(*) from raw.nhanes.variables"
    ).fetchone()
    assert missing
    assert missing[0] < missing[1] / 100
    comment = raw.execute(
        "select distinct comment from duckdb_columns() "
        "where database_name = 'raw' and column_name = 'RIAGENDR'"
    )
    assert comment.fetchall() == [("Gender",)]


@pytest.mark.parametrize("name", ["2013-2014/DEMO_H", "2017-2020/P_PBCD", "2013-2014/BIOPRO_H"])
def test_values_agree_with_another_reader(real_files: Path, name: str) -> None:
    path = real_files / f"{name}.XPT"
    file = read_transport(path.read_bytes())
    values, metadata = pyreadstat.read_xport(path, output_format="dict", disable_datetime_conversion=True)
    assert [column.name for column in file.columns] == metadata.column_names
    assert [column.label for column in file.columns] == metadata.column_labels
    for column in file.columns:
        np.testing.assert_array_equal(file.values[column.name], np.array(values[column.name], dtype=float))


def processor_seconds() -> float:
    """Of the processes that this one has started and that have ended: whatever else the machine does."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_second_run_reads_nothing_and_is_quick(data: Path, real_files: Path) -> None:
    before = (data / "raw.duckdb").read_bytes()
    start = processor_seconds()
    command = [
        sys.executable,
        "-X",
        "importtime",
        "-m",
        "ingest",
        "directory",
        str(real_files),
        "--data",
        str(data),
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600)
    seconds = processor_seconds() - start
    assert result.returncode == 0
    assert "not read again: 31 files" in result.stderr
    for slow in ("pandas", "numpy", "pyreadstat"):
        assert f"| {slow}\n" not in result.stderr
    assert seconds < 5, "0.6 s on an idle machine"
    assert (data / "raw.duckdb").read_bytes() == before


def test_a_changed_file_is_loaded_again_and_the_others_are_kept(
    data: Path, real_files: Path, tmp_path: Path
) -> None:
    changed = shutil.copytree(data, tmp_path / "data") / "raw.duckdb"
    files = shutil.copytree(real_files, tmp_path / "files")
    path = files / "2017-2020" / "P_PBCD.XPT"
    content = bytearray(path.read_bytes())
    content[144:152] = b"changed "  # a field of the header that says nothing about the data
    path.write_bytes(content)
    command = [*COMMAND, "directory", str(files), "--data", str(tmp_path / "data")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr
    assert "Loaded 1 file, 13,772 rows" in result.stderr
    with duckdb.connect() as connection:
        connection.execute(
            f"attach '{data / 'raw.duckdb'}' as a (read_only); attach '{changed}' as b (read_only)"
        )
        for view in read_catalogue().components:
            left, right = (f"select * from {side}.nhanes.{view.lower()}" for side in "ab")
            difference = connection.execute(
                f"select count(*) from (({left}) except all ({right}))"
            ).fetchone()
            assert difference == (0,)
        kept = connection.execute(
            "select count(*) from a.meta.files join b.meta.files using (file, loaded_at)"
        )
        assert kept.fetchone() == (30,)


def test_a_file_of_the_other_cycle_is_refused(real_files: Path, data: Path, tmp_path: Path) -> None:
    files = shutil.copytree(real_files, tmp_path / "files")
    shutil.copy(files / "2017-2020" / "P_BPQ.XPT", files / "2013-2014" / "BPQ_H.XPT")
    command = [*COMMAND, "directory", str(files), "--data", str(data)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert result.returncode == 1
    assert "SEQN from 73557 to 83731, as in cycle 2013-2014" in result.stderr
    assert "from 109266 to 124822" in result.stderr


def test_all_files_from_a_server(real_files: Path, tmp_path: Path) -> None:
    content = {path.stem: path.read_bytes() for path in real_files.rglob("*.XPT")}
    site = Site(content, behaviours=[cut, status(503), no_length, cut_at_once, good])
    policy = Policy(first_wait=0.01)
    with serve(site):
        files = CdcSource(tmp_path / "xpt", base=site.base, policy=policy).fetch(read_catalogue(), print)
    assert len(files) == 31
    for file in files:
        assert file.path.read_bytes() == content[file.entry.name]
    left = {path.suffix for path in (tmp_path / "xpt").rglob("*") if path.is_file()}
    assert left == {".XPT", ".htm", ""}
