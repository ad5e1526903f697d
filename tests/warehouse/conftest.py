"""Warehouses built by the very commands that users run, once per test session."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent


def run(*command: str, data: Path, directory: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command on one data directory; fails with everything it printed."""
    finished = subprocess.run(
        command,
        cwd=directory,
        env=os.environ | {"NHANES_BONE_DATA": str(data), "DBT_TARGET_PATH": str(data / "target")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, f"{' '.join(command)}\n{finished.stdout}\n{finished.stderr}"
    return finished


def dbt(*arguments: str, data: Path, directory: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return run(str(BIN / "dbt"), "--log-path", str(data / "logs"), *arguments, data=data, directory=directory)


@pytest.fixture(scope="session")
def demo_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("demo")
    run(sys.executable, "-m", "ingest", "demo", "--data", str(data), data=data)
    dbt("build", data=data)
    return data


@pytest.fixture(scope="session")
def real_data(tmp_path_factory: pytest.TempPathFactory, real_files: Path) -> Path:
    data = tmp_path_factory.mktemp("nhanes")
    run(sys.executable, "-m", "ingest", "directory", str(real_files), "--data", str(data), data=data)
    dbt("build", data=data)
    return data


Query = Callable[[str], list[tuple]]


def connect(data: Path) -> Iterator[Query]:
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as connection:
        yield lambda query: connection.execute(query).fetchall()


@pytest.fixture
def demo(demo_data: Path) -> Iterator[Query]:
    yield from connect(demo_data)


@pytest.fixture
def real(real_data: Path) -> Iterator[Query]:
    yield from connect(real_data)
