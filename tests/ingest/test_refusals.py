"""What is refused and how, and that nothing changes then."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from ingest.errors import RefusedError
from ingest.load import Report, load
from ingest.sources.directory import DirectorySource
from ingest.transport import DEMO_LABEL
from tests.ingest.support.reading import everything, query
from tests.ingest.support.small_files import frames, label_all, pbcd, write_xpt
from warehouse.errors import ProjectError, WarehouseError
from warehouse.seeds.catalogue import Catalogue, PersonRow

Run = Callable[..., Report]


REFUSALS: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "web page": (lambda p: p.write_text("<!DOCTYPE html><html>not found</html>"), ["web page", "moved"]),
    "empty": (lambda p: p.write_bytes(b""), ["empty file", "fetch it again"]),
    "zip": (lambda p: p.write_bytes(b"PK\x03\x04abc"), ["zip archive", "unpack"]),
    "truncated": (lambda p: p.write_bytes(p.read_bytes()[:-80]), ["at least 6 rows", "5 rows", "cut off"]),
    "truncated in a record": (lambda p: p.write_bytes(p.read_bytes()[:-17]), ["within a record"]),
    "version 8": (lambda p: write_xpt(p, pbcd(), version=8), ["version 8"]),
    "fewer rows": (lambda p: write_xpt(p, pbcd()[:5]), ["at least 6 rows", "5 rows"]),
    "copied rows": (
        lambda p: write_xpt(p, pbcd(SEQN=[101.0, 101, *range(103, 107)], LBXBPB=[1.0, 1.0, *range(4)])),
        ["each SEQN once", "1 of them more than once, such as 101; 1 rows are copies", "damaged"],
    ),
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
def test_a_bad_file_is_refused_and_nothing_changes(run: Run, folder: Path, raw_path: Path, name: str) -> None:
    run()
    before, seen = raw_path.read_bytes(), everything(raw_path)
    damage, parts = REFUSALS[name]
    damage(folder / "PBCD_H.XPT")
    write_xpt(folder / "DEMO_H.XPT", frames()["DEMO_H"].assign(RIDAGEYR=1.0))  # good, and new
    with pytest.raises(ProjectError) as caught:
        run()
    for part in ["PBCD_H", str(folder), *parts]:
        assert part in str(caught.value)
    assert "DEMO_H" not in str(caught.value).replace(str(folder), "")
    assert raw_path.read_bytes() == before
    assert everything(raw_path) == seen


@pytest.mark.parametrize(
    ("columns", "told_apart"),
    [
        ({"RXDDRUG": ["A", "B", "A", "C", "A", "A"], "RXDCOUNT": 2.0}, "RXDDRUG"),
        ({"DRDAY": [1.0, 2.0, 1.0, 2.0, 1.0, 1.0]}, "DRDAY"),
        ({"_MULT_": [1.0, 2.0, 1.0, 2.0, 1.0, 1.0], "LBXBPB": 0.5}, "_MULT_"),
    ],
    ids=["prescriptions", "dietary days", "imputations"],
)
def test_a_file_of_several_rows_per_person_is_not_called_damaged(
    run: Run,
    catalogue: Catalogue,
    folder: Path,
    raw_path: Path,
    columns: dict[str, object],
    told_apart: str,
) -> None:
    people = [101.0, 101.0, 102.0, 102.0, 103.0, 104.0]
    frame = pbcd(SEQN=people, LBXBPB=[1.0, 1.0, 2.0, 2.0, 3.0, 4.0]).assign(**columns)
    write_xpt(folder / "PBCD_H.XPT", frame)
    with pytest.raises(RefusedError) as caught:
        run()
    (finding,) = caught.value.findings
    assert finding.expected.startswith("one row per person")
    assert "2 of them more than once, such as 101, with rows that differ, up to 2 for one" in finding.found
    assert f"told apart by {told_apart}" in finding.found
    assert "damaged" not in str(caught.value)
    assert "the file is whole" in finding.advice
    assert f"or a column and its value such as {told_apart}=" in finding.advice
    downloaded = [replace(file, source="cdc") for file in DirectorySource(folder).fetch(catalogue, print)]
    with pytest.raises(RefusedError, match="the file is whole") as caught:
        load(downloaded, raw_path, catalogue, print)
    assert "downloaded anew" not in str(caught.value)  # the next download would be the same file
    assert not raw_path.exists()


def _of_imputations(folder: Path) -> None:
    """Write a file with two imputations of each of three people (the last has only the second)."""
    people = [103.0, 101.0, 103.0, 101.0, 102.0, 104.0]
    write_xpt(
        folder / "PBCD_H.XPT",
        pbcd(SEQN=people, LBXBPB=[3.1, 1.1, 3.2, 1.2, 2.2, 4.1]).assign(
            _MULT_=[1.0, 1.0, 2.0, 2.0, 2.0, 1.0], KIND=["a", "a", "b", "b", "b", "a"]
        ),
    )


def _with_rule(catalogue: Catalogue, rule: PersonRow) -> Catalogue:
    files = [replace(file, person_row=rule) if file.name == "PBCD_H" else file for file in catalogue.files]
    return Catalogue(tuple(files))


@pytest.mark.parametrize(
    ("rule", "rows", "note"),
    [
        (PersonRow(), [(101, 1.1), (102, 2.2), (103, 3.1), (104, 4.1)], "4 of 6 rows are loaded"),
        (PersonRow("_MULT_", "1"), [(101, 1.1), (103, 3.1), (104, 4.1)], "1 people have no such row"),
        (PersonRow("_MULT_", "2.0"), [(101, 1.2), (102, 2.2), (103, 3.2)], "_MULT_ = 2.0"),
        (PersonRow("KIND", "b"), [(101, 1.2), (102, 2.2), (103, 3.2)], "KIND = b"),
    ],
)
def test_of_several_rows_the_one_that_the_catalogue_names_is_loaded(
    run: Run,
    catalogue: Catalogue,
    folder: Path,
    raw_path: Path,
    rule: PersonRow,
    rows: list[tuple[int, float]],
    note: str,
) -> None:
    _of_imputations(folder)
    said: list[str] = []
    run(said, catalogue=_with_rule(catalogue, rule))
    assert query(raw_path, "select seqn, lbxbpb from raw.nhanes_files.pbcd_h order by seqn") == rows
    assert query(raw_path, "select rows from raw.meta.files where file = 'PBCD_H'") == [(len(rows),)]
    assert any("PBCD_H" in line and note in line for line in said)


@pytest.mark.parametrize(
    ("rule", "parts"),
    [
        (PersonRow("_MULT", "1"), ["a column _MULT,", "_MULT_", "person_row in seeds/nhanes_files.csv"]),
        (PersonRow("_MULT_", "9"), ["rows in which _MULT_ is 9", "none; it is 1, 2"]),
        (PersonRow("_MULT_", "one"), ["a number as the value of _MULT_", "'one'"]),
        (
            PersonRow("NOTE", "x"),
            ["one row per person where NOTE is x", "2 people with several, such as 101"],
        ),
    ],
)
def test_a_rule_that_does_not_tell_one_row_is_refused(
    run: Run, catalogue: Catalogue, folder: Path, raw_path: Path, rule: PersonRow, parts: list[str]
) -> None:
    _of_imputations(folder)
    frame = pd.read_sas(folder / "PBCD_H.XPT", encoding="utf-8").assign(NOTE="x")
    write_xpt(folder / "PBCD_H.XPT", frame)
    with pytest.raises(RefusedError) as caught:
        run(catalogue=_with_rule(catalogue, rule))
    for part in parts:
        assert part in str(caught.value)
    assert "damaged" not in str(caught.value)
    assert not raw_path.exists()


def test_all_bad_files_are_reported_at_once_and_no_database_is_made(
    run: Run, folder: Path, raw_path: Path
) -> None:
    (folder / "PBCD_H.XPT").write_bytes(b"")
    write_xpt(folder / "P_DEMO.XPT", frames()["P_DEMO"][:3].drop(columns="RIDAGEYR"))
    with pytest.raises(RefusedError) as caught:
        run()
    assert [finding.file for finding in caught.value.findings] == ["P_DEMO", "P_DEMO", "PBCD_H"]
    assert "2 files were refused" in str(caught.value)
    for finding in caught.value.findings:
        assert finding.expected
        assert finding.found
        assert finding.advice
    assert not raw_path.exists()


def test_demo_files_are_recorded_as_demo_and_need_no_row_count(
    run: Run, folder: Path, raw_path: Path
) -> None:
    label_all(folder, DEMO_LABEL)
    write_xpt(folder / "PBCD_H.XPT", pbcd()[:2], label=DEMO_LABEL)
    assert run().rows == 24
    assert query(raw_path, "select distinct source, file_label from raw.meta.files") == [("demo", DEMO_LABEL)]


def test_demo_and_real_files_are_never_mixed(run: Run, folder: Path, raw_path: Path) -> None:
    write_xpt(folder / "PBCD_H.XPT", pbcd(), label=DEMO_LABEL)
    with pytest.raises(WarehouseError, match=r"synthetic are PBCD_H; real are DEMO_H, P_DEMO"):
        run()
    assert not raw_path.exists()
    write_xpt(folder / "PBCD_H.XPT", pbcd())
    run()
    before = everything(raw_path)
    label_all(folder, DEMO_LABEL)
    with pytest.raises(WarehouseError, match=r"holds real data.*synthetic.*--data.*remove"):
        run()
    assert everything(raw_path) == before
    raw_path.unlink()
    run()
    label_all(folder, "")
    with pytest.raises(WarehouseError, match="holds synthetic data"):
        run()


@pytest.mark.parametrize(("source", "label"), [("cdc", DEMO_LABEL), ("demo", "")])
def test_a_label_that_contradicts_the_source_is_refused(
    catalogue: Catalogue, folder: Path, raw_path: Path, source: str, label: str
) -> None:
    label_all(folder, label)
    files = DirectorySource(folder).fetch(catalogue, print)
    claimed = [replace(file, source=source) for file in files]
    with pytest.raises(RefusedError, match=r"(?i)synthetic demo data") as caught:
        load(claimed, raw_path, catalogue, print)
    assert ("downloaded anew" in str(caught.value)) == (source == "cdc")


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
        pytest.raises(ProjectError, match=r"Cannot read .*inner: permission is missing"),
    ):
        DirectorySource(open_folder).fetch(catalogue, print)
    inner.chmod(0o444)  # names can be seen, files cannot be reached
    with (
        unprivileged_factory(),
        pytest.raises(ProjectError, match=r"Cannot read .*XPT: permission is missing"),
    ):
        DirectorySource(open_folder).fetch(catalogue, print)
    inner.chmod(0o755)


def test_what_is_not_our_database_is_left_alone(run: Run, raw_path: Path) -> None:
    raw_path.parent.mkdir()
    raw_path.write_text("not a database at all" * 1000)
    with pytest.raises(WarehouseError, match="not a DuckDB database: move it away"):
        run()
    raw_path.unlink()
    with duckdb.connect(str(raw_path)) as connection:
        connection.execute("create table precious as select 1 as a")
    with pytest.raises(WarehouseError, match="another database"):
        run()
    assert query(raw_path, "select a from raw.precious") == [(1,)]
