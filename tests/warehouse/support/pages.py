"""README, CONTRIBUTING and docs, those of the library too, and the commands in them."""

import re
from collections.abc import Sequence
from pathlib import Path

from tests.warehouse.support.builds import ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
LIBRARY_PAGES = [ROOT / "mixepi" / "README.md", *sorted((ROOT / "mixepi" / "docs").rglob("*.md"))]
CHANGE_THE_STUDY = ROOT / "docs" / "change-the-study.md"

LOOP_OR_LINE = re.compile(r"^for .*?^done$|^[^\n]+$", flags=re.DOTALL | re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), flags=re.DOTALL)


def commands_of(block: str) -> list[str]:
    """Return the commands of a `sh` block without their comments; a loop is one."""
    return [command.split(" #")[0].strip() for command in LOOP_OR_LINE.findall(block)]


def commands(pages: Sequence[Path] = PAGES) -> list[str]:
    """Every command of some pages: of `sh` blocks, and code in the text that starts as one.

    In the text, what lies in `.venv/bin` may go without that.
    """
    found: set[str] = set()
    for page in pages:
        for block in blocks(page, "sh"):
            found |= set(commands_of(block))
        prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
        spans = (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose))
        found |= {span for span in spans if re.match(r"((\.venv/bin/)?(python|dbt) |make( |$))", span)}
    return sorted({command.removeprefix(".venv/bin/") for command in found if "..." not in command})
