"""The built site: it asks nothing of a network, and every notebook shows its pictures. Run by `make docs`."""

import re

import pytest

from tests.support.paths import LIBRARY

pytestmark = pytest.mark.distribution

HTML = LIBRARY / "site" / "html"
LOADED = re.compile(
    r"""<(?:script|img|iframe|source)[^>]*\ssrc=["']?(https?:)?//|"""
    r"""<link[^>]*rel=["']?stylesheet[^>]*href=["']?(https?:)?//|@import|url\(["']?https?:"""
)


def test_no_page_loads_anything_from_elsewhere():
    pages = [*HTML.rglob("*.html"), *HTML.rglob("*.css")]
    assert len(pages) > 20
    for page in pages:
        assert not LOADED.search(page.read_text()), page


@pytest.mark.parametrize("notebook", ["wqs", "qgcomp", "bkmr", "whole_analysis"])
def test_a_notebook_shows_its_pictures(notebook):
    asked = (LIBRARY / "docs" / "notebooks" / f"{notebook}.py").read_text().count(".plot_")
    page = HTML / "notebooks" / f"{notebook}.html"
    shown = re.findall(r'<img[^>]*src="([^"]+[.]svg)"', page.read_text())
    assert len(shown) == asked > 1
    for picture in shown:
        assert (page.parent / picture).read_text().count("<path") > 5
