"""The pages of the library: their Python prints what they show, and the reference holds every public name."""

import re

import pytest

import mixepi
from tests.support.pages import DOCS, pages_with_python, run_page
from tests.support.paths import LIBRARY


def test_pages_are_found():
    assert {page.stem for page in pages_with_python()} >= {
        "README",
        "index",
        "guide-wqs",
        "guide-qgcomp",
        "guide-bkmr",
        "guide-survey",
    }


@pytest.mark.parametrize("page", pages_with_python(), ids=lambda page: page.stem)
def test_python_of_a_page(page):
    blocks = run_page(page)
    assert blocks
    for block in blocks:
        if block.answer is not None:
            assert block.printed == block.shown, f"{page.name}, line {block.line}"


def test_every_public_name_is_in_the_reference():
    text = "\n".join(page.read_text() for page in (DOCS / "reference").glob("*.md"))
    shown = re.findall(r"^\.\. auto(?:class|function|exception):: (\w+)$", text, flags=re.MULTILINE)
    assert len(shown) == len(set(shown))
    assert set(shown) == set(mixepi.__all__) - {"__version__"}


def test_citation_and_changes_name_the_version():
    assert f"version: {mixepi.__version__}\n" in (LIBRARY / "CITATION.cff").read_text()
    assert f"## [{mixepi.__version__}]" in (LIBRARY / "CHANGELOG.md").read_text()
