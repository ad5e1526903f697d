"""The whole flow under one lock: ingest, dbt build, audit, publish."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ingest.sources import Say
from publish import steps
from publish.database import read_run, refuse_missing, write_tables
from publish.errors import AuditError
from publish.place import Place, new_folder, turn
from publish.record import Published, read_published, write_manifest
from warehouse.connection import connect
from warehouse.locks import Patience, alone
from warehouse.paths import PROJECT_ROOT

SECONDS_TO_WAIT = 60.0


@dataclass(frozen=True)
class Steps:
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
    write_docs: Callable[[Path, Path], None] = field(default=steps.write_docs)
    write_report: Callable[[Path, Path], None] = field(default=steps.write_report)


def build(place: Place, todo: Steps, say: Say, seconds: float = SECONDS_TO_WAIT) -> Published:
    """Build from the files of NHANES to published results, alone in the data directory.

    Parameters
    ----------
    place : Place
        Where to build and to publish.
    todo : Steps
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
        If another process still holds the place or the warehouse after `seconds`; names it.
    publish.errors.PublishError
        If a step failed, the build is not whole, or files cannot be written. Nothing that was published
        has changed.
    """
    patience = Patience(seconds, say)
    with alone(place.published, patience):
        place.check()
        todo.load()
        _make_current(place.data)
        _await_free(place.warehouse, patience)
        say("dbt build: models, regressions and their tests; only problems are printed")
        todo.transform()
        return _publish(place, todo, patience)


def publish_again(place: Place, todo: Steps, say: Say, seconds: float = SECONDS_TO_WAIT) -> Published:
    """Publish the build that the private warehouse holds, if it is whole; see `build`."""
    refuse_missing(place.warehouse)  # before the lock makes its folder
    patience = Patience(seconds, say)
    with alone(place.published, patience):
        place.check()
        return _publish(place, todo, patience)


def _publish(place: Place, todo: Steps, patience: Patience) -> Published:
    _await_free(place.warehouse, patience)
    run = read_run(place.warehouse)
    with new_folder(place, run.name) as folder:
        todo.write_docs(place.data, folder)
        todo.write_report(place.warehouse, folder)
        written = write_tables(place.warehouse, folder)
        if written.run != run:
            raise AuditError(f"{place.warehouse} was built anew by another program meanwhile: run again")
        write_manifest(folder, written)
    return read_published(place.results)


def _await_free(warehouse: Path, patience: Patience) -> None:
    """Wait for a program that has the private warehouse open: dbt could not write it."""

    def open_and_close() -> None:
        with connect(warehouse, read_only=False):
            pass

    if warehouse.exists():
        patience.wait_for(open_and_close)


def _make_current(data: Path) -> None:
    """Have plain dbt commands work on the data that were loaded last."""
    if data.parent == PROJECT_ROOT / "data":
        turn(data.parent / "current", data)


def show(place: Place) -> Published:
    """Turn `results` to the last published run of a data directory.

    Raises
    ------
    publish.errors.DamagedError
        If there is none.
    """
    read_published(place.latest)
    turn(place.results, place.latest)
    return read_published(place.results)
