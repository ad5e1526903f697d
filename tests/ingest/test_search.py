"""Search: variables by words over all releases, and what is loaded of them."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.errors import SourceError
from ingest.load import Report
from ingest.search import lines, search, with_loaded
from tests.ingest.support.pages import page_of
from tests.ingest.support.small_files import frames
from warehouse.seeds.published import Published, read_published


@pytest.fixture(scope="module")
def published() -> Published:
    return read_published()


def test_cdc_has_published_these(published: Published) -> None:
    assert len(published.files) == 1569
    assert len(published.variables) == 52_828
    assert {variable.file for variable in published.variables} <= published.files.keys()
    releases = {file.release for file in published.files.values()}
    assert {"1999-2000", "2009-2010", "2017-2020", "2021-2023"} <= releases
    for file in published.files.values():
        assert file.address.startswith("https://wwwn.cdc.gov/Nchs/Data/Nhanes/Public/")
        assert file.address.rpartition("/")[2].upper() == f"{file.file}.XPT"


def test_selenium_in_blood_is_in_six_releases_under_one_name(published: Published) -> None:
    hits = search(published, "Selenium blood (ug/L)")
    assert [(hit.variable.variable, hit.file.file) for hit in hits if hit.variable.variable == "LBXBSE"] == [
        ("LBXBSE", name) for name in ("PBCD_G", "PBCD_H", "PBCD_I", "PBCD_J", "P_PBCD", "PBCD_L")
    ]
    assert hits[0].variable.variable == "LBXBSE"
    weights = {hit.file.release: hit.weights for hit in hits}
    assert (weights["2013-2014"], weights["2011-2012"]) == (("WTSH2YR",), ())


def test_a_word_of_the_file_counts_less_than_one_of_the_label(published: Published) -> None:
    hits = search(published, "osteoporosis", ["2013-2014"])
    own = ["osteoporosis" in hit.variable.label.lower() for hit in hits]
    assert own[0]
    assert own == sorted(own, reverse=True)
    assert search(published, "lbxbse")[0].variable.variable == "LBXBSE"


@pytest.mark.parametrize(
    ("words", "releases", "message"),
    [
        ("bloot selenum", [], r"bloot: the nearest .*blood(.|\n)*selenum: the nearest words are selenium"),
        ("selenium", ["2013"], r"Expected a release of 1999-2000, .*; found '2013'"),
        ("?!", [], "Expected a word"),
        ("LBXBSE", ["1999-2000"], "No variable .* in 1999-2000"),
    ],
)  # fmt: skip
def test_nothing_found_names_what_is_near(
    published: Published, words: str, releases: list[str], message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        search(published, words, releases)


def test_what_is_loaded_is_counted(
    run: Callable[..., Report], folder: Path, raw_path: Path, published: Published
) -> None:
    page_of(folder, "PBCD_H", frames()["PBCD_H"])
    run()
    hits = with_loaded(search(published, "LBXBPB", ["2013-2014", "2017-2020"]), raw_path)
    assert list(lines(hits, 5)) == [
        "LBXBPB  Blood lead (ug/dL)",
        "    2013-2014  PBCD_H    Lead, Cadmium, Total Mercury, Selenium, and Manganese - Blood; "
        "its own weight: WTSH2YR",
        "        loaded: 5 answers, 1 missing",
        "            0 to 3.5     Range of Values: 5",
        "    2017-2020  P_PBCD    Lead, Cadmium, Total Mercury, Selenium, & Manganese - Blood; "
        "no weight of its own",
    ]
    age = with_loaded(search(published, "RIDAGEYR", ["2013-2014"]), raw_path)
    assert "no page: codes not known, nothing compared" in "\n".join(lines(age, 5))


def test_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ingest", "search", "--data", str(tmp_path)]
    found = subprocess.run([*command, "blood", "selenium"], capture_output=True, text=True, timeout=600)
    assert found.returncode == 0
    assert found.stdout.startswith("LBXBSE  Blood selenium (ug/L)\n")
    nothing = subprocess.run([*command, "selenum"], capture_output=True, text=True, timeout=600)
    assert nothing.returncode == 1
    assert "nearest words are selenium" in nothing.stderr
