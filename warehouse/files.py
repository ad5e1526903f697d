"""Write a file or folder whole or not at all: beside its place first, then into it by one rename."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to; when the block ends well, what lies there takes the place of `path`.

    Parameters
    ----------
    path : Path
        A file, link or folder, which need not exist; the folder it lies in must. A file or link is replaced
        in one step. A folder cannot be: for a moment there is none.

    Yields
    ------
    Path
        In a new folder beside `path`, which is removed at the end: what a writer leaves next to its file
        (DuckDB its log) goes with it. What killed processes left of earlier writes is removed too.

    Raises
    ------
    OSError
        If it cannot be written; `path` is then as it was.
    """
    remove_left(path)
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=f".{os.getpid()}", dir=path.parent))
    try:
        new = folder / path.name
        yield new
        if path.is_dir() and not path.is_symlink():
            _replace_folder(new, path, folder / "before")
        else:
            os.replace(new, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _replace_folder(new: Path, path: Path, before: Path) -> None:
    path.rename(before)
    try:
        new.rename(path)
    except BaseException:
        before.rename(path)
        raise


def remove_left(path: Path) -> None:
    """Remove what processes that were killed left beside a path that they were replacing."""
    for folder in path.parent.glob(f".{path.name}.*"):
        number = folder.name.rpartition(".")[2]
        if folder.is_dir() and number.isdigit() and not _is_there(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_there(number: int) -> bool:
    import psutil

    return bool(psutil.pid_exists(number))
