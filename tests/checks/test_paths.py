"""Folders that environment variables name: `~` is the home directory, also where no shell has read it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from warehouse.paths import data_directory, fits_directory, project_directory

FOLDERS = {
    "DBT_PROJECT_DIR": project_directory,
    "NHANES_BONE_DATA": data_directory,
    "NHANES_BONE_FITS": fits_directory,
}


@pytest.mark.parametrize(("variable", "folder"), FOLDERS.items())
def test_a_tilde_is_the_home_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, folder: Callable[[], Path]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(variable, "~/bone")
    assert folder() == tmp_path / "bone"
