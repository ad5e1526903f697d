"""What README and docs tell a reader to type works.

Queries and Python are run; commands that finish in seconds too. Commands that build the whole study or test
it take minutes and are what other tests (and `.ci/run`) do: here only their verbs, variables, options and
modules are checked.
"""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from builds import ROOT, run
from write_answers import QUERY

from ingest.__main__ import _parser as ingest_parser
from ingest.__main__ import main as ingest
from publish.__main__ import _parse as publish_parse
from publish.__main__ import main as publish
from publish.database import DICTIONARY_COLUMNS
from publish.dictionary import is_of_persons, read_models
from report.query import answer

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
COOKBOOK = ROOT / "docs" / "cookbook.md"
MAKEFILE = (ROOT / "Makefile").read_text()


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), flags=re.DOTALL)


def commands() -> set[str]:
    """Every command of every page: lines of `sh` blocks, and code in the text that starts as one."""
    found: set[str] = set()
    for page in PAGES:
        for block in blocks(page, "sh"):
            found |= {line.split(" #")[0].strip() for line in block.splitlines()}
        prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
        spans = (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose))
        found |= {span for span in spans if re.match(r"(\.venv/bin/)?(python|dbt|make)( |$)", span)}
    return {command for command in found if "..." not in command} - {""}


COMMANDS = sorted(commands())


def test_commands_are_found():
    assert len(COMMANDS) > 20
    assert {"make demo", ".venv/bin/python -m publish status", "dbt build"} <= set(COMMANDS)


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("make")])
def test_verbs_of_make_exist(command):
    for word in command.split()[1:]:
        if "=" in word:
            assert re.search(rf"^{word.split('=')[0]} \?=", MAKEFILE, flags=re.MULTILINE), word
        else:
            assert re.search(rf"^{word}:.*##", MAKEFILE, flags=re.MULTILINE), word


@pytest.mark.parametrize(
    "command", [command for command in COMMANDS if re.match(r"(\.venv/bin/)?dbt ", command)]
)
def test_dbt_has_the_commands_and_options(command):
    from dbt.cli.main import cli

    words = shlex.split(command)[1:]
    group = cli
    while words and words[0] in getattr(group, "commands", {}):
        group = group.commands[words.pop(0)]
    assert group is not cli, command
    options = {name for parameter in group.params for name in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= options


@pytest.mark.parametrize(
    "command", sorted({command.replace(".venv/bin/", "") for command in COMMANDS if "python -m" in command})
)
def test_python_modules_take_the_arguments(command, demo_data, monkeypatch, capsys, tmp_path):
    words = shlex.split(command)
    module, arguments = words[words.index("-m") + 1], words[words.index("-m") + 2 :]
    results = str(demo_data / "results")
    if module == "report.query":
        query = [word for word in arguments if not word.startswith("--")]
        database = demo_data / (
            "warehouse.duckdb" if "--private" in arguments else "results/nhanes_bone.duckdb"
        )
        assert answer(*query, database)
    elif "--help" in arguments:
        run(sys.executable, "-m", module, *arguments, data=demo_data)
    elif module == "publish" and arguments[0] == "dictionary":
        monkeypatch.setattr("publish.dictionary.PAGE", tmp_path / "page.md")
        assert publish(arguments) == 0
    elif module == "publish" and arguments[0] == "status":
        assert publish([*arguments, "--results", results]) == 0
    elif module == "publish" and arguments[0] == "show":
        link = tmp_path / "results"
        assert publish([*arguments, "--data", str(demo_data), "--results", str(link)]) == 0
        assert "now shows" in capsys.readouterr().err
        assert link.resolve() == (demo_data / "published" / "latest").resolve()
    elif module == "publish":
        publish_parse(arguments)
    elif module == "ingest" and arguments == ["check"]:
        assert ingest(arguments) == 0
    elif module == "ingest":
        ingest_parser().parse_args(arguments)
    else:
        assert not arguments
        assert importlib.util.find_spec(module) is not None


def test_readlink_is_how_to_find_the_run(demo_data):
    printed = subprocess.run(
        ["readlink", "-f", "results"], cwd=demo_data, capture_output=True, text=True, check=True
    ).stdout
    assert Path(printed.strip()).parent == (demo_data / "published").resolve()


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
SMALLER = (
    ("ChainOptions(draws=1000)", "ChainOptions(warmup=20, draws=20, chains=2, progress=False)"),
    ('write_demo_files(Path("data/demo"))', 'write_demo_files(Path("data/demo"), people=1_000)'),
    (
        "permutation_test_wqs(spec, cohort, seed=1)",
        "permutation_test_wqs(spec, cohort, seed=1, permutations=19)",
    ),
)


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
    (tmp_path / "data" / "demo").symlink_to(demo_data)
    (tmp_path / "people.csv").write_text(
        cohort.assign(
            bmd=cohort["bmd_femoral_neck"], age=cohort["age_years"], smoke=cohort["ever_smoked"].astype(bool)
        )
        .astype({"smoke": float})[["bmd", "pb", "cd", "hg", "se", "mn", "age", "bmi", "smoke"]]
        .to_csv(index=False)
    )
    if page.stem == "demo-data":
        (tmp_path / "data" / "demo").unlink()
    code = "\n".join(blocks(page, "python"))
    for long, short in SMALLER:
        code = code.replace(long, short)
    exec(compile(code, str(page), "exec"), {"cohort": cohort})


def links(page: Path) -> list[str]:
    found = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    return [link for link in found if not link.startswith("http")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in set(links(page)):
        assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_page_is_reached_from_the_start():
    start = {os.path.normpath(link) for link in links(ROOT / "docs" / "README.md")}
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    further = {link for name in start & pages for link in links(ROOT / "docs" / name)}
    assert pages <= start | further
