"""Wrong study files: named with file, line, keys and nearest names, and nothing of them is run."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.checks.support.wrong_rows import WRONG_STUDIES
from warehouse.checks import check_project
from warehouse.checks.project import Project, read_project
from warehouse.paths import PROJECT_ROOT
from warehouse.studies.compile import compile_studies
from warehouse.studies.document import MOST_BYTES, read_document
from warehouse.studies.expressions import Condition, ExpressionError, read_conditions
from warehouse.studies.schema import PATH, schema_text

Said = Callable[[Mapping[str, str]], list[str]]


@pytest.fixture(scope="module")
def project() -> Project:
    read, findings = read_project(PROJECT_ROOT)
    assert findings == []
    return read


@pytest.fixture
def said(project: Project, tmp_path: Path) -> Said:
    """Return what is wrong once some study files have another content."""

    def compiled(contents: Mapping[str, str]) -> list[str]:
        shutil.copytree(PROJECT_ROOT / "studies", tmp_path / "studies", dirs_exist_ok=True)
        for name, content in contents.items():
            (tmp_path / "studies" / f"{name}.yml").write_text(content)
        studies = compile_studies(tmp_path)
        if studies.findings:
            return [str(finding) for finding in studies.findings]
        changed = replace(project, seeds={**project.seeds, **studies.tables})
        return [str(finding) for finding in check_project(changed)]

    return compiled


def content_of(study: str) -> str:
    return (PROJECT_ROOT / "studies" / f"{study}.yml").read_text()


@pytest.mark.parametrize("name", WRONG_STUDIES)
def test_a_wrong_value_is_named(said: Said, name: str) -> None:
    study, old, new, parts = WRONG_STUDIES[name]
    text = content_of(study)
    assert old in text, "the study has changed: choose another place"
    found = "\n".join(said({study: text.replace(old, new, 1)}))
    for part in [f"studies/{study}.yml, line ", *parts]:
        assert part in found, found


def test_the_schema_is_that_of_the_reader() -> None:
    assert PATH.read_text() == schema_text(), "python -m warehouse.studies.schema writes it anew"
    assert {"study", "population", "claims"} <= json.loads(schema_text())["properties"].keys()


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nstudy: [*b, *b]\n"


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (BOMB, "line 1: expected plain YAML, each value written out, found the anchor &a"),
        ("study: *a\n", "line 1: expected plain YAML, each value written out, found the alias *a"),
        ("study: !!python/object/apply:os.system [ls]\n", "found the tag tag:yaml.org,2002:python/object"),
        ("study: " + "[" * 100_000, "more than 20 levels"),
        ("a: b\n---\nc: d\n", "line 2: expected plain YAML, each value written out, found a second document"),
        ("study: x\ntitle: y\nstudy: z\n", "line 3, study: expected each key once, found line 1 has it too"),
        ("study: x\n? [a, b]\n: c\n", "line 2: expected a name before the colon"),
        ("study: x\n\ttitle: y\n", "line 2: expected YAML, found"),
        ("study: 'x\n", "expected YAML, found"),
        ("#" * MOST_BYTES + "\n", "a file of at most 500,000 bytes"),
        ("", "keys such as `study`"),
        ("- study\n", "keys such as `study`"),
        ("study: \0\n", "expected YAML"),
    ],
)
def test_files_that_are_no_study(said: Said, content: str, part: str) -> None:
    (found,) = said({"other": content})
    assert found.startswith("studies/other.yml")
    assert part in found


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    path.write_bytes(b"study: x\ntitle: \xff\n")
    _, (finding,) = read_document(path)
    assert str(finding) == "studies/x.yml, line 2: expected UTF-8 text, found the byte 0xff"


def test_values_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    path.write_text(
        "a: [no, on, 1:30, 010, 0x1f, 2013-01-01, 50-59, 1e3, -2.5, 7, true, null, '1', .inf, 1_0]\n"
        "b:\nc: >-\n  two\n  lines\n"
    )
    document, findings = read_document(path)
    assert findings == []
    assert document
    words = [
        "no",
        "on",
        "1:30",
        10,
        "0x1f",
        "2013-01-01",
        "50-59",
        1000.0,
        -2.5,
        7,
        True,
        None,
        "1",
        ".inf",
        "1_0",
    ]
    assert document.values == {"a": words, "b": None, "c": "two lines"}
    assert document.place(("a", 2)) == "studies/x.yml, line 1, a: 3"
    assert document.place(("c", "not", "there")) == "studies/x.yml, line 3, c"


def test_an_expression_is_its_conditions() -> None:
    text = "sex = 'Female' and not ever_smoked and 50 <= age and bmi between -1 and 2.5 and (a is null and b)"
    assert read_conditions(text) == [
        Condition("sex", "in", "Female"),
        Condition("ever_smoked", "in", "false"),
        Condition("age", ">=", "50"),
        Condition("bmi", ">=", "-1"),
        Condition("bmi", "<=", "2.5"),
        Condition("a", "is_null", ""),
        Condition("b", "in", "true"),
    ]


def test_what_is_more_than_a_comparison_is_an_expression() -> None:
    text = "age > 20 and (ln(a) + b / 2 >= coalesce(c, 1) or a = b) and case when d then 1 else e end = 1"
    found = read_conditions(text)
    assert found[0] == Condition("age", ">", "20")
    assert {(part.variable, part.operator) for part in found[1:]} == {
        (name, "expression") for name in "abcde"
    }


@pytest.mark.parametrize(
    ("expression", "part"),
    [
        ("read_text('/etc/passwd') = 'x'", "read_text"),
        ("a = (select count(*) from 'people.csv')", "a query"),
        ("exists (select 1)", "a query"),
        ("a from read_csv('x.csv')", "a query"),
        ("a = 1; drop table people", "more than one expression"),
        ("a = 1 union select 2", "more than one expression"),
        ("a = 1, b = 2", "more than one expression"),
        ("getenv('HOME') = 'x'", "getenv"),
        ("other.people.a = 1", "other.people.a"),
        ("a = 1 limit 1", "a query"),
        ("*", "*"),
        ("count(*) over ()", "window"),
        ("a =", "syntax error"),
        ("1 + 1 = 2", "no variable"),
        ("ln(a) filter (where b)", "the function ln"),
        ("other.ln(a) > 1", "the function ln"),
        ("a as b", "a second name, 'b'"),
        ("a::integer > 1", "cast"),
        ("a or b = any(select 1)", "a query"),
        ("list_transform([a], lambda x: x) = [1]", "the function list_transform"),
    ],
)
def test_an_expression_that_is_more_is_refused(expression: str, part: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        read_conditions(expression)
    assert part in str(caught.value)


def test_a_study_on_its_own_feet_is_the_same(tmp_path: Path) -> None:
    """What a study takes over is as if its own file said it: a copy under another name has the same rows."""
    folder = tmp_path / "studies"
    shutil.copytree(PROJECT_ROOT / "studies", folder)
    (folder / "again.yml").write_text("study: again\ntitle: Again\ndescription: x\nbased_on: recommended\n")
    studies = compile_studies(tmp_path)
    assert studies.findings == ()
    for name, table in studies.tables.items():
        if "study" in (table.rows[0].values if table.rows else {}) and name != "studies":
            rows = {
                study: [{**row.values, "study": ""} for row in table.rows if row["study"] == study]
                for study in ("recommended", "again")
            }
            assert rows["again"] == rows["recommended"], name


def test_a_name_with_nothing_after_it_is_the_other_studys(tmp_path: Path) -> None:
    folder = tmp_path / "studies"
    shutil.copytree(PROJECT_ROOT / "studies", folder)
    (folder / "two.yml").write_text(
        "study: two\ntitle: Two\ndescription: x\nbased_on: peng2025\n"
        "exposures:\n  Hg:\n  Cd:\ntable_one:\n  Cd:\n"
    )
    studies = compile_studies(tmp_path)
    assert studies.findings == ()
    mixed = [row["exposure"] for row in studies.tables["study_exposures"].rows if row["study"] == "two"]
    assert mixed == ["Hg", "Cd"]
    assert len(studies.tables["exposures"].rows) == 5


def test_a_project_without_studies_is_right(project: Project, tmp_path: Path) -> None:
    """The shipped studies can be taken out, as docs/change-the-study.md says: by deleting their files."""
    studies = compile_studies(tmp_path)
    assert studies.findings == ()
    assert not any(table.rows for table in studies.tables.values())
    seeds = {**project.seeds, **studies.tables}
    assert [str(finding) for finding in check_project(replace(project, seeds=seeds))] == []


ODD = ("-1", "[]", "{}", "zzzz", "'; drop table x; --'", "", "é", "[1, 2]", "9" * 40, "{a: {b: c}}", "true")


@pytest.mark.parametrize("odd", ODD)
def test_any_value_anywhere_gives_a_list_of_mistakes_and_no_crash(said: Said, odd: str) -> None:
    """Each odd value in the place of each value of a file that stands on one line, one at a time."""
    lines = content_of("recommended").splitlines()
    for number, line in enumerate(lines):
        key, colon, value = line.partition(": ")
        if colon and value and not value.startswith(">") and not line.startswith("#"):
            changed = [*lines[:number], f"{key}: {odd}", *lines[number + 1 :]]
            said({"recommended": "\n".join(changed) + "\n"})
