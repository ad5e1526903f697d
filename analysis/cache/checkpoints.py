"""Folders in which long fits keep their state, so that a build that was stopped goes on where it was."""

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from warehouse.errors import LockedError
from warehouse.locks import exclusive_lock

DAYS_KEPT = 7


@contextmanager
def working_folder(folder: Path | None) -> Iterator[Path | None]:
    """Lock a folder while a fit works in it.

    Parameters
    ----------
    folder : pathlib.Path or None
        Made if it does not exist.

    Yields
    ------
    pathlib.Path or None
        The folder; None without one, or while another process makes the same fit there.
    """
    if folder is None:
        yield None
        return
    with ExitStack() as stack:
        try:
            stack.enter_context(exclusive_lock(folder))
        except LockedError:
            folder = None
        yield folder


def remove(folder: Path) -> None:
    """Remove a folder, unless it does not exist or a process works in it."""
    if folder.exists():
        with working_folder(folder) as free:
            if free:
                shutil.rmtree(free, ignore_errors=True)


def remove_stale(folders: Path) -> None:
    """Remove the folders in which nothing was saved for a week: of fits that nobody went on with.

    Parameters
    ----------
    folders : pathlib.Path
        Holds one folder for each fit; need not exist.
    """
    for folder in folders.glob("*"):
        if is_stale(folder):
            remove(folder)


def is_stale(path: Path) -> bool:
    """Whether a file or folder is there and was not changed for a week."""
    try:
        return path.stat().st_mtime < time.time() - DAYS_KEPT * 24 * 3600
    except FileNotFoundError:  # its fit was finished meanwhile
        return False
