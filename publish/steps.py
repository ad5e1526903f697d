"""The steps of a build that are other programs: ingest, dbt, the report."""

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from publish.errors import PublishError, StepError

# How long dbt may take to end after Ctrl-C before it is killed.
_SECONDS_TO_END = 3.0
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
    dbt(data, "build", *extra)


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


def dbt(data: Path, *arguments: str) -> None:
    """Run dbt on a data directory; it ends when this process does, however that ends."""
    command = [str(Path(sys.executable).parent / "dbt"), "--quiet", *arguments]
    place = ["--target-path", str(data / "target"), "--log-path", str(data / "logs")]
    environment = os.environ | {"NHANES_BONE_DATA": str(data)}
    end_with_this = partial(_end_with_parent, os.getpid())
    process = subprocess.Popen([*command, *place], env=environment, preexec_fn=end_with_this)
    try:
        code = process.wait()
    except BaseException:
        process.terminate()
        try:
            process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
        raise
    if code:
        raise StepError(f"dbt {arguments[0]}", code)


def _end_with_parent(parent: int) -> None:
    """On Linux, have the kernel end this process with its parent, even after `kill -9`."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the kernel was asked
            os._exit(1)
