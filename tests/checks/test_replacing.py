"""What is written takes its place whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from warehouse.files import replacing


def put(path: Path, text: str) -> None:
    with replacing(path) as new:
        new.write_text(text)


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "page.html"
    put(path, "one")
    with path.open() as opened:
        put(path, "two")
        assert opened.read() == "one", "who has the old file open keeps it"
    assert path.read_text() == "two"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_an_error_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "page.html"
    put(path, "one")

    def write_a_half():
        with replacing(path) as new:
            new.write_text("half")
            new.with_name("page.html.wal").write_text("log")
            raise error

    with pytest.raises(error):
        write_a_half()
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    folder = tmp_path / "xpt"
    for name in ("one", "two"):
        with replacing(folder) as new:
            new.mkdir()
            (new / name).touch()
    assert [path.name for path in folder.iterdir()] == ["two"]
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_stays_if_nothing_was_written_for_it(tmp_path):
    folder = tmp_path / "xpt"
    folder.mkdir()
    with pytest.raises(FileNotFoundError), replacing(folder):
        pass
    assert list(tmp_path.iterdir()) == [folder]


def test_what_a_killed_process_left_is_removed_by_the_next_write(tmp_path):
    path = tmp_path / "page.html"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    others = [tmp_path / f".page.html.a.{os.getppid()}", tmp_path / f".other.html.a.{ended.pid}"]
    for folder in (tmp_path / f".page.html.a.{ended.pid}", *others):
        folder.mkdir()
    put(path, "one")
    assert sorted(tmp_path.iterdir()) == sorted([path, *others])
