"""What a build records of itself covers everything that decides its results."""

import json
import shutil
import tomllib
from argparse import Namespace
from importlib.metadata import version
from pathlib import Path

import pytest
from dbt import flags

from analysis.cache.fit_cache import CODE as CODE_OF_FITS
from analysis.cache.fit_cache import LIBRARIES
from warehouse.dbt import plugin
from warehouse.dbt.plugin import configuration_digest, package_versions
from warehouse.paths import PROJECT_ROOT

# Of the library's dependencies, those that compute nothing: progress bars, processes, threads.
WITHOUT_NUMBERS = {"joblib", "threadpoolctl", "tqdm"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a small copy: one file of each kind that is digested, and one that is not."""
    for name in (
        "dbt_project.yml",
        "seeds/bmd_sites.csv",
        "studies/peng2025.yml",
        "models/marts/cohort.sql",
        "models/marts/cohort.yml",
        "macros/runs.sql",
        "python_models/fits/fit_wqs.py",
        "analysis/records.py",
        "mixepi/src/mixepi/splines.py",
        "report/page.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT_ROOT / name, tmp_path / name)
    monkeypatch.setattr(plugin, "CODE", [tmp_path / path.relative_to(PROJECT_ROOT) for path in plugin.CODE])
    monkeypatch.setattr(flags, "GLOBAL_FLAGS", Namespace(PROJECT_DIR=str(tmp_path)))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("dbt_project.yml", True),
        ("seeds/bmd_sites.csv", True),
        ("studies/peng2025.yml", True),
        ("models/marts/cohort.sql", True),
        ("macros/runs.sql", True),
        ("python_models/fits/fit_wqs.py", True),
        ("analysis/records.py", True),
        ("mixepi/src/mixepi/splines.py", True),
        ("report/page.py", False),
    ],
)
def test_the_digest_follows_what_decides_results(project: Path, name: str, counts: bool) -> None:
    before = configuration_digest("{}")
    assert configuration_digest("{}") == before
    (project / name).write_text((project / name).read_text() + "\n")
    assert (configuration_digest("{}") != before) is counts


def test_the_digest_follows_variables_and_the_names_of_folders(project: Path) -> None:
    before = configuration_digest("{}")
    assert configuration_digest('{"fit_profile": "full"}') != before
    (project / "models" / "marts").rename(project / "models" / "private")
    assert configuration_digest("{}") != before


def test_the_code_of_fits_is_part_of_the_code_of_a_build() -> None:
    for folder in CODE_OF_FITS:
        assert any(folder == code or code in folder.parents for code in plugin.CODE), folder


def test_versions_of_all_that_computes_are_recorded() -> None:
    recorded = json.loads(package_versions())
    assert recorded["mixepi"] == version("mixepi")
    assert set(LIBRARIES) <= recorded.keys()
    declared = tomllib.loads((PROJECT_ROOT / "mixepi" / "pyproject.toml").read_text())["project"][
        "dependencies"
    ]
    names = {requirement.split(">")[0].split("=")[0].strip() for requirement in declared}
    assert names - WITHOUT_NUMBERS <= recorded.keys()
