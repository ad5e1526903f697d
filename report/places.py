"""Which database a command asks."""

from pathlib import Path

from report.errors import ReportError
from warehouse.paths import DATABASE, data_directory, results_directory

RESULTS = results_directory() / DATABASE


def warehouse_path() -> Path:
    """Return the private warehouse that `dbt build` writes: in NHANES_BONE_DATA, by default data/current.

    Raises
    ------
    ReportError
        There is none.
    """
    path = data_directory() / "warehouse.duckdb"
    if not path.exists():
        raise ReportError(f"expected a warehouse at {path}, found none: run `make demo` or `make build`")
    return path


def results_path() -> Path:
    """Return the published database.

    Raises
    ------
    ReportError
        Nothing is published. A warehouse may be there all the same, of a build that is under way or failed.
    """
    if not RESULTS.exists():
        raise ReportError(
            f"expected published results at {RESULTS}, found none: run `make demo` or `make build`, or ask "
            "what the last build has made so far with `.venv/bin/python -m report.query --private`"
        )
    return RESULTS.resolve()
