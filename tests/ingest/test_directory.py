"""The directory source: which files it finds, and what it says about the others."""

import os
import shutil
from pathlib import Path

import pytest

from ingest.errors import SourceError
from ingest.sources.directory import DirectorySource
from tests.ingest.support.small_files import frames, write_xpt
from warehouse.seeds.catalogue import Catalogue


def test_sub_folders_and_names_in_any_case(folder: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    elsewhere = tmp_path / "linked"
    (folder / "a" / "B").mkdir(parents=True)
    elsewhere.mkdir()
    (folder / "DEMO_H.XPT").rename(folder / "a" / "B" / "demo_h.xpt")
    (folder / "PBCD_H.XPT").rename(elsewhere / "Pbcd_H.Xpt")
    (folder / "link").symlink_to(elsewhere)
    (elsewhere / "loop").symlink_to(folder)
    files = DirectorySource(folder).fetch(catalogue, print)
    assert [file.entry.name for file in files] == ["DEMO_H", "P_DEMO", "PBCD_H"]
    assert [file.path.name for file in files] == ["demo_h.xpt", "P_DEMO.XPT", "Pbcd_H.Xpt"]
    assert all(file.source == "directory" and file.address == str(file.path) for file in files)


def test_all_missing_files_are_named_in_one_error(folder: Path, catalogue: Catalogue) -> None:
    (folder / "DEMO_H.XPT").rename(folder / "DEMO_H.zip")
    (folder / "PBCD_H.XPT").unlink()
    os.mkfifo(folder / "PBCD_H.XPT")
    with pytest.raises(SourceError) as caught:
        DirectorySource(folder).fetch(catalogue, print)
    for part in ("2 files are missing", str(folder), "DEMO_H.XPT, PBCD_H.XPT", "DEMO_H.zip", "make demo"):
        assert part in str(caught.value)
    assert "P_DEMO" not in str(caught.value)


def test_a_folder_that_is_none(tmp_path: Path, catalogue: Catalogue) -> None:
    with pytest.raises(SourceError, match="found nothing"):
        DirectorySource(tmp_path / "nowhere").fetch(catalogue, print)
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match="found a file"):
        DirectorySource(tmp_path / "file").fetch(catalogue, print)


def test_the_same_file_twice(folder: Path, catalogue: Catalogue) -> None:
    (folder / "copy").mkdir()
    copy = Path(shutil.copy(folder / "PBCD_H.XPT", folder / "copy" / "pbcd_h.xpt"))
    assert len(DirectorySource(folder).fetch(catalogue, print)) == 3
    write_xpt(copy, frames()["PBCD_H"].assign(LBXBPB=1.0))
    with pytest.raises(SourceError) as caught:
        DirectorySource(folder).fetch(catalogue, print)
    for part in (str(copy), str(folder / "PBCD_H.XPT"), "different content", "Keep one"):
        assert part in str(caught.value)


def test_other_transport_files_are_ignored_with_one_line(folder: Path, catalogue: Catalogue) -> None:
    for number in range(12):
        (folder / f"OTHER_{number:02}.xpt").touch()
    (folder / "notes.txt").touch()
    said: list[str] = []
    assert len(DirectorySource(folder).fetch(catalogue, said.append)) == 3
    assert len(said) == 1
    assert "OTHER_00.xpt" in said[0]
    assert "and 4 more" in said[0]
    assert "notes" not in said[0]
