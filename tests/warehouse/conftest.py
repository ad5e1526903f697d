"""Warehouses built by the very commands that users run, once per test session."""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from builds import publish


@pytest.fixture(scope="session")
def demo_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("demo")
    publish("demo", data=data)
    return data


@pytest.fixture(scope="session")
def real_data(tmp_path_factory: pytest.TempPathFactory, real_files: Path) -> Path:
    data = tmp_path_factory.mktemp("nhanes")
    publish("directory", str(real_files), data=data)
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
