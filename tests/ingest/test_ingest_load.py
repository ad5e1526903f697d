"""Loading: what is refused and how, that nothing changes then, and what is in the warehouse."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from small_files import LABELS, VARIABLES, frames, write_xpt

from ingest import load as load_module
from ingest import warehouse
from ingest.catalogue import Catalogue, read_catalogue
from ingest.errors import IngestError, LockedError, RefusedError, WarehouseError
from ingest.load import Report, load
from ingest.locks import alone
from ingest.sources.directory import DirectorySource
from ingest.transport import DEMO_LABEL
from ingest.warehouse import read_contents

Run = Callable[..., Report]


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as raw (read_only)")
        return connection.execute(sql).fetchall()


def everything(path: Path) -> list[object]:
    """Return all that a reader can see."""
    with duckdb.connect(str(path), read_only=True) as connection:
        relations = connection.execute(
            "select table_schema, table_name from information_schema.tables order by all"
        ).fetchall()
        return [(s, t, connection.execute(f'from {s}."{t}" order by all').fetchall()) for s, t in relations]


def test_tables_views_and_facts(run: Run, folder: Path, warehouse_path: Path) -> None:
    report = run()
    assert report == Report(("DEMO_H", "P_DEMO", "PBCD_H"), (), 28)
    path = warehouse_path
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
    assert facts == [("PBCD_H", "2013-2014", "PBCD", "directory", str(place), size, 6, 2, None)]
    assert query(
        path, "select variable, position, label, type from raw.meta.variables where file = 'PBCD_H'"
    ) == [
        ("SEQN", 1, "Respondent sequence number", "DOUBLE"),
        ("LBXBPB", 2, "Blood lead (ug/dL)", "DOUBLE"),
    ]
    comments = query(path, "select schema_name from duckdb_columns() where comment = 'Blood lead (ug/dL)'")
    assert sorted(comments) == [("nhanes",), ("nhanes_files",)]


def test_values_are_stored_as_they_are(run: Run, warehouse_path: Path) -> None:
    run()
    values = query(warehouse_path, "select lbxbpb from raw.nhanes_files.pbcd_h order by seqn")
    assert values == [(0.0,), (0.07,), (None,), (1.5,), (2.5,), (3.5,)]


def test_views_work_under_another_alias(run: Run, warehouse_path: Path) -> None:
    run()
    with duckdb.connect() as connection:
        connection.execute(f"attach '{warehouse_path}' as other (read_only)")
        assert connection.execute("select count(*) from other.nhanes.demo").fetchone() == (22,)


def test_a_component_without_files_has_an_empty_view(
    catalogue: Catalogue, folder: Path, warehouse_path: Path
) -> None:
    files = DirectorySource(folder).fetch(catalogue, print)
    load(files[:2], warehouse_path, catalogue, print)
    with duckdb.connect(str(warehouse_path), read_only=True) as connection:
        pbcd = connection.sql("select * from nhanes.pbcd")
        assert pbcd.columns == ["file", "cycle", "SEQN", "LBXBPB"]
        assert [str(kind) for kind in pbcd.types] == ["VARCHAR", "VARCHAR", "DOUBLE", "DOUBLE"]
        assert pbcd.fetchall() == []


def test_unchanged_files_are_not_read(
    run: Run, folder: Path, warehouse_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    before = warehouse_path.read_bytes()
    with monkeypatch.context() as patch:
        patch.delattr(load_module, "read_transport")
        patch.delattr(warehouse, "_build")
        assert run().loaded == ()
    assert warehouse_path.read_bytes() == before
    changed = frames()["PBCD_H"].assign(LBXBPB=9.0)
    write_xpt(folder / "PBCD_H.XPT", changed)
    assert run() == Report(("PBCD_H",), ("DEMO_H", "P_DEMO"), 6)
    assert query(warehouse_path, "select distinct lbxbpb from raw.nhanes.pbcd") == [(9.0,)]
    assert query(warehouse_path, "select count(*), count(distinct file) from raw.meta.files") == [(3, 3)]


def test_a_changed_catalogue_changes_the_views(run: Run, seeds: Path, warehouse_path: Path) -> None:
    run()
    (seeds / "nhanes_variables.csv").write_text(VARIABLES.replace(",WTMEC\n", ",WEIGHT\n"))
    run(catalogue=read_catalogue(seeds))
    assert query(warehouse_path, "select count(weight) from raw.nhanes.demo") == [(22,)]


def test_a_file_that_left_the_catalogue_leaves_the_warehouse(
    run: Run, seeds: Path, warehouse_path: Path
) -> None:
    run()
    for seed in ("nhanes_files.csv", "nhanes_variables.csv"):
        lines = (seeds / seed).read_text().splitlines(keepends=True)
        (seeds / seed).write_text("".join(line for line in lines if not line.startswith("PBCD_H")))
    run(catalogue=read_catalogue(seeds))
    names = query(warehouse_path, "select table_name from information_schema.tables order by 1")
    assert [name for (name,) in names] == ["catalogue", "demo", "demo_h", "files", "p_demo", "variables"]


def test_more_rows_than_expected_are_accepted_and_said(run: Run, seeds: Path) -> None:
    path = seeds / "nhanes_files.csv"
    path.write_text(path.read_text().replace("PBCD_H.xpt,6", "PBCD_H.xpt,5"))
    said: list[str] = []
    assert run(said, read_catalogue(seeds)).rows == 28
    assert "PBCD_H has 6 rows, more than the 5" in "".join(said)


def pbcd(**columns: object) -> pd.DataFrame:
    return frames()["PBCD_H"].assign(**columns)


REFUSALS: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "web page": (lambda p: p.write_text("<!DOCTYPE html><html>not found</html>"), ["web page", "moved"]),
    "empty": (lambda p: p.write_bytes(b""), ["empty file", "fetch it again"]),
    "zip": (lambda p: p.write_bytes(b"PK\x03\x04abc"), ["zip archive", "unpack"]),
    "truncated": (lambda p: p.write_bytes(p.read_bytes()[:-80]), ["at least 6 rows", "5 rows", "cut off"]),
    "truncated in a record": (lambda p: p.write_bytes(p.read_bytes()[:-17]), ["within a record"]),
    "version 8": (lambda p: write_xpt(p, pbcd(), version=8), ["version 8"]),
    "fewer rows": (lambda p: write_xpt(p, pbcd()[:5]), ["at least 6 rows", "5 rows"]),
    "duplicates": (lambda p: write_xpt(p, pbcd(SEQN=[101.0] * 6)), ["each SEQN once", "such as 101"]),
    "fractions": (lambda p: write_xpt(p, pbcd(SEQN=np.arange(6) + 101.5)), ["whole numbers", "101.5"]),
    "no key": (lambda p: write_xpt(p, pbcd(SEQN=[np.nan, *range(5)])), ["a SEQN in every row", "1 row"]),
    "no key column": (lambda p: write_xpt(p, pbcd().drop(columns="SEQN")), ["no SEQN"]),
    "text key": (lambda p: write_xpt(p, pbcd(SEQN=list("abcdef"))), ["text in SEQN"]),
    "other cycle": (lambda p: write_xpt(p, pbcd(SEQN=np.arange(201.0, 207))), ["101 to 110", "from 201"]),
    "other file": (lambda p: write_xpt(p, pbcd().drop(columns="LBXBPB")), ["no LBXBPB", "another file"]),
    "text": (lambda p: write_xpt(p, pbcd(LBXBPB="x")), ["text in LBXBPB"]),
    "misread zero": (lambda p: write_xpt(p, pbcd(LBXBPB=5.4e-79)), ["nearer to zero in LBXBPB", "5.4"]),
    "clash": (lambda p: write_xpt(p, pbcd(FILE=1.0)), ["FILE twice"]),
    "folder": (lambda p: (p.unlink(), p.mkdir()), ["PBCD_H.XPT"]),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_a_bad_file_is_refused_and_nothing_changes(
    run: Run, folder: Path, warehouse_path: Path, name: str
) -> None:
    run()
    before, seen = warehouse_path.read_bytes(), everything(warehouse_path)
    damage, parts = REFUSALS[name]
    damage(folder / "PBCD_H.XPT")
    write_xpt(folder / "DEMO_H.XPT", frames()["DEMO_H"].assign(RIDAGEYR=1.0))  # good, and new
    with pytest.raises(IngestError) as caught:
        run()
    for part in ["PBCD_H", str(folder), *parts]:
        assert part in str(caught.value)
    assert "DEMO_H" not in str(caught.value).replace(str(folder), "")
    assert warehouse_path.read_bytes() == before
    assert everything(warehouse_path) == seen


def test_all_bad_files_are_reported_at_once_and_no_database_is_made(
    run: Run, folder: Path, warehouse_path: Path
) -> None:
    (folder / "PBCD_H.XPT").write_bytes(b"")
    write_xpt(folder / "P_DEMO.XPT", frames()["P_DEMO"][:3].drop(columns="RIDAGEYR"))
    with pytest.raises(RefusedError) as caught:
        run()
    assert [problem.file for problem in caught.value.problems] == ["P_DEMO", "P_DEMO", "PBCD_H"]
    assert "2 files were refused" in str(caught.value)
    for problem in caught.value.problems:
        assert problem.expected
        assert problem.found
        assert problem.advice
    assert not warehouse_path.parent.exists()


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


def label_all(folder: Path, label: str) -> None:
    for name, frame in frames().items():
        write_xpt(folder / f"{name}.XPT", frame, label=label)


def test_demo_files_are_recorded_as_demo_and_need_no_row_count(
    run: Run, folder: Path, warehouse_path: Path
) -> None:
    label_all(folder, DEMO_LABEL)
    write_xpt(folder / "PBCD_H.XPT", pbcd()[:2], label=DEMO_LABEL)
    assert run().rows == 24
    assert query(warehouse_path, "select distinct source, file_label from raw.meta.files") == [
        ("demo", DEMO_LABEL)
    ]


def test_demo_and_real_files_are_never_mixed(run: Run, folder: Path, warehouse_path: Path) -> None:
    write_xpt(folder / "PBCD_H.XPT", pbcd(), label=DEMO_LABEL)
    with pytest.raises(WarehouseError, match=r"synthetic are PBCD_H; real are DEMO_H, P_DEMO"):
        run()
    assert not warehouse_path.exists()
    write_xpt(folder / "PBCD_H.XPT", pbcd())
    run()
    before = everything(warehouse_path)
    label_all(folder, DEMO_LABEL)
    with pytest.raises(WarehouseError, match=r"holds real data.*synthetic.*--data.*remove"):
        run()
    assert everything(warehouse_path) == before
    warehouse_path.unlink()
    run()
    label_all(folder, "")
    with pytest.raises(WarehouseError, match="holds synthetic data"):
        run()


@pytest.mark.parametrize(("source", "label"), [("cdc", DEMO_LABEL), ("demo", "")])
def test_a_label_that_contradicts_the_source_is_refused(
    catalogue: Catalogue, folder: Path, warehouse_path: Path, source: str, label: str
) -> None:
    label_all(folder, label)
    files = DirectorySource(folder).fetch(catalogue, print)
    claimed = [replace(file, source=source) for file in files]
    with pytest.raises(RefusedError, match=r"(?i)synthetic demo data") as caught:
        load(claimed, warehouse_path, catalogue, print)
    assert ("downloaded anew" in str(caught.value)) == (source == "cdc")


LOAD = """
import sys
from pathlib import Path
from ingest.catalogue import read_catalogue
from ingest.errors import IngestError
from ingest.load import load
from ingest.sources.directory import DirectorySource
folder, path, seeds = map(Path, sys.argv[1:])
catalogue = read_catalogue(seeds)
try:
    load(DirectorySource(folder).fetch(catalogue, print), path, catalogue, print)
except IngestError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def holder(run: Run, warehouse_path: Path) -> Iterator[subprocess.Popen[str]]:
    run()
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(warehouse_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "open\n"
        yield process
        process.communicate()


def test_a_locked_database_names_the_process(run: Run, holder: subprocess.Popen[str], folder: Path) -> None:
    with pytest.raises(LockedError, match=rf"in use by process {holder.pid}, python.*then run again"):
        run()


def test_a_reader_keeps_the_old_data_while_new_ones_are_put_in_place(
    run: Run, folder: Path, warehouse_path: Path
) -> None:
    run()
    sql = "select count(*) filter (lbxbpb = 9) from nhanes.pbcd"
    with duckdb.connect(str(warehouse_path), read_only=True) as connection:
        write_xpt(folder / "PBCD_H.XPT", pbcd(LBXBPB=9.0))
        command = [sys.executable, "-c", LOAD, str(folder), str(warehouse_path), str(folder.parent / "seeds")]
        subprocess.run(command, check=True, timeout=60)
        assert connection.execute(sql).fetchone() == (0,)
    assert query(warehouse_path, sql.replace("from ", "from raw.")) == [(6,)]


def test_two_runs_at_once(run: Run, warehouse_path: Path) -> None:
    with (
        alone(warehouse_path.parent),
        pytest.raises(LockedError, match=f"process {os.getpid()}, .*wait until"),
    ):
        run()
    run()


@pytest.mark.parametrize("kilobytes", [0, 200, 1600])
def test_a_full_disk_leaves_the_old_data(
    folder: Path, warehouse_path: Path, run: Run, kilobytes: int
) -> None:
    """A limit on file sizes stands for the full disk: writing fails in the same places."""
    run()
    before = warehouse_path.read_bytes()
    frame = frames()["PBCD_H"]
    texts = [np.random.default_rng(i).bytes(80).hex() for i in range(6)]
    for number in range(40):
        frame[f"T{number}"] = texts
    write_xpt(folder / "PBCD_H.XPT", frame)
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({kilobytes * 1024},) * 2)\n"
    command = [
        sys.executable,
        "-c",
        limit + LOAD,
        str(folder),
        str(warehouse_path),
        str(folder.parent / "seeds"),
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert "size limit" in result.stderr
    assert "Traceback" not in result.stderr
    assert warehouse_path.read_bytes() == before
    assert sorted(path.name for path in warehouse_path.parent.iterdir()) == [".lock", "raw.duckdb"]
    assert run().loaded == ("PBCD_H",)


def test_a_run_that_is_killed_leaves_the_old_data(folder: Path, warehouse_path: Path, run: Run) -> None:
    run()
    before = warehouse_path.read_bytes()
    write_xpt(folder / "PBCD_H.XPT", pbcd(LBXBPB=9.0))
    kill = "import os; os.replace = lambda *_: os.kill(os.getpid(), 9)\n"
    command = [
        sys.executable,
        "-c",
        kill + LOAD,
        str(folder),
        str(warehouse_path),
        str(folder.parent / "seeds"),
    ]
    assert subprocess.run(command, timeout=60).returncode == -9
    assert warehouse_path.read_bytes() == before
    assert run().loaded == ("PBCD_H",)
    assert sorted(path.name for path in warehouse_path.parent.iterdir()) == [".lock", "raw.duckdb"]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that every user can reach (pytest's own cannot be)."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


def test_a_read_only_data_folder(
    catalogue: Catalogue, folder: Path, open_folder: Path, unprivileged_factory: Callable[..., object]
) -> None:
    files = [
        replace(file, path=Path(shutil.copy(file.path, open_folder)))
        for file in DirectorySource(folder).fetch(catalogue, print)
    ]
    path = open_folder / "data" / "raw.duckdb"
    os.chmod(open_folder, 0o555)
    with unprivileged_factory(), pytest.raises(WarehouseError, match=r"data: permission is missing"):
        load(files, path, catalogue, print)
    os.chmod(open_folder, 0o755)
    path.parent.mkdir(mode=0o555)
    with unprivileged_factory(), pytest.raises(WarehouseError, match=r"data: permission is missing"):
        load(files, path, catalogue, print)
    assert list(path.parent.iterdir()) == []


def test_an_unreadable_file_or_folder(
    catalogue: Catalogue, folder: Path, open_folder: Path, unprivileged_factory: Callable[..., object]
) -> None:
    inner = Path(shutil.copytree(folder, open_folder / "inner"))
    (inner / "PBCD_H.XPT").chmod(0)
    with unprivileged_factory(), pytest.raises(RefusedError, match=r"PBCD_H.*\n.*can be read\n.*Permission"):
        load(DirectorySource(inner).fetch(catalogue, print), open_folder / "raw.duckdb", catalogue, print)
    inner.chmod(0)
    with (
        unprivileged_factory(),
        pytest.raises(IngestError, match=r"Cannot read .*inner: permission is missing"),
    ):
        DirectorySource(open_folder).fetch(catalogue, print)
    inner.chmod(0o444)  # names can be seen, files cannot be reached
    with (
        unprivileged_factory(),
        pytest.raises(IngestError, match=r"Cannot read .*XPT: permission is missing"),
    ):
        DirectorySource(open_folder).fetch(catalogue, print)
    inner.chmod(0o755)


def test_a_data_folder_with_a_quote_in_its_name(catalogue: Catalogue, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / 'it\'s "data"' / "raw.duckdb"
    for value in (1.0, 2.0):
        write_xpt(folder / "PBCD_H.XPT", pbcd(LBXBPB=value))
        load(DirectorySource(folder).fetch(catalogue, print), path, catalogue, print)
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("select max(lbxbpb), count(*) from nhanes.pbcd").fetchone() == (2.0, 6)


def test_what_is_not_our_database_is_left_alone(run: Run, warehouse_path: Path) -> None:
    warehouse_path.parent.mkdir()
    warehouse_path.write_text("not a database at all" * 1000)
    with pytest.raises(WarehouseError, match="not a DuckDB database: move it away"):
        run()
    warehouse_path.unlink()
    with duckdb.connect(str(warehouse_path)) as connection:
        connection.execute("create table precious as select 1 as a")
    with pytest.raises(WarehouseError, match="another database"):
        run()
    assert query(warehouse_path, "select a from raw.precious") == [(1,)]


def test_an_empty_database_file_is_filled(run: Run, warehouse_path: Path) -> None:
    warehouse_path.parent.mkdir()
    warehouse_path.touch()
    assert run().rows == 28
    warehouse_path.unlink()
    duckdb.connect(str(warehouse_path)).close()
    assert run().rows == 28


def test_a_change_by_another_run_is_noticed(run: Run, catalogue: Catalogue, warehouse_path: Path) -> None:
    run()
    contents = read_contents(warehouse_path)
    with pytest.raises(WarehouseError, match="changed by another run"):
        warehouse.write(warehouse_path, catalogue, [], replace(contents, files=contents.files[:1]))
