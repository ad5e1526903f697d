"""Where published runs lie, and how one takes the place of another in a single step.

::

    results -> data/nhanes/published/latest          what readers open
    data/nhanes/published/latest -> 20261123T173801Z-505b9b4c
    data/nhanes/published/20261123T173801Z-505b9b4c/ one run, never changed
    data/nhanes/published/.new/                      a run being written

A new run is written beside the others, renamed when it is whole, and `latest` is replaced by a link that
points to it. `results` is turned only when the kind of data changes, after that; so at any moment it shows
one whole run, and real results stay where they are when synthetic ones are shown.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from publish.errors import PublishError
from warehouse.errors import cannot
from warehouse.files import remove_left, replacing


@dataclass(frozen=True)
class PublishLayout:
    """A data directory and the link that readers open.

    Parameters
    ----------
    data : pathlib.Path
        Holds `raw.duckdb` and `warehouse.duckdb`, the private files of a build, and `published/`.
    results : pathlib.Path
        The link.
    """

    data: Path
    results: Path

    @property
    def warehouse(self) -> Path:
        return self.data / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        return self.data / "published"

    @property
    def latest(self) -> Path:
        return self.published / "latest"

    @property
    def new(self) -> Path:
        return self.published / ".new"

    def check(self) -> None:
        """Find out before a long build whether its results could be published.

        Raises
        ------
        PublishError
            If `results` is no link, or links cannot be made where it lies.
        """
        for link in (self.latest, self.results):
            _refuse_others(link)
            try:
                remove_left(link)
                with tempfile.TemporaryDirectory(prefix=f".{link.name}.", dir=link.parent) as probe:
                    Path(probe, link.name).symlink_to("nowhere")
            except OSError as error:
                raise PublishError(cannot("write in the folder", link.parent, error)) from error


@contextlib.contextmanager
def new_folder(layout: PublishLayout, name: str) -> Iterator[Path]:
    """Give a folder to write a run in; when the block ends well, readers see it in place of the old one.

    Parameters
    ----------
    layout : PublishLayout
        Its `published` folder must be held alone.
    name : str
        Of the folder; a number is added where a run is published again.

    Yields
    ------
    pathlib.Path
        An empty folder, removed if anything fails.

    Raises
    ------
    PublishError
        If the disk is full, or a folder cannot be written.
    """
    run: Path | None = None
    before = _target(layout.latest)
    try:
        shutil.rmtree(layout.new, ignore_errors=True)  # left by a process that was killed
        layout.new.mkdir(parents=True)
        yield layout.new
        _sync(layout.new)
        run = _unused(layout.published, name)
        layout.new.rename(run)
        turn(layout.latest, run)
    except OSError as error:
        raise PublishError(cannot("write", Path(error.filename or layout.new), error)) from error
    finally:
        shutil.rmtree(layout.new, ignore_errors=True)
        if run is not None and _target(layout.latest) != run:
            shutil.rmtree(run, ignore_errors=True)
    try:
        turn(layout.results, layout.latest)
        _prune(layout.published, keep={run, before})
    except OSError as error:
        raise PublishError(
            f"{run} was published, but {cannot('change', Path(error.filename or layout.results), error)}"
        ) from error


def turn(link: Path, target: Path) -> None:
    """Make a link point elsewhere, in one step.

    Raises
    ------
    PublishError
        If something that is not a link lies there.
    OSError
        If it cannot be written; the old link is then as it was.
    """
    _refuse_others(link)
    with replacing(link) as new:
        new.symlink_to(os.path.relpath(target, link.parent.resolve()))


def _refuse_others(link: Path) -> None:
    if link.exists() and not link.is_symlink():
        raise PublishError(
            f"expected {link} to be a link to published results, found something else: move it away"
        )


def _target(link: Path) -> Path | None:
    return link.resolve() if link.is_symlink() else None


def _unused(folder: Path, name: str) -> Path:
    run, number = folder.resolve() / name, 1
    while run.exists():
        number += 1
        run = folder.resolve() / f"{name}-{number}"
    return run


def _sync(folder: Path) -> None:
    """Flush every file to the disk before any link points to it."""
    for path in [*folder.rglob("*"), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _prune(folder: Path, keep: set[Path | None]) -> None:
    """Remove all runs but the one published now and the one before, which readers may still hold."""
    for path in folder.resolve().iterdir():
        if path.is_dir() and not path.is_symlink() and path not in keep:
            shutil.rmtree(path)
