"""Traps between releases: codes that change their meaning, top codes that change, no comment codes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.load import Report
from tests.ingest.support.pages import page_of
from tests.ingest.support.reading import query
from tests.ingest.support.small_files import frames, write_xpt

Run = Callable[..., Report]
MARITAL = [("1", "Married"), ("3", "Divorced"), (".", "Missing")]
AGES = [("0 to 79", "Range of Values"), ("80", "80 years of age and over"), (".", "Missing")]


@pytest.fixture
def load_releases(run: Run, folder: Path) -> Callable[..., None]:
    """Return a function that loads two releases with the codes of marital status and age that are given."""

    def load(second: list[tuple[str, str]], ages: list[tuple[str, str]]) -> None:
        first = frames()["DEMO_H"].drop(columns="NOTE")
        later = frames()["P_DEMO"].drop(columns="NOTE").assign(DMDMARTL=3.0)
        for name, frame, codes, tops in (("DEMO_H", first, MARITAL, AGES), ("P_DEMO", later, second, ages)):
            write_xpt(folder / f"{name}.XPT", frame)
            page_of(folder, name, frame, DMDMARTL=codes, RIDAGEYR=tops)
        run()

    return load


def test_the_same_code_with_other_words_is_found(load_releases: Callable[..., None], raw_path: Path) -> None:
    """Code 3 of DMDMARTL is divorced; of DMDMARTZ, which followed it, never married."""
    load_releases([("1", "Married"), ("3", "Never married"), (".", "Missing")], AGES)
    assert query(raw_path, "select * from raw.nhanes.changed_words order by label") == [
        ("DMDMARTL", 3, "Divorced", ["2013-2014"]),
        ("DMDMARTL", 3, "Never married", ["2017-2020"]),
    ]
    assert query(raw_path, "select * from raw.nhanes.changed_top_codes") == []


def test_capitals_and_signs_are_no_other_words(load_releases: Callable[..., None], raw_path: Path) -> None:
    load_releases([("1", "MARRIED."), ("3", "divorced, "), (".", "Missing")], AGES)
    assert query(raw_path, "select * from raw.nhanes.changed_words") == []


def test_a_top_code_that_changes_is_found(load_releases: Callable[..., None], raw_path: Path) -> None:
    """Age is top-coded at 85 until 2006, then at 80: 80 is a person of 80 first, and of 80 and over later."""
    load_releases(
        MARITAL, [("0 to 84", "Range of Values"), ("85", "85 years of age and over"), (".", "Missing")]
    )
    assert query(raw_path, "select * from raw.nhanes.changed_top_codes order by number") == [
        ("RIDAGEYR", 80, "80 years of age and over", ["2013-2014"], ["2017-2020"]),
        ("RIDAGEYR", 85, "85 years of age and over", ["2017-2020"], ["2013-2014"]),
    ]


def test_a_variable_without_a_comment_code_has_no_row_of_one(run: Run, raw_path: Path) -> None:
    """Blood metals have no comment codes before 2009: asking for one finds nothing, and is no error."""
    run()
    asked = "select count(*) from raw.nhanes.answers where variable = 'LBDBPBLC'"
    assert query(raw_path, asked) == [(0,)]


def test_real_pages_have_these_traps(real_files: Path, tmp_path: Path) -> None:
    """2009-2010 beside 2013-2014: artefacts of bone scans have other codes, two questions other tops."""
    from ingest.load import load
    from ingest.sources.added import published_entry
    from ingest.sources.directory import DirectorySource
    from warehouse.seeds.catalogue import Catalogue, read_catalogue
    from warehouse.seeds.published import read_published

    if not list(real_files.rglob("DXXSPN_F.XPT")):
        pytest.skip("the files of 2009-2010 are not there")
    catalogue, published = read_catalogue(), read_published().files
    names = ("DXXSPN_F", "DXXSPN_H", "RHQ_F", "P_RHQ")
    wanted = Catalogue(
        tuple(published_entry(published[name], catalogue) for name in names), catalogue.known_errors
    )
    path = tmp_path / "raw.duckdb"
    load(DirectorySource(real_files).fetch(wanted, lambda line: None), path, wanted, lambda line: None)
    words = "select label from raw.nhanes.changed_words where variable = 'DXXL1BCC' and number = 1"
    assert query(path, f"{words} order by label") == [
        ("Objects not removed",),
        ("Removable or non-removable objects",),
    ]
    tops = "select number, other_releases from raw.nhanes.changed_top_codes where variable = 'RHD180'"
    assert query(path, f"{tops} order by number") == [(14, ["2017-2020"]), (17, ["2009-2010"])]
