"""The rows of docs/change-the-study.md for 2009-2010 are right by themselves, and fit CDC's files."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ingest.transport import read_transport
from tests.warehouse.support.changed_project import study_files
from warehouse.checks import project_findings
from warehouse.paths import PROJECT_ROOT

PAGE = PROJECT_ROOT / "docs" / "change-the-study.md"
BESIDE = PROJECT_ROOT / "docs" / "2009-2010"


def sections() -> dict[str, str]:
    """Return the page's sections, of both depths, by their titles."""
    parts = re.split(r"^##+ (.*)\n", PAGE.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def add_rows(project: Path, title: str) -> None:
    """Add the rows of one section of the page to the seeds of a project."""
    for seed, rows in re.findall(r"^`seeds/(\w+)\.csv`\n\n```csv\n(.*?)```", sections()[title], re.M | re.S):
        with (project / "seeds" / f"{seed}.csv").open("a") as file:
            file.write(rows)


@pytest.fixture
def with_release(tmp_path: Path) -> Path:
    """Return a copy of the project to which the release was added as the page says, and nothing else."""
    for name in ("models", "seeds", "studies"):
        shutil.copytree(PROJECT_ROOT / name, tmp_path / name)
    shutil.copy(PROJECT_ROOT / "dbt_project.yml", tmp_path)
    add_rows(tmp_path, "Another release: 2009-2010")
    for table in BESIDE.glob("*.csv"):
        with (tmp_path / "seeds" / table.name).open("a") as file:
            file.writelines(table.read_text().splitlines(keepends=True)[1:])
    return tmp_path


def test_the_rows_of_the_release_pass_the_check_by_themselves(with_release: Path) -> None:
    assert "2009-2010,Hg" in (with_release / "seeds" / "detection_limits.csv").read_text()
    assert project_findings(with_release) == []


def test_cotinine_needs_the_limit_that_the_page_gives(with_release: Path) -> None:
    add_rows(with_release, "Another exposure")
    cotinine = re.findall(r"^  cotinine:\n(?:    .*\n)+", sections()["Another exposure"], re.M)
    (with_release / "studies" / "smokers.yml").write_text(
        "study: smokers\ntitle: Smokers\ndescription: x\nbased_on: recommended\nmixtures: {}\ntable_one: {}\n"
        f"exposures:\n{cotinine[0]}"
    )
    (finding,) = project_findings(with_release)
    assert "none for 'cotinine'" in str(finding)
    add_rows(with_release, "Cotinine in 2009-2010")
    assert project_findings(with_release) == []


def test_the_study_without_bone_passes_the_check(with_release: Path) -> None:
    """By itself, and beside the studies that define the same exposures."""
    path = with_release / "studies" / "kidney.yml"
    path.write_text(study_files()["kidney"])
    assert project_findings(with_release) == []
    for other in path.parent.glob("*.yml"):
        if other != path:
            other.unlink()
    assert project_findings(with_release) == []


def test_counts_of_the_page_are_those_of_the_files(real_files: Path) -> None:
    paths = {path.stem: path for path in real_files.rglob("*_F.XPT")}
    if not paths:
        pytest.skip("the files of 2009-2010 are not there")
    codes = pd.read_csv(BESIDE / "nhanes_codebook.csv", dtype={"code": str})
    for row in pd.read_csv(BESIDE / "nhanes_files.csv").itertuples():
        values = read_transport(paths[str(row.file)].read_bytes()).values
        assert len(values["SEQN"]) == row.expected_rows
        for variable, listed in codes[codes["file"] == row.file].groupby("variable"):
            answers = values[str(variable)].astype(float)
            named = listed[listed["kind"].isin(["value", "refused", "dont_know"])]["code"].astype(float)
            found = {str(code): (answers == float(code)).sum() for code in named}
            for code, kind in zip(listed["code"], listed["kind"], strict=True):
                if kind == "missing":
                    expected = np.isnan(answers).sum()
                elif kind == "range":
                    expected = (~np.isnan(answers) & ~np.isin(answers, named)).sum()
                else:
                    expected = found[str(float(code))]
                published = listed.loc[listed["code"] == code, "published_count"].item()
                assert published == expected, (row.file, variable, code)
