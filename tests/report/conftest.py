"""One report of made results and one browser for all tests of this folder."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import made_results
import pytest
from playwright.sync_api import Browser, sync_playwright

from report.html import write_report

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def made_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_results.write(tmp_path_factory.mktemp("made") / "results.duckdb")


@pytest.fixture(scope="session")
def made_report(made_database: Path) -> Path:
    """The report of all marts, of synthetic data, with hostile texts and failed fits."""
    output = made_database.parent / "report.html"
    write_report(made_database, output)
    return output


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = [path for name in NAMES if (path := shutil.which(name))]
    if not found:
        if os.environ.get("CI") == "true":
            pytest.fail(
                "expected Chromium on CI, found none: .ci/run installs it with apt-get when it is root"
            )
        pytest.skip(
            f"no Chromium on this machine ({', '.join(NAMES)}): `apt-get install chromium` for these tests"
        )
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found[0], args=["--no-sandbox"])
        yield opened
        opened.close()
