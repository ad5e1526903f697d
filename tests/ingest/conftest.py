"""Fixtures: a small catalogue, files that fit it, and a place to load them."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingest import load
from ingest.load import Report
from ingest.raw_database import FILE_NAME
from ingest.sources.directory import DirectorySource
from tests.ingest.support.small_files import CYCLES, ERRORS, FILES, VARIABLES, frames, write_xpt
from warehouse.paths import seeds_directory
from warehouse.seeds.catalogue import CATALOGUE_SEEDS, ERRORS_SEED, Catalogue, read_catalogue


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """Return a folder with the small catalogue's seeds."""
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "nhanes_cycles.csv").write_text(CYCLES)
    (folder / "nhanes_files.csv").write_text(FILES)
    (folder / "nhanes_variables.csv").write_text(VARIABLES)
    (folder / "codebook_errors.csv").write_text(ERRORS)
    for name in (*CATALOGUE_SEEDS, ERRORS_SEED):
        shutil.copy(seeds_directory() / f"{name}.yml", folder)
    return folder


@pytest.fixture
def catalogue(seeds: Path) -> Catalogue:
    """Return the small catalogue."""
    return read_catalogue(seeds)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with good small files."""
    for name, frame in frames().items():
        write_xpt(tmp_path / "files" / f"{name}.XPT", frame)
    return tmp_path / "files"


@pytest.fixture
def raw_path(tmp_path: Path) -> Path:
    """Return where the raw database shall be."""
    return tmp_path / "data" / FILE_NAME


@pytest.fixture
def run(catalogue: Catalogue, folder: Path, raw_path: Path) -> Callable[..., Report]:
    """Return a function that loads the folder."""

    def run_once(
        said: list[str] | None = None, catalogue: Catalogue = catalogue, seconds: float = 0
    ) -> Report:
        lines = said if said is not None else []
        return load.run(DirectorySource(folder), raw_path, catalogue, lines.append, seconds)

    return run_once


@contextlib.contextmanager
def _unprivileged() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that every user can reach (pytest's own cannot be)."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.fixture
def unprivileged_factory() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Return a context in which root has no rights, since root ignores permissions."""
    return _unprivileged
