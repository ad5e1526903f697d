"""Run the project's own commands on a data directory of a test."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent


def run(*command: str, data: Path, directory: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command on one data directory; fails with what it printed last."""
    finished = subprocess.run(
        command,
        cwd=directory,
        env=os.environ | {"NHANES_BONE_DATA": str(data), "DBT_TARGET_PATH": str(data / "target")},
        capture_output=True,
        text=True,
        check=False,
    )
    printed = "\n".join((finished.stdout + finished.stderr).splitlines()[-60:])
    assert finished.returncode == 0, f"{' '.join(command)}\n{printed}"
    return finished


def publish(*source: str, data: Path) -> subprocess.CompletedProcess[str]:
    """Build and publish as `make demo` and `make build` do, with `data/results` as the link."""
    results = str(data / "results")
    return run(
        sys.executable, "-m", "publish", "build", "--data", str(data), "--results", results,
        "--profile", "quick", *source, data=data,
    )  # fmt: skip


def dbt(*arguments: str, data: Path, directory: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return run(str(BIN / "dbt"), "--log-path", str(data / "logs"), *arguments, data=data, directory=directory)
