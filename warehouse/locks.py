"""Exclusive locks on folders: one process works in a folder; others wait a stated time, and name it."""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from warehouse.errors import LockedError, WarehouseError, cannot

_SECONDS_BETWEEN_TRIES = 0.2
Found = TypeVar("Found")


@dataclass(frozen=True)
class WaitPolicy:
    """How long to wait for another process (seconds), and who is told for which one."""

    seconds: float
    say: Callable[[str], None]

    def retry(self, attempt: Callable[[], Found]) -> Found:
        """Try until nothing is locked any more.

        Parameters
        ----------
        attempt : callable
            Raises `LockedError` while another process is in the way.

        Raises
        ------
        LockedError
            If one still is when the time is up.
        """
        end = time.monotonic() + self.seconds
        told = False
        while True:
            try:
                return attempt()
            except LockedError as error:
                if time.monotonic() >= end:
                    waited = f" Waited {self.seconds:.0f} s." if told else ""
                    raise LockedError(f"{error}{waited}") from error
                if not told:
                    self.say(f"{error} Waiting up to {self.seconds:.0f} s.")
                    told = True
            time.sleep(_SECONDS_BETWEEN_TRIES)


@contextlib.contextmanager
def exclusive_lock(folder: Path, wait: WaitPolicy | None = None) -> Iterator[None]:
    """Let no other process work in a folder; the lock ends with this process, however it ends.

    Parameters
    ----------
    folder : Path
        Is made if it does not exist; holds the lock file ``.lock``.
    wait : WaitPolicy, optional
        By default, a lock held by another process is an error at once.

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
        if wait:
            wait.retry(lambda: _take(lock, folder))
        else:
            _take(lock, folder)
        with contextlib.suppress(OSError):  # on a full disk the lock holds all the same
            lock.truncate(0)
            lock.write(str(os.getpid()).encode())
        yield


def _take(lock: IO[bytes], folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        text = lock.read(20)
        holder = describe_process(int(text)) if text.isdigit() else "another process"
        raise LockedError(f"{folder} is in use by {holder}: wait until it has finished.") from error


def describe_process(number: int, program: str | None = None) -> str:
    """Say which process has a number: its name and command, as far as they can be seen."""
    import psutil

    try:
        process = psutil.Process(number)
        command = " ".join(process.cmdline())[:120]
        return f"process {number}, {process.name()}" + (f" ({command})" if command else "")
    except psutil.Error:
        return f"process {number}" + (f", {program}" if program else "")
