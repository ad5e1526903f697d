"""Shared by all tests: where the project and, if they are there, the real files lie."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
REAL_FILES = ROOT.parent / "shared" / "nhanes"


@pytest.fixture(scope="session")
def real_files() -> Path:
    if not REAL_FILES.is_dir():
        pytest.skip(f"no real NHANES files in {REAL_FILES}")
    return REAL_FILES
