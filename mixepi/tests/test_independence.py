"""The library stands alone: it imports what it declares, and knows nothing of who uses it."""

import ast
import re
import sys
import tomllib
from itertools import chain

import pytest

from tests.support.paths import LIBRARY

FILES = sorted((LIBRARY / "src").rglob("*.py*"))
FILES = [path for path in FILES if path.suffix in (".py", ".pyi")]
# polars comes with svy, whose data frames are its own.
BROUGHT_ALONG = {"polars"}
# Words of one survey, of a study made with it, or of the software that makes one.
WORDS = re.compile(
    r"\b(nhanes|seqn|cohorts?|study|studies|covariate.sets?|marts?|dbt|duckdb|warehouse|metals?)\b",
    re.IGNORECASE,
)


def name_of(path):
    return str(path.relative_to(LIBRARY / "src"))


@pytest.fixture(scope="module")
def declared():
    with (LIBRARY / "pyproject.toml").open("rb") as stream:
        project = tomllib.load(stream)["project"]
    extras = chain.from_iterable(project["optional-dependencies"].values())
    required = [*project["dependencies"], *extras]
    return {re.split(r"[><=~! \[]", text)[0] for text in required}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_it_imports_only_what_it_declares(path, declared):
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.add(str(node.module).split(".")[0])
    assert found <= declared | BROUGHT_ALONG | set(sys.stdlib_module_names) | {"mixepi"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_it_has_no_word_of_who_uses_it(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        assert not WORDS.search(line), f"{name_of(path)}:{number}: {line}"
