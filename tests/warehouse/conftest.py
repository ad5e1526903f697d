"""Warehouses built by the very commands that users type, once per test session."""

import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.support.builds import newcomers_copy, type_in


@pytest.fixture(scope="session")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of this project in which `make demo` was typed; beside it lies a copy of its data."""
    checkout = newcomers_copy(tmp_path_factory.mktemp("newcomer") / "nhanes-bone")
    type_in(checkout, "make demo")
    with_results(shutil.copytree(checkout / "data" / "demo", checkout.parent / "demo", symlinks=True))
    return checkout


@pytest.fixture(scope="session")
def demo_data(newcomer: Path) -> Path:
    """Return what `make demo` made, whatever was typed since; tests may build in it."""
    return newcomer.parent / "demo"


@pytest.fixture(scope="session")
def real_data(tmp_path_factory: pytest.TempPathFactory, real_files: Path) -> Path:
    checkout = newcomers_copy(tmp_path_factory.mktemp("real") / "nhanes-bone")
    type_in(checkout, f"make build NHANES_DIR={shlex.quote(str(real_files))} PROFILE=quick")
    return with_results(checkout / "data" / "nhanes")


def with_results(data: Path) -> Path:
    """Have the results of a data directory lie in it too."""
    (data / "results").symlink_to("published/latest")
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
