"""Compile inner loops with numba, wherever its machine code can be kept."""

import atexit
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import numba

from mixepi.errors import MixepiWarning

Function = TypeVar("Function", bound=Callable[..., Any])

# Read by numba; processes that this one starts inherit it.
CACHE_VARIABLE = "NUMBA_CACHE_DIR"


def njit(**options: Any) -> Callable[[Function], Function]:
    """Compile on first call, and keep the machine code beside the source for later processes.

    Where neither that folder nor one in the user's home can be written (an installation that is read-only, a
    container without a home), it is kept in a folder of its own until this process ends, so that its workers
    share it. A warning says so, once.

    Parameters
    ----------
    **options
        Of `numba.njit`, `cache` excepted.
    """

    def compiled(function: Function) -> Function:
        try:
            return _cached(function, options)
        except RuntimeError as error:
            if "cannot cache" not in str(error):
                raise
            _keep_elsewhere()
            return _cached(function, options)

    return compiled


def _cached(function: Function, options: dict[str, Any]) -> Function:
    found: Function = numba.njit(cache=True, **options)(function)
    return found


def _keep_elsewhere() -> None:
    folder = tempfile.mkdtemp(prefix="mixepi-compiled-")
    process = os.getpid()

    def remove() -> None:
        if os.getpid() == process:  # not in a worker that was forked from this process
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    os.environ[CACHE_VARIABLE] = folder
    vars(numba.config)["CACHE_DIR"] = folder  # numba has read the variable already
    warnings.warn(
        "expected a folder for compiled code that can be written, found none beside the package or in a home "
        "directory: this process compiles anew, which takes about half a minute; name a folder in the "
        f"environment variable {CACHE_VARIABLE}",
        MixepiWarning,
        stacklevel=2,
    )
