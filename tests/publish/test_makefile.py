"""What the Makefile hands to the commands: its variables, character by character."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.processes import environment_of_a_user


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with the Makefile, where Python says what it is called with."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nfor word; do echo "[$word]"; done\n')
    python.chmod(0o755)
    for name in ("pyproject.toml", "uv.lock", "mixepi/pyproject.toml", ".venv/.ready"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("words", "called"),
    [
        (["build"], ["--profile", "full", "cdc"]),
        (["build", "PROFILE=quick"], ["--profile", "quick", "cdc"]),
        *(
            (["build", f"NHANES_DIR={folder}"], ["--profile", "full", "directory", folder])
            for folder in ("/x/y", "a b", 'a"b', "a'b", "a$(date)b", "$HOME", "a`date`b", "a;b", "#a", "a\\")
        ),
        (["demo"], ["--profile", "quick", "demo", "--people", "25735"]),
        (["demo", "PROFILE=full", "PEOPLE=5000"], ["--profile", "full", "demo", "--people", "5000"]),
        (["demo", "PEOPLE=-5; date"], ["--profile", "quick", "demo", "--people", "-5; date"]),
    ],
)
def test_variables_reach_the_command(project: Path, words: list[str], called: list[str]) -> None:
    finished = subprocess.run(
        ["make", "UV=Makefile", *words],
        cwd=project,
        env=environment_of_a_user(),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert finished.returncode == 0, finished.stderr
    expected = ["-m", "publish", "build", *called, "-m", "report.summary"]
    assert finished.stdout.splitlines() == [f"[{word}]" for word in expected]
