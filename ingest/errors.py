"""The errors of this package.

Every message says what was expected, what was found (file, place) and what to do.
"""

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class IngestError(Exception):
    """Base of every error that this package raises on purpose."""


class CatalogueError(IngestError):
    """The seeds that list files, cycles and variables contradict themselves."""


class SourceError(IngestError):
    """The place that files should come from does not have them, or cannot be read."""


class DownloadError(SourceError):
    """A file could not be fetched."""


class WarehouseError(IngestError):
    """The raw database cannot be opened, read or written."""


class LockedError(WarehouseError):
    """Another process has the raw database open."""


class TransportError(IngestError):
    """The bytes are not a whole SAS transport file of version 5.

    Parameters
    ----------
    expected, found, advice : str
        What should have been there, what is there, and what to do.
    """

    def __init__(self, expected: str, found: str, advice: str) -> None:
        super().__init__(f"expected {expected}; found {found}; {advice}")
        self.expected = expected
        self.found = found
        self.advice = advice


@dataclass(frozen=True)
class Problem:
    """One reason why one file was refused."""

    file: str
    place: str
    expected: str
    found: str
    advice: str

    def __str__(self) -> str:
        return (
            f"{self.file} ({self.place})\n"
            f"    expected:   {self.expected}\n"
            f"    found:      {self.found}\n"
            f"    what to do: {self.advice}"
        )


class RefusedError(IngestError):
    """Files were refused; nothing was written.

    Parameters
    ----------
    problems : sequence of Problem
        All that was found in all files.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len({problem.file for problem in problems})
        files = "1 file was" if count == 1 else f"{count} files were"
        head = f"{files} refused, so nothing was loaded; what was loaded before is unchanged."
        super().__init__("\n".join([head, *(f"  {problem}" for problem in problems)]))


_ADVICE = {
    errno.ENOSPC: "the disk is full: free some space and run again",
    errno.EDQUOT: "the disk quota is used up: free some space and run again",
    errno.EFBIG: "the file would exceed the size limit for files: raise it (`ulimit -f`) or free some space",
    errno.EROFS: "the file system is read-only: choose another folder with --data",
    errno.EACCES: "permission is missing: change it (`chmod`), or choose another folder",
    errno.EPERM: "permission is missing: change it (`chmod`), or choose another folder",
    errno.ENOTDIR: "a file lies where a folder should be: remove it, or choose another folder",
    errno.EEXIST: "a file lies where a folder should be: remove it, or choose another folder",
    errno.ENOENT: "it does not exist: check the path",
}


def advise(error: OSError) -> str:
    """Say in words what a failed operation on a file means and what to do about it."""
    reason = _ADVICE.get(error.errno or 0)
    return reason if reason else f"the system says: {error.strerror or error}"


def cannot(action: str, path: Path, error: OSError) -> str:
    """Compose the message for an operation on a file that failed."""
    return f"Cannot {action} {path}: {advise(error)}."
