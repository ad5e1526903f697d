"""Run the project's own commands: on a data directory of a test, or in a copy as a newcomer does."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.processes import environment_of_a_user

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent

# Made by commands; and what is linked below.
NOT_COPIED = {"data", "results", "report.html", "target", "logs", "mixepi"}


def run(*command: str, data: Path, directory: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command on one data directory; fails with what it printed last."""
    environment = os.environ | {"NHANES_BONE_DATA": str(data), "DBT_TARGET_PATH": str(data / "target")}
    return _run(list(command), directory, environment)


def dbt(*arguments: str, data: Path, directory: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return run(str(BIN / "dbt"), "--log-path", str(data / "logs"), *arguments, data=data, directory=directory)


def newcomers_copy(folder: Path) -> Path:
    """Copy the project, uncommitted changes too, with the environment of this one.

    `mixepi` is a link, so that the kernels that numba compiled beside it are not compiled again.
    """
    folder.mkdir()
    for path in ROOT.iterdir():
        if path.name in NOT_COPIED or path.name.startswith("."):
            continue
        if path.is_dir():
            shutil.copytree(path, folder / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(path, folder)
    (folder / "mixepi").symlink_to(ROOT / "mixepi")
    (folder / ".venv").symlink_to(BIN.parent)
    if (ROOT / ".uv").exists():
        (folder / ".uv").symlink_to(ROOT / ".uv")
    return folder


def type_in(
    checkout: Path, command: str, *, directory: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command as it is typed in the folder of a copy (or another); fails with what it printed last.

    Python finds the packages of the copy before those of this project. Fits are shared with this project.
    """
    environment = environment_of_a_user()
    environment.setdefault("NHANES_BONE_FITS", str(ROOT / "data" / "fits"))
    environment |= {"PYTHONPATH": str(checkout), "PATH": f"{checkout}/.venv/bin:{os.environ['PATH']}"}
    return _run(["bash", "-c", command], directory or checkout, environment | variables)


def _run(
    command: list[str], directory: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    finished = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    printed = "\n".join((finished.stdout + finished.stderr).splitlines()[-60:])
    assert finished.returncode == 0, f"{' '.join(command)}\n{printed}"
    return finished
