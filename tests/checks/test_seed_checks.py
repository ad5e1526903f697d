"""Wrong seeds and variables: named with line, value and nearest names before anything runs."""

import csv
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt_common.exceptions import DbtRuntimeError

from tests.checks.support.wrong_rows import SAID_OF_ANOTHER, WRONG_ROWS
from warehouse import checks as seed_checks
from warehouse.checks import NAMED, check_project, project_findings, refuse_findings
from warehouse.checks.project import Project, read_project
from warehouse.checks.variables import check_variables
from warehouse.dbt import plugin as provenance
from warehouse.paths import PROJECT_ROOT
from warehouse.seeds.declared import CHECKS, check_declared
from warehouse.seeds.findings import Finding, FindingsError, nearest_names
from warehouse.seeds.tables import read_seed


@pytest.fixture(scope="module")
def project() -> Project:
    """Return the project's own seeds, which the tests change one at a time in memory."""
    read, findings = read_project(PROJECT_ROOT)
    assert findings == []
    return read


def changed(project: Project, tmp_path: Path, seed: str, content: bytes) -> list[str]:
    """Return what is wrong once one seed has another content."""
    path = tmp_path / f"{seed}.csv"
    path.write_bytes(content)
    read, findings = read_seed(path, project.declarations[seed].types)
    unreadable = frozenset({seed} if findings else ())
    other = replace(project, seeds={**project.seeds, seed: read}, unreadable=unreadable)
    return [str(finding) for finding in [*findings, *check_project(other)]]


def content_of(seed: str) -> bytes:
    return (PROJECT_ROOT / "seeds" / f"{seed}.csv").read_bytes()


def test_the_projects_own_seeds_are_right() -> None:
    assert project_findings() == []


def test_every_declared_test_of_a_seed_is_understood(project: Project) -> None:
    """A new kind of dbt test on a seed needs a check of its own, or would be met only by dbt."""
    tests = {rule.test for declaration in project.declarations.values() for rule in declaration.rules}
    assert tests <= CHECKS.keys()


def test_every_seed_that_a_check_asks_for_is_there(project: Project) -> None:
    """A check of a seed that was renamed would be passed over in silence."""
    for check in NAMED:
        assert list(check(project)) == []


@pytest.mark.parametrize("name", WRONG_ROWS)
def test_a_wrong_row_is_named(project: Project, tmp_path: Path, name: str) -> None:
    seed, old, new, parts = WRONG_ROWS[name]
    text = content_of(seed).decode()
    assert old in text, "the seed has changed: choose another row"
    found = changed(project, tmp_path, seed, text.replace(old, new, 1).encode())
    assert found
    said = "\n".join(found)
    for part in ["seeds/", ".csv, line ", *parts]:
        assert part in said, said
    if name not in SAID_OF_ANOTHER:
        assert f"seeds/{seed}.csv, line" in said


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"\xef\xbb\xbfknot,percentile,source\n", "byte order mark"),
        (b"knot,percentile,source\n1,5,C\0d\n", "line 2.*NUL"),
        (b"knot,percentile,source\n1,5,a\n2,35,\xff\n", "line 3.*UTF-8.*0xff"),
        (b"knot,percentile,source\r1,5,a\r", "line 1.*carriage return"),
        (b"", "no knot, percentile, source"),
    ],
)
def test_files_that_are_no_seeds(project: Project, tmp_path: Path, content: bytes, part: str) -> None:
    found = changed(project, tmp_path, "spline_knots", content)
    assert len(found) == 1  # nothing else is said about rows that could not be read
    assert all(word in found[0] for word in part.split(".*"))


def test_a_row_after_a_value_of_two_lines_keeps_its_line(project: Project, tmp_path: Path) -> None:
    old = b"total_femur,Total femur,"
    content = content_of("bmd_sites").replace(old, b'total_femur,"Total\nfemur",', 1)
    content = content.replace(b"trochanter,Troch", b"total_femur,Troch", 1)
    said = "\n".join(changed(project, tmp_path, "bmd_sites", content))
    assert "seeds/bmd_sites.csv, line 5, column site: expected each once" in said


ODD = ("", "-1", "1e999", "zzzz", "'; drop table x; --", "é", ";", "9" * 40)


def test_any_value_anywhere_gives_a_list_of_mistakes_and_no_crash(project: Project, tmp_path: Path) -> None:
    """Eight rows of each seed, and each odd value in each of its columns; limited columns notice it."""
    for seed in sorted(path.stem for path in (PROJECT_ROOT / "seeds").glob("*.csv")):
        declaration = project.declarations[seed]
        header, *rows = csv.reader(content_of(seed).decode().splitlines())
        odd = [[ODD[(row + column) % 8] for column in range(len(header))] for row in range(8)]
        path = tmp_path / f"{seed}.csv"
        with path.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *odd, *rows])
        read, findings = read_seed(path, declaration.types)
        for unreadable in {frozenset({seed} if findings else ()), frozenset[str]()}:
            other = replace(project, seeds={**project.seeds, seed: read}, unreadable=unreadable)
            found = [*findings, *check_declared(read, declaration, other.known)]
            if unreadable or not findings:
                found += check_project(other)
        for rule in declaration.rules:
            if rule.test in ("accepted_values", "relationships"):
                assert sum(f"column {rule.column}:" in str(finding) for finding in found) >= 7, (seed, rule)


VARIABLES = {
    "fit_profile": "quick",
    "fit_profiles": {
        "quick": {"wqs_bootstraps": 10, "bkmr_draws": 100, "seed": 1, "by_subgroup": False},
        "full": {"wqs_bootstraps": 100, "bkmr_draws": 10_000, "seed": 1, "by_subgroup": True},
    },
}


@pytest.fixture
def project_file(tmp_path: Path) -> Path:
    path = tmp_path / "dbt_project.yml"
    path.write_text(yaml.safe_dump({"name": "nhanes_bone", "vars": VARIABLES}))
    return path


SETTINGS = VARIABLES["fit_profiles"]["quick"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ({}, []),
        ({"fit_profile": "full"}, []),
        ({"fit_profile": "quik"}, ["--vars, fit_profile", "'quik'", "nearest: quick"]),
        ({"fit_profile": None}, ["--vars, fit_profile", "None"]),
        ({"fit_profle": "full"}, ["--vars, fit_profle", "found 'fit_profle' (nearest: fit_profile"]),
        ({"fit_profiles": {"quick": {**SETTINGS, "wqs_bootstraps": -5}}},
         ["--vars, fit_profiles, quick, wqs_bootstraps", "at least 1", "-5"]),
        ({"fit_profiles": {"quick": {**SETTINGS, "bkmr_draws": 0}}}, ["bkmr_draws", "found 0"]),
        ({"fit_profiles": {"quick": {**SETTINGS, "bkmr_draws": 2.5}}}, ["bkmr_draws", "2.5"]),
        ({"fit_profiles": {"quick": {**SETTINGS, "bkmr_draws": True}}}, ["bkmr_draws", "True"]),
        ({"fit_profiles": {"quick": {**SETTINGS, "bkmr_draw": 5}}}, ["'bkmr_draw'", "nearest: bkmr_draws"]),
        ({"fit_profiles": {"quick": {**SETTINGS, "seed": -1}}}, ["seed", "at least 0", "-1"]),
        ({"fit_profiles": {"quick": {**SETTINGS, "by_subgroup": 1}}}, ["by_subgroup", "true or false", "1"]),
        ({"fit_profiles": {"quick": {"seed": 1, "by_subgroup": True}}}, ["no bkmr_draws, wqs_bootstraps"]),
        ({"fit_profiles": {"full": SETTINGS}}, ["fit_profile", "'quick'", "nearest: full"]),
        ({"fit_profiles": 7}, ["settings for each profile", "7"]),
    ],
)  # fmt: skip
def test_variables(project_file: Path, given: dict[str, object], parts: list[str]) -> None:
    found = [str(finding) for finding in check_variables(project_file, given)]
    assert len(found) == bool(parts), found
    for part in parts:
        assert part in found[0]


def test_variables_given_to_a_project_without_any(tmp_path: Path) -> None:
    path = tmp_path / "dbt_project.yml"
    path.write_text("name: x\n")
    assert len(list(check_variables(path, {"fit_profile": "quick"}))) == 1


def test_nearest_names_whatever_the_case() -> None:
    assert nearest_names("CD", {"Pb", "Cd", "Hg"})[0] == "Cd"
    assert nearest_names("zzzz", {"b", "a"}) == ("a", "b")


@pytest.fixture
def wrong_project(tmp_path: Path) -> Path:
    """Return a copy of the project with a wrong value in a seed and one in a study."""
    copy = tmp_path / "project"
    for name in ("models", "seeds", "studies"):
        shutil.copytree(PROJECT_ROOT / name, copy / name)
    shutil.copy(PROJECT_ROOT / "dbt_project.yml", copy)
    for name, old, new in (
        ("seeds/bmd_references.csv", "0.858,0.120", "0.858,0"),
        (
            "studies/peng2025.yml",
            "outcome: osteoporosis, exposure: Cd,",
            "outcome: osteoporosis, exposure: Cdd,",
        ),
    ):
        path = copy / name
        path.write_text(path.read_text().replace(old, new, 1))
    return copy


def test_a_seed_that_is_missing(wrong_project: Path) -> None:
    for name in ("bmd_sites.csv", "nhanes_cycles.csv", "detection_limits.yml"):
        (wrong_project / "seeds" / name).unlink()
    said = [str(finding) for finding in project_findings(wrong_project)]
    for part in (
        "seeds/bmd_sites.yml: expected seeds/bmd_sites.csv beside it",
        "seeds/detection_limits.csv: expected",
    ):
        assert any(part in line for line in said)


def test_all_mistakes_at_once(wrong_project: Path) -> None:
    with pytest.raises(FindingsError) as caught:
        refuse_findings(wrong_project, {"fit_profle": "full"})
    assert str(caught.value).startswith("3 findings in the seeds, studies or settings, so nothing was run:\n")
    for part in (
        "seeds/bmd_references.csv, line 2",
        "exposure: expected one of the exposures",
        "--vars, fit_profle",
    ):
        assert part in str(caught.value)


def test_dbt_refuses_when_it_opens_its_connection(
    wrong_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is before it runs anything: not even the raw database is asked for, and no warehouse is made."""
    flags = SimpleNamespace(PROJECT_DIR=str(wrong_project), VARS={"fit_profle": "full"})
    monkeypatch.setattr(provenance, "get_flags", lambda: flags)
    credentials = DuckDBCredentials(database="x", schema="main", path=str(tmp_path / "x.duckdb"))
    plugin = provenance.Plugin("provenance", {}, credentials)
    with pytest.raises(DbtRuntimeError) as caught:
        plugin.update_connection_config(credentials, {})
    for part in ("3 findings", "line 2, column sd", "'Cdd' (nearest: Cd)", "fit_profle"):
        assert part in str(caught.value)
    assert not (tmp_path / "x.duckdb").exists()


def test_ingest_refuses_before_anything_is_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from ingest import __main__ as cli

    finding = Finding("seeds/x.csv, line 2", "one thing", "another", ("this", "that"))
    monkeypatch.setattr(seed_checks, "project_findings", lambda *_: [finding])
    for command in (["check"], ["directory", str(tmp_path), "--data", str(tmp_path / "d")]):
        assert cli.main(command) == 1
        assert "line 2: expected one thing, found another (nearest: this, that)" in capsys.readouterr().err
    assert not (tmp_path / "d").exists()
    monkeypatch.undo()
    assert cli.main(["check"]) == 0
