"""The command: exit codes, messages, default folders, the demo, progress."""

import io
import subprocess
import sys
import types
from pathlib import Path

import pytest

from demo.errors import DemoError
from demo.generate import check_people
from ingest import __main__ as cli
from ingest import progress
from ingest.progress import Progress
from ingest.raw_database import read_contents
from ingest.sources.added import WithAdded
from ingest.sources.cdc import CdcSource
from ingest.sources.directory import DirectorySource
from ingest.transport import DEMO_LABEL
from tests.ingest.support.small_files import frames, write_xpt
from warehouse.paths import PROJECT_ROOT
from warehouse.seeds.catalogue import Catalogue


@pytest.fixture(autouse=True)
def _small(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "read_catalogue", lambda: catalogue)


def test_directory_then_status(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # relative folders are relative to where the command is run
    assert cli.main(["directory", "files", "--data", "data"]) == 0
    assert f"Loaded 3 files, 28 rows, into {tmp_path / 'data' / 'raw.duckdb'}" in capsys.readouterr().err
    assert cli.main(["directory", "files", "--data", "data"]) == 0
    assert "not read again: 3 files" in capsys.readouterr().err
    assert cli.main(["status", "--data", "data"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["file", "cycle", "component", "source"]
    assert lines[1].split()[:6] == ["DEMO_H", "2013-2014", "DEMO", "directory", "10", "5"]
    assert lines[-1] == f"3 files, 28 rows in {tmp_path / 'data' / 'raw.duckdb'}"


def test_errors_have_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ingest", "directory", "nowhere", "--data", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: Expected a folder with NHANES transport files at {tmp_path}")
    assert "Traceback" not in result.stderr


def test_status_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--data", str(tmp_path)]) == 1
    assert "Nothing is loaded" in capsys.readouterr().err
    assert list(tmp_path.glob("*.duckdb")) == []


def test_help_says_it_all(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for part in ("cdc", "directory", "demo", "status", "examples:", "--data", "raw.duckdb"):
        assert part in text


def test_default_folders_lie_in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = [
        cli._parser().parse_args(words) for words in (["cdc"], ["directory", "x"], ["demo"], ["status"])
    ]
    names = ["nhanes", "nhanes", "demo", "nhanes"]
    assert [options.data for options in parsed] == [PROJECT_ROOT / "data" / name for name in names]
    source = cli._source(parsed[0], Path("/d"), Catalogue(()))
    assert source == WithAdded(
        source=CdcSource(Path("/d/xpt"), workers=4, base=None), folder=Path("/d/added")
    )


@pytest.mark.parametrize("arguments", [["cdc", "--workers", "0"], ["demo", "--people", "x"], [], ["other"]])
def test_wrong_arguments(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2


@pytest.mark.parametrize("people", ["-5", "0", "10", "999", "25736", "many", "1e4", ""])
def test_one_rule_for_the_number_of_people(people: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["demo", "--people", people])
    said = capsys.readouterr().err
    for part in (
        "argument --people: expected between 1000 and 25735 people, found",
        people,
        "(make: PEOPLE=)",
    ):
        assert part in said


def test_interruption(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(DirectorySource, "fetch", interrupt)
    assert cli.main(["directory", ".", "--data", str(tmp_path)]) == 130
    assert "Run again" in capsys.readouterr().err


@pytest.fixture
def generated(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Put a stub in the generator's place; return what it is called with."""
    calls: list[tuple[int, int]] = []

    def write_demo_files(directory: Path, *, people: int = 25_735, seed: int = 20_130_101) -> None:
        calls.append((people, seed))
        if seed == 0:
            raise DemoError("expected another seed")
        for name, frame in frames().items():
            write_xpt(directory / f"{name}.XPT", frame, label=DEMO_LABEL)

    module = types.ModuleType("demo.generate")
    module.write_demo_files = write_demo_files  # type: ignore[attr-defined]
    module.check_people = check_people  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "demo.generate", module)
    return calls


def test_demo(generated: list[tuple[int, int]], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / "d" / f".xpt.a.{ended.pid}").mkdir(parents=True)  # left by a run that was killed
    assert cli.main(["demo", "--data", str(tmp_path / "d")]) == 0
    assert cli.main(["demo", "--data", str(tmp_path / "d")]) == 0
    assert generated == [(25_735, 20_130_101)]  # the same files are not made twice
    assert "not read again" in capsys.readouterr().err
    assert cli.main(["demo", "--people", "5000", "--seed", "7", "--data", str(tmp_path / "d")]) == 0
    assert generated[1:] == [(5000, 7)]
    assert {facts.source for facts in read_contents(tmp_path / "d" / "raw.duckdb").files} == {"demo"}
    assert sorted(path.name for path in (tmp_path / "d").iterdir()) == [".lock", "raw.duckdb", "xpt"]


def test_demo_does_not_replace_files_of_others(
    generated: list[tuple[int, int]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "xpt").mkdir()
    (tmp_path / "xpt" / "mine.txt").touch()
    assert cli.main(["demo", "--data", str(tmp_path)]) == 1
    assert "found other files" in capsys.readouterr().err
    assert (tmp_path / "xpt" / "mine.txt").exists()


def test_demo_says_why_it_cannot_make_files(
    generated: list[tuple[int, int]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["demo", "--people", "2000", "--seed", "0", "--data", str(tmp_path / "d")]) == 1
    assert "error: expected another seed" in capsys.readouterr().err
    assert generated == [(2000, 0)]
    assert [path.name for path in (tmp_path / "d").iterdir()] == [".lock"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_a_bar_on_a_terminal() -> None:
    stream = Terminal()
    with Progress("Downloading", "B", stream=stream) as meter:
        meter.expect(2_000_000)
        meter.add(1_000_000)
        meter.say("a line")
        meter.add(1_000_000)
    assert "100%" in stream.getvalue()
    assert "2.00M/2.00M" in stream.getvalue()
    assert "a line" in stream.getvalue()


def test_progress_is_a_line_now_and_then_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    with Progress("Reading files", "files", 3, stream=stream) as meter:
        meter.add()
        assert stream.getvalue() == ""
        monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
        meter.add()
    with Progress("Downloading", "B", 2_500_000, stream=stream) as meter:
        meter.add(1_000_000)
    assert stream.getvalue() == ("Reading files: 2 of 3 files in 0 s\nDownloading: 1.0 of 2.5 MB in 0 s\n")
