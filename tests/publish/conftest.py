"""A small private warehouse that looks like one of dbt's, made in milliseconds, and its publication."""

from collections.abc import Callable
from pathlib import Path

import pytest

from publish.build import build
from publish.layout import PublishLayout
from publish.record import Published
from tests.publish.support.small_build import steps


@pytest.fixture
def layout(tmp_path: Path) -> PublishLayout:
    return PublishLayout(tmp_path / "data", tmp_path / "results")


Build = Callable[..., Published]


@pytest.fixture
def run(layout: PublishLayout) -> Build:
    """Build and publish tables that are full of one value."""

    def build_once(
        value: int, *, source: str = "demo", at: PublishLayout = layout, seconds: float = 0
    ) -> Published:
        return build(at, steps(at, value, source=source), print, seconds)

    return build_once
