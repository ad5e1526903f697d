"""Every command that README and docs tell a reader to type is run as it is printed there.

It is run in a copy of the project in which `make demo` was typed before. A command that would take minutes is
run on less. Of the verbs of make each line that make would run is tried; `.ci/run` runs `make demo`,
`make lint`, `make build` and `make test` themselves. What is run elsewhere, or by hand, is listed below.
"""

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.__main__ import _parser as ingest_parser
from publish.__main__ import _parse as publish_parse
from publish.record import read_published
from tests.warehouse.support.builds import ROOT, newcomers_copy, type_in
from tests.warehouse.support.pages import CHANGE_THE_STUDY, LIBRARY_PAGES, blocks, commands, commands_of

COMMANDS = commands()
VERBS = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)

# What is added so that seconds suffice.
SHORTER = {
    "dbt build": "--select cohort_flow",
    "dbt build --full-refresh": "--select cohort_flow",
    "dbt docs generate": "--select cohort_flow",
    "dbt test": "--select cohort_flow",
}
# The library's are typed in its folder. Its page names the number of data sets it was last run on.
OF_THE_LIBRARY = [name for name in commands(LIBRARY_PAGES) if name.startswith("python ")]
CALIBRATION = next(name for name in OF_THE_LIBRARY if "tests.statistical.test_bkmr" in name)
# These take minutes or hours: what makes them shorter, and what they write.
LONG = {
    "python -m benchmarks.wqs": ("", "benchmarks/results/wqs.json"),
    "python -m simulations.wqs": ("--gaussian 2 --binomial 2 --rows 200", "docs/wqs-simulation.md"),
    CALIBRATION: ("--runs 5", "docs/bkmr-calibration.md"),
}
OF_THE_CHANGED_STUDY = [
    command.removeprefix(".venv/bin/")
    for number in (0, 2)
    for command in commands_of(blocks(CHANGE_THE_STUDY, "sh")[number])
]
ELSEWHERE = {
    "make demo": "before all of these, by the fixture newcomer",
    "make build NHANES_DIR=DIR": "by the fixture real_data, where there are real files",
    "dbt build --vars '{fit_profile: quick}'": "all models, by test_demo_study.py",
    **dict.fromkeys(OF_THE_CHANGED_STUDY, "by the fixture changed, see changed_project.py"),
    "dbt run": "by a slow test, tests/publish/test_real_dbt.py",
    "python -m report.html": "on the changed study, by test_changed_study.py",
    "export MIXEPI_DASK_SCHEDULER=tcp://10.0.0.5:8786": "with a cluster: mixepi/tests/test_fan_out.py",
    "python -m ingest cdc": "on a server of the tests: tests/ingest/test_download.py",
    "python -m ingest add 2009-2010 PBCD_F PFC_F": "on a server of the tests: tests/ingest/test_added.py",
    "python -m ingest catalogue": "on a server of the tests: tests/ingest/test_cdc_lists.py",
    "python -m tests.warehouse.support.write_answers PAGE DATABASE": "its queries, by test_docs.py",
    "git clone URL nhanes-bone": "by hand",
    "cd nhanes-bone": "by hand",
    **{name: "by hand: needs a container engine" for name in COMMANDS if name.startswith("docker ")},
}
# Every verb, with its variables where a page names them.
DEFAULTS = dict(re.findall(r"^([A-Z_]+) \?= ?(.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
MAKE = sorted({*(f"make {verb}" for verb in VERBS), *(name for name in COMMANDS if re.match("make ", name))})
# dbt last: after a part was built alone, nothing can be published again.
RUN = sorted(
    (command for command in COMMANDS if command not in ELSEWHERE and command not in MAKE),
    key=lambda command: command.startswith("dbt"),
)


@pytest.fixture(scope="module")
def checkout(newcomer: Path) -> Path:
    """Return the copy, in which results of real data lie too; their numbers are the synthetic ones."""
    shutil.copytree(newcomer / "data/demo/published", newcomer / "data/nhanes/published", symlinks=True)
    return newcomer


def is_published_again(checkout: Path) -> None:
    run = read_published(checkout / "results")
    assert run.folder.parent == checkout / "data/demo/published"
    assert run.folder.name.endswith("-2")


def shows_real_data(checkout: Path) -> None:
    assert (checkout / "results").resolve().parent == checkout / "data/nhanes/published"


def dictionary_is_the_same(checkout: Path) -> None:
    page = Path("docs/data-dictionary.md")
    assert (checkout / page).stat().st_mtime > (ROOT / page).stat().st_mtime
    assert (checkout / page).read_text() == (ROOT / page).read_text()


EFFECTS: dict[str, Callable[[Path], None]] = {
    "python -m publish again": is_published_again,
    "python -m publish show nhanes": shows_real_data,
    "python -m publish dictionary": dictionary_is_the_same,
}


def test_the_lists_are_of_commands_of_the_pages():
    assert len(RUN) > 10
    assert SHORTER.keys() | EFFECTS.keys() <= set(RUN)
    assert ELSEWHERE.keys() <= set(COMMANDS)
    assert LONG.keys() <= set(OF_THE_LIBRARY)
    ingest_parser().parse_args(["cdc"])


@pytest.mark.parametrize("command", RUN)
def test_it_runs(checkout, command):
    type_in(checkout, f"{command} {SHORTER.get(command, '')}")
    if command in EFFECTS:
        EFFECTS[command](checkout)


def test_dbt_finds_the_data_of_the_project_from_elsewhere(checkout, tmp_path):
    """Not a second, empty warehouse in the folder where one types."""
    warehouse = checkout / "data/demo/warehouse.duckdb"
    before = warehouse.stat().st_mtime_ns
    flags = f"--project-dir {shlex.quote(str(checkout))} --profiles-dir {shlex.quote(str(checkout))}"
    type_in(checkout, f"dbt build {flags} --select cohort_flow", directory=tmp_path)
    assert warehouse.stat().st_mtime_ns > before
    assert not list(tmp_path.rglob("*.duckdb"))


@pytest.mark.statistical
@pytest.mark.parametrize("command", LONG)
def test_a_long_command_runs_on_less(tmp_path, command):
    """In a copy of the library too, because they write into it."""
    copy = newcomers_copy(tmp_path / "nhanes-bone")
    (copy / "mixepi").unlink()
    library = shutil.copytree(ROOT / "mixepi", copy / "mixepi")
    shorter, written = LONG[command]
    type_in(copy, f"{command} {shorter}", directory=library)
    assert (library / written).stat().st_mtime > (ROOT / "mixepi" / written).stat().st_mtime


def test_readlink_finds_the_folder_of_the_run(checkout):
    printed = type_in(checkout, "readlink -f results").stdout.strip()
    assert read_published(Path(printed)) == read_published(checkout / "results")


def test_make_alone_lists_the_verbs(checkout):
    assert re.findall(r"^  make ([a-z-]+) ", type_in(checkout, "make").stdout, re.MULTILINE) == VERBS


@pytest.mark.parametrize("command", MAKE)
def test_what_make_would_run_is_there_and_takes_the_arguments(checkout, command):
    given = DEFAULTS | dict(word.split("=", 1) for word in command.split() if "=" in word)
    for recipe in type_in(checkout, f"{command} --dry-run").stdout.splitlines():
        line = recipe.removeprefix("cd mixepi && ")
        directory = checkout if line == recipe else checkout / "mixepi"
        words = [word for word in shlex.split(line) if not re.match(r"[A-Z_]+=", word)]
        program = Path(words[0]).name
        if program == "python":
            # with the variables of make in place
            rest = line[line.index(" -m ") :]
            printed = type_in(checkout, f"printf '%s\\n' {rest}", **given).stdout
            try_module(checkout, directory, line, *printed.splitlines()[1:])
        elif program in ("ruff", "sqlfluff", "mypy"):
            type_in(checkout, f"{line} --help")
        else:
            assert program in ("grep", "rm", "make:", "uv"), line


def try_module(checkout: Path, directory: Path, line: str, module: str, *arguments: str) -> None:
    """Have a module read its arguments without doing what takes long."""
    if module == "publish":
        publish_parse(arguments)
    elif module == "pytest":
        library = "tests/test_joint_test.py tests/statistical/test_imputation.py"
        few = "tests/demo/test_truth.py" if directory == checkout else library
        collected = type_in(checkout, f"{line} --collect-only {few}", directory=directory).stdout
        assert re.search(r"[1-9]\d*(/\d+)? tests collected", collected)
    elif module == "sphinx":
        assert (directory / "docs" / "conf.py").is_file()  # it builds by `make docs`
    elif line.removeprefix(".venv/bin/") not in RUN:
        source = (directory / f"{module.replace('.', '/')}.py").read_text()
        options = [word for word in arguments if word.startswith("--")]
        assert all(f'"{option}"' in source for option in options)


def test_make_clean_keeps_what_was_downloaded(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    kept = ("Makefile", "data/nhanes/xpt/DEMO_H.XPT")
    made = (
        "report.html", "appendix.html", "results/manifest.json", "data/demo/raw.duckdb",
        "data/nhanes/raw.duckdb",
        "data/nhanes/warehouse.duckdb", "data/nhanes/warehouse.duckdb.wal", "data/fits/ab/abc.parquet",
        "data/nhanes/published/run/report.html", "data/nhanes/target/manifest.json", "target/manifest.json",
    )  # fmt: skip
    for name in (*kept[1:], *made):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(kept)
