"""What a build runs: ingest, dbt, the report."""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from publish.errors import PublishError, StepError
from warehouse.paths import fits_directory

# How long dbt may take to end after Ctrl-C before it is killed.
_SECONDS_TO_END = 3.0
_SIGNS_OF_A_FULL_DISK = ("No space left on device", "Disk quota exceeded")
REPORT = "report.html"
DOCS = "dbt_docs.html"


def load(arguments: Sequence[str], data: Path) -> None:
    """Run `python -m ingest` with these arguments on a data directory.

    Raises
    ------
    StepError
        If it failed; it has printed why.
    """
    from ingest.__main__ import main

    code = main([*arguments, "--data", str(data)])
    if code:
        raise StepError("ingest", code)


def transform(data: Path, variables: Mapping[str, str]) -> None:
    """Run the whole `dbt build` in the private warehouse of a data directory.

    Parameters
    ----------
    data : pathlib.Path
        Holds `raw.duckdb`.
    variables : mapping
        dbt variables.

    Raises
    ------
    StepError
        If a model or a test failed; dbt has printed which.
    """
    extra = ["--vars", json.dumps(dict(variables))] if variables else []
    # what dbt remembers of an earlier version can hide a model from the unit tests that name it
    dbt(data, "build", "--no-partial-parse", *extra)


def write_docs(data: Path, folder: Path) -> None:
    """Write dbt's documentation as one page that needs no network."""
    dbt(data, "docs", "generate", "--static", "--no-compile")
    (data / "target" / "static_index.html").replace(folder / DOCS)


def write_report(warehouse: Path, folder: Path) -> None:
    """Write the report of the private warehouse.

    Raises
    ------
    PublishError
        If it cannot be written.
    """
    from report import html
    from report.errors import ReportError

    try:
        html.write_report(warehouse, folder / REPORT)
    except ReportError as error:
        raise PublishError(str(error)) from error


@contextmanager
def methods_compiled_meanwhile() -> Iterator[None]:
    """Compile the methods in a process of its own: the first fits of a new installation then need not wait.

    It takes the core that ingest and SQL leave idle. Nothing depends on it: what it has not compiled, the
    fits compile themselves, and a fault in it is theirs too, where it is reported.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "mixepi.precompile"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=partial(_end_with_parent, os.getpid()),
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def dbt(data: Path, *arguments: str) -> None:
    """Run dbt on a data directory; it ends when this process does, however that ends.

    Raises
    ------
    StepError
        If it failed; it has printed why, and the error says so where the disk is full.
    """
    command = [str(Path(sys.executable).parent / "dbt"), "--quiet", *arguments]
    folders = ["--target-path", str(data / "target"), "--log-path", str(data / "logs")]
    environment = os.environ | {"NHANES_BONE_DATA": str(data)}
    end_with_this = partial(_end_with_parent, os.getpid())
    is_full = False
    process = subprocess.Popen(
        [*command, *folders], env=environment, stdout=subprocess.PIPE, text=True, preexec_fn=end_with_this
    )
    try:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            is_full |= any(sign in line for sign in _SIGNS_OF_A_FULL_DISK)
        code = process.wait()
    except BaseException:
        process.terminate()
        try:
            process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
        raise
    if code:
        raise StepError(f"dbt {arguments[0]}", code, _name_full_disk(data) if is_full else None)


def _name_full_disk(data: Path) -> str:
    """Say which of the disks that a build writes to has the least room."""
    folders = [folder for folder in (data, fits_directory(), Path(tempfile.gettempdir())) if folder.exists()]
    room = {folder: shutil.disk_usage(folder).free for folder in folders}
    folder = min(folders, key=room.__getitem__)
    return (
        f"the disk that holds {folder} is full ({room[folder] / 1e6:.0f} MB free now): "
        "free some space and run again"
    )


def _end_with_parent(parent: int) -> None:
    """On Linux, have the kernel end this process with its parent, even after `kill -9`."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the kernel was asked
            os._exit(1)
