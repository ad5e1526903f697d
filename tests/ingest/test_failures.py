"""Killed, out of space, locked: what was loaded stays whole, and the next run succeeds."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ingest import raw_database
from ingest.load import Report, load
from ingest.raw_database import read_contents
from ingest.sources.directory import DirectorySource
from tests.ingest.support.loading import loading
from tests.ingest.support.reading import everything, query
from tests.ingest.support.small_files import frames, pbcd, write_xpt
from tests.support.processes import Moments
from warehouse.errors import LockedError, WarehouseError
from warehouse.locks import WaitPolicy, exclusive_lock
from warehouse.seeds.catalogue import Catalogue

Run = Callable[..., Report]
LEFT = [".lock", "raw.duckdb"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    "rounds", [pytest.param(3, id="a few"), pytest.param(25, id="many", marks=pytest.mark.statistical)]
)
def test_killed_at_random_moments(run: Run, folder: Path, raw_path: Path, rounds: int) -> None:
    """Each round loads one more value; it is killed, and then allowed to finish."""
    start = time.monotonic()
    run()
    moments, value = Moments(20, time.monotonic() - start), 0
    while moments.killed < rounds:
        value += 1
        assert value <= 10 * rounds
        write_xpt(folder / "PBCD_H.XPT", pbcd(LBXBPB=float(value)))
        before = everything(raw_path)
        command = loading(folder, raw_path)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert process.stdout.readline() == "start\n"
            time.sleep(moments.next())
            process.kill()
        moments.learn(process.returncode == -9)
        after = everything(raw_path)
        is_new = query(raw_path, "select distinct lbxbpb from raw.nhanes.pbcd") == [(float(value),)]
        assert is_new or after == before
        finished = subprocess.run(command, capture_output=True, text=True, timeout=600)
        assert finished.returncode == 0, finished.stderr
        assert query(raw_path, "select lbxbpb, count(*) from raw.nhanes.pbcd group by 1") == [(value, 6)]
        assert len(everything(raw_path)) == len(before)
        assert names(raw_path.parent) == LEFT


@pytest.mark.statistical
def test_the_demo_killed_at_random_moments(tmp_path: Path) -> None:
    """The whole command, generating included: the data are of the old seed or of the new, never of both."""
    path = tmp_path / "raw.duckdb"
    sql = "select list(sha256 order by file) from raw.meta.files"

    def command(seed: int) -> list[str]:
        return [
            sys.executable,
            "-m",
            "ingest",
            "demo",
            "--people",
            "2000",
            "--seed",
            str(seed),
            "--data",
            str(tmp_path),
        ]

    states = []
    for seed in (1, 2):
        start = time.monotonic()
        subprocess.run(command(seed), check=True, capture_output=True, timeout=600)
        seconds = time.monotonic() - start
        states.append(query(path, sql))
    assert states[0] != states[1]
    moments = Moments(21, seconds)
    for number in range(25):
        with subprocess.Popen(command(1 + number % 2), stderr=subprocess.DEVNULL) as process:
            time.sleep(moments.next())
            process.kill()
        moments.learn(process.returncode == -9)
        assert query(path, sql) in states
        again = subprocess.run(command(1 + number % 2), capture_output=True, text=True, timeout=600)
        assert again.returncode == 0, again.stderr
        assert query(path, sql) == states[number % 2]
        assert names(tmp_path) == [".lock", "raw.duckdb", "xpt"]
    assert moments.killed > 5


def test_killed_at_the_last_moment(run: Run, folder: Path, raw_path: Path) -> None:
    run()
    before = raw_path.read_bytes()
    write_xpt(folder / "PBCD_H.XPT", pbcd(LBXBPB=9.0))
    kill = "import os; os.replace = lambda *_: os.kill(os.getpid(), 9)\n"
    command = loading(folder, raw_path, kill)
    assert subprocess.run(command, stdout=subprocess.DEVNULL, timeout=600).returncode == -9
    assert raw_path.read_bytes() == before
    assert run().loaded == ("PBCD_H",)
    assert names(raw_path.parent) == LEFT


def large_file(folder: Path) -> None:
    """Make one file so long that the raw database grows by some megabytes."""
    frame = frames()["PBCD_H"]
    texts = [np.random.default_rng(i).bytes(80).hex() for i in range(6)]
    for number in range(40):
        frame[f"T{number}"] = texts
    write_xpt(folder / "PBCD_H.XPT", frame)


@pytest.mark.parametrize("kilobytes", [0, 1600])
def test_a_limit_on_file_sizes_leaves_the_old_data(
    folder: Path, raw_path: Path, run: Run, kilobytes: int
) -> None:
    run()
    before = raw_path.read_bytes()
    large_file(folder)
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({kilobytes * 1024},) * 2)\n"
    result = subprocess.run(loading(folder, raw_path, limit), capture_output=True, text=True, timeout=600)
    assert result.returncode == 1
    assert "size limit" in result.stderr
    assert "Traceback" not in result.stderr
    assert raw_path.read_bytes() == before
    assert names(raw_path.parent) == LEFT
    assert run().loaded == ("PBCD_H",)


@pytest.mark.parametrize("kilobytes", [0, 1500])
def test_a_full_disk_leaves_the_old_data(
    catalogue: Catalogue, folder: Path, small_disk: Path, kilobytes: int
) -> None:
    path = small_disk / "data" / "raw.duckdb"
    path.parent.mkdir()
    load(DirectorySource(folder).fetch(catalogue, print), path, catalogue, print)
    before = path.read_bytes()
    large_file(folder)
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (shutil.disk_usage(small_disk).free - kilobytes * 1024))
    result = subprocess.run(loading(folder, path), capture_output=True, text=True, timeout=600)
    assert result.returncode == 1
    assert "the disk is full: free some space and run again" in result.stderr
    assert "Traceback" not in result.stderr
    assert path.read_bytes() == before
    filler.unlink()
    assert subprocess.run(loading(folder, path), stdout=subprocess.DEVNULL, timeout=600).returncode == 0
    assert names(path.parent) == LEFT


@pytest.fixture
def holder(run: Run, raw_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Return a process that has the database open to write, until it is written to."""
    run()
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.readline()"
    )
    command = [sys.executable, "-c", code, str(raw_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "open\n"
        yield process
        process.communicate()


def test_a_locked_database_names_the_process(run: Run, holder: subprocess.Popen[str]) -> None:
    said: list[str] = []
    with pytest.raises(LockedError, match=rf"in use by process {holder.pid}, python.*Waited 1 s"):
        run(said, seconds=1)
    assert len(said) == 1
    assert f"process {holder.pid}, python" in said[0]
    assert said[0].endswith("Waiting up to 1 s.")


def test_a_database_that_is_freed_in_time_is_used(run: Run, holder: subprocess.Popen[str]) -> None:
    class Said(list[str]):
        def append(self, line: str) -> None:
            super().append(line)
            assert holder.stdin
            holder.stdin.write("\n")
            holder.stdin.flush()

    said = Said()
    assert run(said, seconds=30).unchanged == ("DEMO_H", "P_DEMO", "PBCD_H")
    assert "Waiting up to 30 s" in said[0]


def test_the_second_of_two_runs_gives_up_in_time(run: Run, raw_path: Path) -> None:
    said: list[str] = []
    start = time.monotonic()
    with (
        exclusive_lock(raw_path.parent),
        pytest.raises(LockedError, match=rf"process {os.getpid()}, .*wait until.*Waited 1 s"),
    ):
        run(said, seconds=1)
    assert 1 <= time.monotonic() - start < 60
    assert f"is in use by process {os.getpid()}" in said[0]
    run()


def test_the_second_of_two_runs_waits_for_the_first(folder: Path, raw_path: Path, run: Run) -> None:
    """The first stops in the middle of its work until the second says for whom it waits."""
    go = folder.parent / "go"
    first = f"""
import time
from pathlib import Path
from ingest import raw_database
build = raw_database._build
def wait(*arguments):
    print("building", flush=True)
    while not Path({str(go)!r}).exists():
        time.sleep(0.02)
    build(*arguments)
raw_database._build = wait
"""

    class Said(list[str]):
        def append(self, line: str) -> None:
            super().append(line)
            go.touch()

    said = Said()
    with subprocess.Popen(loading(folder, raw_path, first), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        while process.stdout.readline() != "building\n":
            assert process.poll() is None
        report = run(said, seconds=60)
    assert process.returncode == 0
    assert report.unchanged == ("DEMO_H", "P_DEMO", "PBCD_H")
    assert f"process {process.pid}, python" in said[0]


def test_patience_of_nothing_asks_once() -> None:
    asked: list[int] = []

    def attempt() -> None:
        asked.append(1)
        raise LockedError("x is in use by y.")

    said: list[str] = []
    with pytest.raises(LockedError, match=r"^x is in use by y\.$"):
        WaitPolicy(0, said.append).retry(attempt)
    assert (asked, said) == ([1], [])


def test_a_read_only_data_folder(
    catalogue: Catalogue, folder: Path, open_folder: Path, unprivileged_factory: Callable[..., object]
) -> None:
    files = [
        replace(file, path=Path(shutil.copy(file.path, open_folder)))
        for file in DirectorySource(folder).fetch(catalogue, print)
    ]
    path = open_folder / "data" / "raw.duckdb"
    os.chmod(open_folder, 0o555)
    with unprivileged_factory(), pytest.raises(WarehouseError, match=r"data.*: permission is missing"):
        load(files, path, catalogue, print)
    with (
        unprivileged_factory(),
        pytest.raises(WarehouseError, match=r"data: permission is missing"),
        exclusive_lock(path.parent),
    ):
        pass
    os.chmod(open_folder, 0o755)
    path.parent.mkdir(mode=0o555)
    with unprivileged_factory(), pytest.raises(WarehouseError, match=r"data.*: permission is missing"):
        load(files, path, catalogue, print)
    assert list(path.parent.iterdir()) == []


def test_a_change_by_another_run_is_noticed(run: Run, catalogue: Catalogue, raw_path: Path) -> None:
    run()
    contents = read_contents(raw_path)
    with pytest.raises(WarehouseError, match="changed by another run"):
        raw_database.write(raw_path, catalogue, [], replace(contents, files=contents.files[:1]))
