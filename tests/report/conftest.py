"""One report of made results for all tests of this folder."""

from pathlib import Path

import pytest

from report.html import write_report
from tests.report.support import made_results


@pytest.fixture(scope="session")
def made_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_results.write(tmp_path_factory.mktemp("made") / "results.duckdb")


@pytest.fixture(scope="session")
def made_report(made_database: Path) -> Path:
    """The report of all marts, of synthetic data, with hostile texts and failed fits."""
    output = made_database.parent / "report.html"
    write_report(made_database, output)
    return output
