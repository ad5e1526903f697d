"""Shared by all tests: where the project and, if they are there, the real files lie."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent
REAL_FILES = ROOT.parent / "shared" / "nhanes"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# What takes long to make is made by one of the processes, and the tests that need it run there.
MADE_ONCE = ("newcomer", "real_data", "changed", "manifest", "demo_directory", "cluster")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for name in MADE_ONCE:
            if name in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.xdist_group(name))


@pytest.fixture(scope="session")
def real_files() -> Path:
    if not REAL_FILES.is_dir():
        pytest.skip(f"no real NHANES files in {REAL_FILES}")
    return REAL_FILES


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 16 megabytes; only root can make one."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a file system can only be mounted by root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    found = [path for name in BROWSERS if (path := shutil.which(name))]
    if not found:
        if os.environ.get("CI") == "true":
            pytest.fail(
                "expected Chromium on CI, found none: .ci/run installs it with apt-get when it is root"
            )
        pytest.skip(
            f"no Chromium on this machine ({', '.join(BROWSERS)}): `apt-get install chromium` for these tests"
        )
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found[0], args=["--no-sandbox"])
        yield opened
        opened.close()
