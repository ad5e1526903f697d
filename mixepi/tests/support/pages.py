"""The Python blocks of the library's pages: run in order, and their printed answers compared.

A block marked `python` is run, one marked `py` is only shown. A `text` block after it is what it prints.
`python -m tests.support.pages PAGE ...` writes these answers anew.
"""

import contextlib
import io
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.paths import LIBRARY

DOCS = LIBRARY / "docs"
BLOCK = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?:\n^```text\n(?P<answer>.*?)^```\n)?", re.DOTALL | re.MULTILINE
)

# Shorter than what the page says, so that a test has time for it.
SHORTER = {"ChainOptions(draws=1000)": "ChainOptions(warmup=50, draws=50, progress=False)"}


@dataclass(frozen=True, kw_only=True)
class Block:
    """One block of a page: its code, where in the page its answer stands, and what its code printed."""

    line: int
    answer: tuple[int, int] | None
    shown: str
    printed: str


def pages_with_python() -> list[Path]:
    """Return every page of the library with a block that is run."""
    pages = [LIBRARY / "README.md", *sorted(DOCS.rglob("*.md"))]
    return [page for page in pages if BLOCK.search(page.read_text())]


def run_page(page: Path) -> list[Block]:
    """Run the blocks of a page one after the other, in a folder of their own, with the page's data."""
    text = page.read_text()
    blocks = []
    with _beside_the_notebooks(), tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        namespace = _data(page.name)
        for found in BLOCK.finditer(text):
            line = text.count("\n", 0, found.start()) + 2
            source = found["code"]
            for long, short in SHORTER.items():
                source = source.replace(long, short)
            # the lines of a traceback are those of the page
            code = compile("\n" * (line - 1) + source, str(page), "exec")
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exec(code, namespace)
            answer = None if found["answer"] is None else found.span("answer")
            blocks.append(
                Block(line=line, answer=answer, shown=found["answer"] or "", printed=printed.getvalue())
            )
    return blocks


@contextlib.contextmanager
def _beside_the_notebooks() -> Iterator[None]:
    """Let pages import what lies beside the notebooks."""
    sys.path.insert(0, str(DOCS / "notebooks"))
    try:
        yield
    finally:
        sys.path.remove(str(DOCS / "notebooks"))


def _data(page: str) -> dict[str, Any]:
    """Return what a page takes for granted: data under the reader's own names, made up here."""
    from made_up import made_up_people

    people = made_up_people(532)
    metals = {"lead": "pb", "cadmium": "cd", "mercury": "hg", "selenium": "se", "manganese": "mn"}
    if page == "guide-wqs.md":
        cohort = people.rename(
            columns=metals
            | {"id": "seqn", "age": "age_years", "weight": "blood_metals_weight", "stratum": "strata"}
        )
        return {
            "cohort": cohort.assign(
                osteoporosis=people["fracture"],
                race_ethnicity=people["smoking"],
                ever_smoked=people["fasted"],
            )
        }
    if page == "guide-bkmr.md":
        named = people.head(80).rename(columns=metals | {"bone_density": "bmd"})
        named.assign(smoke=(named["smoking"] != "never").astype(int)).to_csv("people.csv", index=False)
    return {}


def write_answers(page: Path) -> None:
    """Write into a page what its blocks print."""
    text = page.read_text()
    for block in reversed(run_page(page)):
        if block.answer is not None:
            start, end = block.answer
            text = text[:start] + block.printed + text[end:]
    page.write_text(text)


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for name in sys.argv[1:]:
        write_answers(Path(name).resolve())
