"""The whole flow under one lock: ingest, dbt build, audit, publish."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ingest.sources import Say
from publish import programs
from publish.database import read_run, refuse_missing, write_tables
from publish.errors import AuditError
from publish.layout import PublishLayout, new_folder, turn
from publish.record import Published, read_published, write_manifest
from warehouse.connection import connect
from warehouse.locks import WaitPolicy, exclusive_lock
from warehouse.paths import PROJECT_ROOT

SECONDS_TO_WAIT = 60.0


@dataclass(frozen=True)
class BuildSteps:
    """What a build does besides publishing; a test may put others in their place.

    Parameters
    ----------
    load, transform : callable
        Fill `raw.duckdb`, and `warehouse.duckdb` from it.
    write_docs : callable
        Takes the data directory and the folder that gets the page.
    write_report : callable
        Takes the private warehouse and the folder that gets the page.
    """

    load: Callable[[], None]
    transform: Callable[[], None]
    write_docs: Callable[[Path, Path], None] = field(default=programs.write_docs)
    write_report: Callable[[Path, Path], None] = field(default=programs.write_report)


def build(layout: PublishLayout, steps: BuildSteps, say: Say, seconds: float = SECONDS_TO_WAIT) -> Published:
    """Build from the files of NHANES to published results, under a lock on the data directory.

    Parameters
    ----------
    layout : PublishLayout
        Where to build and to publish.
    steps : BuildSteps
        How.
    say : callable
        Takes lines for the user.
    seconds : float
        How long to wait for another build, or for a program that has the warehouse open.

    Returns
    -------
    Published
        The run that readers now see.

    Raises
    ------
    warehouse.errors.LockedError
        If another process still holds the data directory or the warehouse after `seconds`; names it.
    publish.errors.PublishError
        If a step failed, the build is not whole, or files cannot be written. Nothing that was published
        has changed.
    """
    wait = WaitPolicy(seconds, say)
    with exclusive_lock(layout.published, wait):
        layout.check()
        steps.load()
        _make_current(layout.data)
        _await_free(layout.warehouse, wait)
        say("dbt build: models, regressions and their tests; only problems are printed")
        steps.transform()
        return _publish(layout, steps, wait)


def publish_again(
    layout: PublishLayout, steps: BuildSteps, say: Say, seconds: float = SECONDS_TO_WAIT
) -> Published:
    """Publish the build that the private warehouse holds, if it is whole; see `build`."""
    refuse_missing(layout.warehouse)  # before the lock makes its folder
    wait = WaitPolicy(seconds, say)
    with exclusive_lock(layout.published, wait):
        layout.check()
        return _publish(layout, steps, wait)


def _publish(layout: PublishLayout, steps: BuildSteps, wait: WaitPolicy) -> Published:
    _await_free(layout.warehouse, wait)
    run = read_run(layout.warehouse)
    with new_folder(layout, run.name) as folder:
        steps.write_docs(layout.data, folder)
        steps.write_report(layout.warehouse, folder)
        written = write_tables(layout.warehouse, folder)
        if written.run != run:
            raise AuditError(f"{layout.warehouse} was built anew by another program meanwhile: run again")
        write_manifest(folder, written)
    return read_published(layout.results)


def _await_free(warehouse: Path, wait: WaitPolicy) -> None:
    """Wait for a program that has the private warehouse open: dbt could not write it."""

    def open_and_close() -> None:
        with connect(warehouse, read_only=False):
            pass

    if warehouse.exists():
        wait.retry(open_and_close)


def _make_current(data: Path) -> None:
    """Point `data/current`, which plain dbt commands read, at the data that were loaded last."""
    if data.parent == PROJECT_ROOT / "data":
        turn(data.parent / "current", data)


def show(layout: PublishLayout) -> Published:
    """Turn `results` to the last published run of a data directory.

    Raises
    ------
    publish.errors.DamagedError
        If there is none.
    """
    read_published(layout.latest)
    turn(layout.results, layout.latest)
    return read_published(layout.results)
