"""What may go wrong in any room of the project.

Every message says what was expected, what was found (file, place) and what to do.
"""

import errno
from pathlib import Path


class ProjectError(Exception):
    """Base of the errors that the rooms raise on purpose."""


class SeedError(ProjectError):
    """A seed, or a YAML file of the project, cannot be read."""


class WarehouseError(ProjectError):
    """A database of the project, or its folder, cannot be opened, read or written."""


class LockedError(WarehouseError):
    """Another process has the database open, or works in the folder."""


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
