"""Queries and Python of README and docs are run, and links lead somewhere; commands: test_commands.py."""

import os
import re
from pathlib import Path

import duckdb
import pytest

from publish.database import DICTIONARY_COLUMNS
from publish.dictionary import is_of_persons, read_models
from report.query import answer
from tests.warehouse.support.builds import ROOT
from tests.warehouse.support.pages import LIBRARY_PAGES, PAGES, blocks
from tests.warehouse.support.write_answers import QUERY

COOKBOOK = ROOT / "docs" / "cookbook.md"

QUESTIONS = QUERY.findall(COOKBOOK.read_text())


def test_there_are_twenty_questions():
    numbers = re.findall(r"^### (\d+)\. .*\?$", COOKBOOK.read_text(), flags=re.MULTILINE)
    assert numbers == [str(number) for number in range(1, 21)]
    assert len(QUESTIONS) == 20


@pytest.mark.parametrize(("query", "expected"), QUESTIONS)
def test_the_cookbook_answers_for_synthetic_data(demo_data, query, expected):
    """If the study has changed, `write_answers.py` writes new answers; a query without one must have rows."""
    found = answer(query, demo_data / "results" / "nhanes_bone.duckdb")
    if expected:
        assert found == expected
    else:
        assert len(found.splitlines()) > 1


@pytest.fixture(scope="module")
def contracts():
    """Empty tables as the models' YAML declares them: what a query asks for must be promised."""
    with duckdb.connect() as connection:
        for table in read_models():
            if table.folder == "marts" and not is_of_persons(table):
                columns = ", ".join(f"{column.name} {column.data_type}" for column in table.columns)
                connection.execute(f"create table {table.name} ({columns})")
        columns = ", ".join(f"{name} varchar" for name in DICTIONARY_COLUMNS)
        connection.execute(f"create table data_dictionary ({columns})")
        yield connection


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_queries_ask_for_what_the_published_tables_promise(contracts, page):
    for query, _ in QUERY.findall(page.read_text()):
        contracts.execute(query)


# Smaller than what the page says, so that a test has time for it.
SMALLER = (('write_demo_files(Path("data/demo"))', 'write_demo_files(Path("data/demo"), people=1_000)'),)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.stem
)
def test_python_of_the_pages_runs(demo_data, tmp_path, monkeypatch, page):
    """The blocks of a page, one after the other, on the synthetic cohort."""
    with duckdb.connect(str(demo_data / "warehouse.duckdb"), read_only=True) as connection:
        cohort = connection.execute("select * from cohort where study = 'peng2025' order by seqn").df()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    code = "\n".join(blocks(page, "python"))
    for long, short in SMALLER:
        code = code.replace(long, short)
    exec(compile(code, str(page), "exec"), {"cohort": cohort})


def links(page: Path) -> list[str]:
    found = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    return [link for link in found if not link.startswith("http")]


@pytest.mark.parametrize("page", PAGES + LIBRARY_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for link in set(links(page)):
        assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_page_is_reached_from_the_start():
    start = {os.path.normpath(link) for link in links(ROOT / "docs" / "README.md")}
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    further = {link for name in start & pages for link in links(ROOT / "docs" / name)}
    assert pages <= start | further
