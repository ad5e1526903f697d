"""Files, folders and modules that pages and docstrings name are there."""

import importlib.util
import re
from pathlib import Path

import pytest

from warehouse.paths import PROJECT_ROOT

ROOMS = ("analysis", "demo", "ingest", "mixepi", "publish", "python_models", "report", "warehouse")
FOLDERS = (*ROOMS, "docs", "macros", "models", "seeds", "tests", ".ci")
LIBRARY = PROJECT_ROOT / "mixepi"
PAGES = sorted(
    {
        *PROJECT_ROOT.glob("*.md"),
        *(PROJECT_ROOT / "docs").rglob("*.md"),
        *(PROJECT_ROOT / "tests").glob("*.md"),
        *LIBRARY.glob("*.md"),
        *(LIBRARY / "docs").rglob("*.md"),
    }
)
# A path from one of these folders, or the bare name of a test; NAME and DIR stand for any.
PATH = re.compile(rf"(?<![\w/.-])(?:(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./-]*\w/?|test_\w+\.py)")
# What commands make there.
MADE = ("mixepi/site/", "mixepi/target/", "mixepi/dist/")
MODULE = re.compile(rf"python -m ((?:{'|'.join(ROOMS)}|benchmarks)[\w.]*\w)")


def named_paths(text: str) -> set[str]:
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    paths = {path for span in spans for path in PATH.findall(span)}
    paths = {path for path in paths if not path.startswith(MADE)}
    return {path for path in paths if not re.search(r"NAME|DIR|ROOM|RUN", path)}


def is_there(name: str) -> bool:
    """Whether a path is there: from the project, or from the library and the folders of its sources."""
    if "/" not in name:
        tests = (PROJECT_ROOT / "tests", LIBRARY / "tests")
        return any(found for folder in tests for found in folder.rglob(name))
    return any((root / name).exists() for root in (PROJECT_ROOT, LIBRARY, LIBRARY / "src"))


def is_module(name: str) -> bool:
    if name.startswith("benchmarks"):
        return (LIBRARY / Path(*name.split("."))).with_suffix(".py").exists()
    return importlib.util.find_spec(name) is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT_ROOT)))
def test_what_a_page_names_is_there(page):
    text = page.read_text()
    assert sorted(name for name in named_paths(text) if not is_there(name)) == []
    assert sorted(name for name in set(MODULE.findall(text)) if not is_module(name)) == []


def test_a_name_that_is_not_there_is_found():
    text = "`ingest/errors.py`, `ingest/mended.py`, `test_nothing.py`, `mixepi/tests/bkmr/`, `tests/NAME.py`"
    assert {name for name in named_paths(text) if not is_there(name)} == {
        "ingest/mended.py",
        "test_nothing.py",
    }
    assert MODULE.findall("`python -m ingest.lode check`") == ["ingest.lode"]
    assert not is_module("ingest.lode")


def test_names_in_comments_and_docstrings():
    """Paths of test files and sources in the rooms' own Python, SQL and build files."""
    files = [
        path
        for folder in FOLDERS
        for path in (PROJECT_ROOT / folder).rglob("*")
        if path.suffix in {".py", ".sql", ".yml"}
    ]
    missing = {
        f"{path.relative_to(PROJECT_ROOT)}: {name}"
        for path in files
        if path != Path(__file__) and "node_modules" not in path.parts
        for name in re.findall(
            rf"(?<![\w/.-])(?:{'|'.join(ROOMS)}|tests|docs)/[\w/-]+\.(?:py|md)\b", path.read_text()
        )
        if not is_there(name)
    }
    assert sorted(missing) == []
