"""Imports run one way between the rooms of the project, and in no circle between modules."""

import ast
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

import pytest

from warehouse.paths import PROJECT_ROOT

# What each room may import besides itself.
ALLOWED = {
    "mixepi": set(),
    "warehouse": set(),
    "demo": {"mixepi", "warehouse"},
    "ingest": {"demo", "warehouse"},
    "analysis": {"mixepi", "warehouse"},
    "python_models": {"analysis"},
    "report": {"warehouse"},
    "publish": {"ingest", "report", "warehouse"},
}
FOLDERS = {"mixepi": "mixepi/src/mixepi"}


def sources() -> dict[str, str]:
    """Return the text of every module by its dotted name."""
    found = {}
    for room in ALLOWED:
        folder = PROJECT_ROOT / FOLDERS.get(room, room)
        for path in folder.rglob("*.py"):
            name = ".".join([room, *path.relative_to(folder).with_suffix("").parts])
            found[name.removesuffix(".__init__")] = path.read_text()
    return found


def imports(texts: Mapping[str, str]) -> dict[str, set[str]]:
    """Return which modules of the project each module imports, at its top or inside a function."""
    arrows = {}
    for name, text in texts.items():
        named: set[str] = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{name} has a relative import"
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                named |= inner & texts.keys() or {str(node.module)}
        arrows[name] = named & texts.keys()
    return arrows


def wrong_arrows(arrows: dict[str, set[str]]) -> list[str]:
    return sorted(
        f"{name} -> {other}"
        for name, others in arrows.items()
        for other in others
        if (room := name.split(".")[0]) != (target := other.split(".")[0]) and target not in ALLOWED[room]
    )


def test_arrows_run_one_way():
    arrows = imports(sources())
    assert len(arrows) > 150
    assert wrong_arrows(arrows) == []


@pytest.mark.parametrize("is_library", [False, True])
def test_no_modules_import_each_other(is_library):
    """An error of the sorter names a circle."""
    texts = {name: text for name, text in sources().items() if name.startswith("mixepi") is is_library}
    TopologicalSorter(imports(texts)).prepare()


@pytest.mark.parametrize(
    ("module", "line", "found"),
    [
        ("warehouse.locks", "from ingest.errors import SourceError", "warehouse.locks -> ingest.errors"),
        ("report.page", "import publish.record", "report.page -> publish.record"),
        ("mixepi.wqs.fit", "from analysis import records", "mixepi.wqs.fit -> analysis.records"),
        ("demo.truth", "def late():\n    from ingest import load", "demo.truth -> ingest.load"),
    ],
)
def test_a_wrong_arrow_is_found(module, line, found):
    texts = sources()
    texts[module] += f"\n{line}\n"
    assert wrong_arrows(imports(texts)) == [found]


def test_a_circle_is_found():
    texts = {name: text for name, text in sources().items() if name.startswith("warehouse")}
    texts["warehouse.errors"] += "\nfrom warehouse.locks import describe_process\n"
    with pytest.raises(CycleError, match=r"warehouse\.(errors|locks)"):
        TopologicalSorter(imports(texts)).prepare()
