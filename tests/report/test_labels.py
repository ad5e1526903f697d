"""What a study names is shown by that name: an invented exposure, outcome, covariate set and study."""

import json
import re
import zlib
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from report.html import write_report
from report.marts import open_marts
from report.summary import summary
from tests.report.support import made_results

pytestmark = pytest.mark.xdist_group("report")

INVENTED = {
    "peng2025": ("zqstudy", "As in the paper", "Vole trappers"),
    "osteoporosis": ("zqoutcome", "Osteoporosis", "Gout of the thumb"),
    "Cd": ("zqexposure", "Cadmium", "Moonlight"),
    "age_bmi": ("zqset", "Age and BMI", "Luck"),
}
"""By the code that it replaces: an invented code, the label that it replaces, an invented label."""


class Shown(HTMLParser):
    """What a page shows and reads aloud, by section: texts and descriptions, but no links and no scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sections: dict[str, list[str]] = {"": []}
        self.section = ""
        self.silent = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        if tag == "section":
            self.section = found["id"] or ""
            self.sections[self.section] = []
        self.silent = tag in ("script", "style")
        self.sections[self.section] += [found.get("aria-label") or "", found.get("title") or ""]

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.sections[self.section].append(data)


def renamed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a mart in which the invented codes and labels stand for others."""
    pairs = {old: new for old, (new, _, _) in INVENTED.items()}
    pairs |= {old: new for _, old, new in INVENTED.values()}
    frame = frame.replace(pairs | {"Blood cadmium": "Moonlight at night", "r[Cd]": "r[zqexposure]"})
    if "comparison" in frame:
        frame["comparison"] = frame["comparison"].replace("zqoutcome", "osteoporosis")
    return frame


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    marts = {name: renamed(frame) for name, frame in made_results.frames().items()}
    return made_results.write(tmp_path_factory.mktemp("invented") / "results.duckdb", marts=marts)


@pytest.fixture(scope="module")
def pages(database: Path) -> dict[str, str]:
    write_report(database, database.parent / "report.html")
    names = ("report.html", "appendix.html")
    return {name: (database.parent / name).read_text(encoding="utf-8") for name in names}


@pytest.fixture(scope="module")
def text(pages: dict[str, str]) -> str:
    return pages["appendix.html"]


MIXTURES = ("wqs", "qgcomp", "bkmr")
SINGLE = ("associations", "dose-response", "subgroups", "sensitivity")


@pytest.mark.parametrize(
    ("name", "sections"),
    [
        ("Moonlight", ("question", "exposures", *SINGLE, *MIXTURES)),
        ("Moonlight at night", ("exposures", "dose-response")),
        ("moonlight at night (\N{MICRO SIGN}g/L)", ("exposures", "dose-response")),
        ("Gout of the thumb", ("question", *SINGLE, *MIXTURES)),
        ("Luck", ("question", *SINGLE, "wqs", "qgcomp")),
        ("Vole trappers", ("question", "flow", "table-one", "exposures", *SINGLE, *MIXTURES)),
    ],
)
def test_names_are_shown_in_every_section(text, name, sections):
    shown = Shown(text).sections
    missing = [one for one in sections if name.lower() not in " ".join(shown[one]).lower()]
    assert missing == []


def test_codes_are_shown_nowhere(pages):
    for name, text in pages.items():
        for section, texts in Shown(text).sections.items():
            assert not re.findall(r"[^\s]*zq[^\s]*", " ".join(texts)), (name, section)


@pytest.mark.parametrize("label", ["Moonlight", "Gout of the thumb", "Luck", "Vole trappers"])
def test_names_are_shown_in_the_report(pages, label):
    shown = " ".join(text for texts in Shown(pages["report.html"]).sections.values() for text in texts)
    assert label.lower() in shown.lower()


def test_the_explorer_names_no_code(pages):
    packed = re.search(r'id="estimates">([^<]+)<', pages["report.html"])
    assert packed
    levels = json.loads(zlib.decompress(b64decode(packed[1])))["levels"]
    names = " ".join(text for texts in levels.values() for text in texts)
    assert "zq" not in names
    assert all(
        label in names for label in ("Moonlight at night", "Gout of the thumb", "Luck", "Vole trappers")
    )


def test_the_summary_is_the_first_screen_of_the_report(database):
    printed = " ".join(summary(database).split())
    assert "910 participants, 161 cases (vole trappers)" in printed
    assert "Of 3 findings of the paper, 3 can be tested" in printed
    assert "OR\N{NO-BREAK SPACE}2.11" in summary(database)
    assert "Very low" in printed


def test_without_claims_the_summary_is_of_the_first_study_by_its_names(tmp_path):
    marts = {name: renamed(frame) for name, frame in made_results.frames().items() if name != "replication"}
    printed = summary(made_results.write(tmp_path / "results.duckdb", marts=marts))
    assert "Gout of the thumb, odds ratios (95 % interval)" in printed
    assert "Moonlight" in printed
    assert "Luck" in printed


def test_invented_names_replace_all_others(database):
    with open_marts(database) as marts:
        found = marts.frame("select distinct exposure_short_name from main.associations order by all")
    assert "Moonlight" in set(found["exposure_short_name"])
    assert "Cadmium" not in set(found["exposure_short_name"])
