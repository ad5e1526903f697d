"""Only one run at a time works in a folder, and whoever waits learns which process is at work."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ingest.errors import LockedError, WarehouseError, cannot


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let no other run work in a folder; the lock ends with the process, however it ends.

    Parameters
    ----------
    folder : Path
        Is made if it does not exist; holds the lock file ``.lock``.

    Raises
    ------
    LockedError
        If another process works there.
    WarehouseError
        If the folder cannot be made or written.
    """
    path = folder / ".lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = path.open("a+b", buffering=0)
    except OSError as error:
        raise WarehouseError(cannot("write in the folder", folder, error)) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            text = lock.read(20)
            holder = describe_process(int(text)) if text.isdigit() else "another process"
            raise LockedError(f"{folder} is in use by {holder}: wait until it has finished.") from error
        with contextlib.suppress(OSError):  # on a full disk the lock holds all the same
            lock.truncate(0)
            lock.write(str(os.getpid()).encode())
        yield


def describe_process(number: int, program: str | None = None) -> str:
    """Say which process has a number: its name and command, as far as they can be seen."""
    import psutil

    try:
        process = psutil.Process(number)
        command = " ".join(process.cmdline())[:120]
        return f"process {number}, {process.name()}" + (f" ({command})" if command else "")
    except psutil.Error:
        return f"process {number}" + (f", {program}" if program else "")
