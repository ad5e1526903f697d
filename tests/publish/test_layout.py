"""Publishing is whole or nothing, and one run takes the place of another in a single step."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from publish.__main__ import main
from publish.build import build, publish_again, show
from publish.database import read_run
from publish.errors import AuditError, DamagedError, PublishError, StepError
from publish.layout import PublishLayout
from publish.record import read_published
from tests.publish.support.small_build import fill, steps
from tests.support.processes import Moments
from warehouse.errors import LockedError, ProjectError, WarehouseError

SMALL_BUILD = Path(__file__).parent / "support" / "small_build.py"


def value_of(folder: Path) -> int:
    """Return the one value that every published file holds."""
    published = read_published(folder)
    with duckdb.connect(str(folder / "nhanes_bone.duckdb"), read_only=True) as connection:
        found = connection.execute(f"""
            select value, run_id from first union select value, run_id from second
            union select value, run_id from '{folder}/parquet/first.parquet'
        """).fetchall()
        runs = connection.execute("select run_id from runs").fetchall()
    assert len(found) == 1
    assert runs == [(published.run_id,)]
    ((value, run_id),) = found
    assert run_id == published.run_id
    assert (folder / "report.html").read_text() == f"{value}\n"
    assert (folder / "dbt_docs.html").read_text().startswith(f"{value}\n")
    return int(value)


def folders(layout: PublishLayout) -> list[str]:
    return sorted(path.name for path in layout.published.iterdir())


def test_a_build_replaces_the_one_before(layout, run):
    first = run(1)
    assert value_of(layout.results) == 1
    second = run(2)
    assert value_of(layout.results) == 2
    assert value_of(first.folder) == 1, "the run before is kept for whoever has it open"
    assert os.readlink(layout.latest) == second.folder.name
    assert second.run_id[:8] in second.folder.name


def test_older_runs_are_removed_and_nothing_else_is_left(layout, run):
    runs = [run(value).folder.name for value in (1, 2, 3)]
    assert folders(layout) == [".lock", *sorted(runs[1:]), "latest"]
    assert sorted(path.name for path in layout.results.parent.iterdir()) == ["data", "results"]


def test_a_link_left_by_a_killed_process_is_removed(layout, run):
    run(1)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = [path.with_name(f".{path.name}.{ended.pid}") for path in (layout.results, layout.latest)]
    others = layout.results.with_name(f".results.{os.getppid()}")
    for folder in (*left, others):
        folder.mkdir()
        (folder / "results").symlink_to("nowhere")
    run(2)
    assert not any(folder.exists() for folder in left)
    assert others.exists(), "its process is at work"


def test_a_reader_keeps_the_old_file(layout, run):
    run(1)
    with duckdb.connect(str(layout.results / "nhanes_bone.duckdb"), read_only=True) as connection:
        for value in (2, 3, 4):
            run(value)
        assert connection.execute("select distinct value from second").fetchall() == [(1,)]
    assert value_of(layout.results) == 4


def test_person_rows_and_half_facts_are_not_published(layout, run):
    run(1)
    with duckdb.connect(str(layout.results / "nhanes_bone.duckdb"), read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables() order by all").fetchall()
    assert [name for (name,) in tables] == ["data_dictionary", "first", "runs", "second"]
    assert sorted(path.stem for path in (layout.results / "parquet").iterdir()) == [
        "data_dictionary",
        "first",
        "runs",
        "second",
    ]


def test_the_manifest_says_what_it_is(layout, run):
    published = run(1)
    facts = json.loads((layout.results / "manifest.json").read_text())
    assert facts["tables"] == {"data_dictionary": 20, "first": 2000, "runs": 1, "second": 2000}
    assert facts["inputs"] == [
        {"file": "DEMO_H", "cycle": "2013-2014", "source": "demo", "sha256": "abc", "rows": 9}
    ]
    assert set(facts["outputs"]) == {
        str(path.relative_to(published.folder))
        for path in published.folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }


def test_synthetic_results_leave_the_real_ones(tmp_path, run):
    results = tmp_path / "results"
    real, demo = PublishLayout(tmp_path / "nhanes", results), PublishLayout(tmp_path / "demo", results)
    run(1, source="nhanes", at=real)
    run(2, source="demo", at=demo)
    assert read_published(results).source == "demo"
    assert value_of(real.latest) == 1
    assert show(real).source == "nhanes"
    assert value_of(results) == 1


def test_one_run_published_again_is_another_folder(layout, run):
    first = run(1)
    again = publish_again(layout, steps(layout, 1), print, 0)
    assert again.folder.name == f"{first.folder.name}-2"
    assert again.run_id == first.run_id


def fails_with(error):
    def raise_it(*_):
        raise error

    return raise_it


@pytest.mark.parametrize("step", ["load", "transform", "write_docs", "write_report"])
def test_a_step_that_fails_changes_nothing(layout, run, step):
    run(1)
    before = folders(layout)
    todo = steps(layout, 2)
    object.__setattr__(todo, step, fails_with(StepError(step, 2)))
    with pytest.raises(StepError):
        build(layout, todo, print, 0)
    assert value_of(layout.results) == 1
    assert folders(layout) == before


@pytest.mark.parametrize(
    ("half", "message"),
    [
        ({"succeeded": 8}, "found 8 in run .*; of the others: a_test fail"),
        ({"succeeded": -1}, "to have finished, found that run .* did not"),
        ({"marts": ("first", "people")}, "every row of second .* to be of run"),
        ({"marts": ("first", "second")}, "every row of people .* to be of run"),
    ],
)
def test_what_is_not_a_whole_build_is_not_published(layout, run, half, message):
    run(1)
    before = folders(layout)
    fill(layout.warehouse, 2, **half)
    with pytest.raises(AuditError, match=message):
        publish_again(layout, steps(layout, 2), print, 0)
    assert value_of(layout.results) == 1
    assert folders(layout) == before


def test_nothing_built_yet(layout):
    with pytest.raises(ProjectError, match=r"found no such file.*make build"):
        publish_again(layout, steps(layout, 1), print, 0)
    assert not layout.data.exists(), "a wrong path leaves nothing behind"
    layout.data.mkdir()
    with duckdb.connect(str(layout.warehouse)) as connection:
        connection.execute("create table other as select 1 as one")
    with pytest.raises(AuditError, match="found none: run `make build`"):
        publish_again(layout, steps(layout, 1), print, 0)


def test_an_altered_file_is_noticed(layout, run, capsys):
    run(1)
    assert main(["status", "--results", str(layout.results)]) == 0
    assert "source 'demo' (synthetic data)" in capsys.readouterr().out
    report = layout.results / "report.html"
    for change in (lambda: report.write_text("2\n"), report.unlink):
        change()
        with pytest.raises(DamagedError, match=r"report\.html as manifest\.json lists it"):
            read_published(layout.results)
    assert main(["status", "--results", str(layout.results)]) == 1


def test_the_command_says_what_results_still_show(layout, run, monkeypatch, capsys):
    command = ["build", "--data", str(layout.data), "--results", str(layout.results), "demo"]
    for error, code, message in (
        (KeyboardInterrupt(), 130, "Interrupted. There are no published results yet."),
        (
            StepError("ingest", 7),
            7,
            "error: ingest failed (exit code 7), so nothing was published. There are no",
        ),
        (AuditError("expected this"), 1, "error: expected this. There are no published results yet."),
    ):
        monkeypatch.setattr("publish.programs.load", fails_with(error))
        assert main(command) == code
        assert message in capsys.readouterr().err
    shown = run(1)
    assert main(command) == 1
    assert f"results still shows run {shown.run_id} of" in capsys.readouterr().err


def test_an_unknown_profile_is_named_as_make_names_it(capsys):
    with pytest.raises(SystemExit):
        main(["build", "--profile", "fast", "demo"])
    assert (
        "argument --profile: expected quick or full, found 'fast' (make: PROFILE=)" in capsys.readouterr().err
    )


def test_something_else_called_results_is_left_alone(layout, run):
    layout.results.mkdir()
    (layout.results / "mine.txt").write_text("mine")
    with pytest.raises(PublishError, match="to be a link to published results, found something else"):
        run(1)
    assert not layout.warehouse.exists(), "said before the long build"
    assert (layout.results / "mine.txt").read_text() == "mine"


HOLD = """
import sys
from pathlib import Path
from warehouse.locks import exclusive_lock
with exclusive_lock(Path(sys.argv[1])):
    print("held", flush=True)
    input()
"""
OPEN = """
import sys, duckdb
with duckdb.connect(sys.argv[1]):
    print("held", flush=True)
    input()
"""


@pytest.fixture
def holder():
    """Start a program that holds something, until it is told to let go."""
    started = []

    def start(program: str, path: Path) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("program", "what"), [(HOLD, "published"), (OPEN, "warehouse.duckdb")])
def test_whoever_is_in_the_way_is_named_and_waited_for(layout, run, holder, program, what):
    run(1)
    process = holder(program, layout.data / what)
    before = folders(layout)
    with pytest.raises(LockedError, match=f"(?s){what} is in use by process {process.pid}"):
        run(2, seconds=0.3)
    assert folders(layout) == before
    assert value_of(layout.results) == 1
    timer = threading.Timer(0.5, lambda: process.communicate("\n"))
    timer.start()
    run(2, seconds=30)
    timer.join()
    assert value_of(layout.results) == 2


def test_two_builds_at_once_come_one_after_the_other(layout):
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda value: build(layout, steps(layout, value), print, 30), (1, 2)))
    assert value_of(layout.results) in (1, 2)
    assert len([path for path in layout.published.iterdir() if path.is_dir() and not path.is_symlink()]) == 2


@pytest.fixture
def open_layout():
    """Return a data directory that every user can reach (pytest's own cannot be)."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)
        yield PublishLayout(Path(name) / "data", Path(name) / "results")


@pytest.mark.parametrize("folder", ["published", "parent of results"])
def test_a_read_only_folder(open_layout, run, folder):
    run(1, at=open_layout)
    locked = open_layout.published if folder == "published" else open_layout.results.parent
    for path in [open_layout.data, *open_layout.data.rglob("*")]:
        path.chmod(0o777)
    before = folders(open_layout)
    locked.chmod(0o555)
    effective = os.geteuid()
    if effective == 0:
        os.seteuid(65534)  # root ignores permissions
    try:
        with pytest.raises((PublishError, WarehouseError), match="permission is missing"):
            run(2, at=open_layout)
    finally:
        os.seteuid(effective)
        locked.chmod(0o777)
    assert folders(open_layout) == before
    assert value_of(open_layout.results) == 1
    with duckdb.connect(str(open_layout.warehouse), read_only=True) as connection:
        assert connection.execute("select distinct value from first").fetchall() == [(1,)], "said at once"


def test_a_full_disk(layout, run, tmp_path):
    """A small file system of its own: the first run fits, the next one does not."""
    layout.published.mkdir(parents=True)
    program = tmp_path / "full.py"
    program.write_text(f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from tests.publish.support.small_build import steps
from publish.build import build
from publish.errors import PublishError
from warehouse.errors import ProjectError
from publish.layout import PublishLayout
from tests.publish.test_layout import folders, value_of

layout = PublishLayout(Path({str(layout.data)!r}), Path({str(layout.results)!r}))
build(layout, steps(layout, 1), print, 0)
used = sum(path.stat().st_blocks * 512 for path in layout.published.rglob("*"))
before = folders(layout)
filler = layout.published / "filler"
filler.mkdir()
for left in (0, 16, 200, 700, 1200):
    import shutil
    free = shutil.disk_usage(layout.published).free + sum(f.stat().st_size for f in filler.iterdir())
    (filler / "file").write_bytes(b"x" * max(free - left * 1024, 0))
    try:
        build(layout, steps(layout, 2), print, 0)
    except ProjectError as error:
        assert "disk is full" in str(error), error
        print("refused", left)
    else:
        raise SystemExit(f"{{left}} kB were enough: give the test less")
    assert value_of(layout.results) == 1
    (filler / "file").unlink()
    assert [name for name in folders(layout) if name != "filler"] == before, folders(layout)
filler.rmdir()
build(layout, steps(layout, 3), print, 0)
assert value_of(layout.results) == 3
""")
    script = f'mount -t tmpfs -o size=6m tmpfs "{layout.published}" && exec "{sys.executable}" "{program}"'
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rm", "true"], capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    finished = subprocess.run(
        [unshare, "-rm", "sh", "-c", script], capture_output=True, text=True, timeout=600
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.count("refused") == 5


def kill_builds(layout: PublishLayout, run, count: int) -> None:
    """Kill builds at random moments; after each, what is published is one whole run, old or new."""
    run(0)
    start = time.monotonic()
    run(0)
    seconds = time.monotonic() - start
    moments, published = Moments(1, seconds), 0
    with subprocess.Popen(
        [sys.executable, str(SMALL_BUILD), str(layout.data), str(layout.results), str(count)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "ready\n"
        for value in range(1, count + 1):
            process.stdin.write(f"{moments.next()}\n")
            process.stdin.flush()
            end = process.stdout.readline()
            assert end in ("killed\n", "finished\n")
            moments.learn(end == "killed\n")
            found = value_of(layout.results)
            assert found in (published, value), "what is published is old or new"
            if end == "finished\n":
                assert found == value
            published = found
            _a_half_build_is_not_publishable(layout)
    assert moments.killed > count / 3
    run(count + 1)
    assert value_of(layout.results) == count + 1
    assert not layout.new.exists()


def _a_half_build_is_not_publishable(layout: PublishLayout) -> None:
    try:
        audited = read_run(layout.warehouse)
    except AuditError:
        return
    with duckdb.connect(str(layout.warehouse), read_only=True) as connection:
        rows = connection.execute("select run_id from first union select run_id from second").fetchall()
    assert rows == [(audited.run_id,)]


def test_killed_at_random_moments(layout, run):
    kill_builds(layout, run, 12)


@pytest.mark.statistical
def test_killed_at_many_random_moments(layout, run):
    kill_builds(layout, run, 200)
