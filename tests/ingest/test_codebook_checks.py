"""A file and its page: what is loaded from both, and every difference that stops."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ingest.errors import RefusedError
from ingest.load import Report
from tests.ingest.support.pages import page_of
from tests.ingest.support.reading import query
from tests.ingest.support.small_files import ERRORS, frames, pbcd, write_xpt
from warehouse.seeds.catalogue import read_catalogue

Run = Callable[..., Report]


@pytest.fixture
def pages(folder: Path) -> Path:
    """Return the folder of the small files, with a page beside each."""
    for name, frame in frames().items():
        page_of(folder, name, frame)
    return folder


def change(folder: Path, old: str, new: str, name: str = "PBCD_H") -> None:
    """Change a page."""
    path = folder / f"{name}.htm"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_answers_are_one_row_per_person_and_variable(run: Run, pages: Path, raw_path: Path) -> None:
    run()
    rows = query(raw_path, "select * from raw.nhanes.answers where file = 'PBCD_H' order by seqn")
    assert rows == [
        (101, "2013-2014", "PBCD_H", "LBXBPB", 0.0),
        (102, "2013-2014", "PBCD_H", "LBXBPB", 0.07),
        (104, "2013-2014", "PBCD_H", "LBXBPB", 1.5),
        (105, "2013-2014", "PBCD_H", "LBXBPB", 2.5),
        (106, "2013-2014", "PBCD_H", "LBXBPB", 3.5),
    ]
    counts = query(
        raw_path, "select file, variable, count(*) from raw.nhanes.answers group by all order by all"
    )
    assert counts == [
        ("DEMO_H", "DMDMARTL", 10),
        ("DEMO_H", "RIDAGEYR", 10),
        ("DEMO_H", "WTMEC2YR", 10),
        ("PBCD_H", "LBXBPB", 5),
        ("P_DEMO", "NOTE", 12),
        ("P_DEMO", "RIDAGEYR", 12),
        ("P_DEMO", "WTMECPRP", 12),
    ]


def test_variables_and_codes_are_those_of_the_page(run: Run, pages: Path, raw_path: Path) -> None:
    said: list[str] = []
    run(said)
    assert said == ["DEMO_H: its page does not have NOTE, so no count was compared there."]
    variables = query(
        raw_path,
        "select variable, label, type, answers, missing, limit_of_detection, on_page "
        "from raw.nhanes.variables where file = 'PBCD_H' order by position",
    )
    assert variables == [
        ("SEQN", "Respondent sequence number", "DOUBLE", 6, 0, None, True),
        ("LBXBPB", "Blood lead (ug/dL)", "DOUBLE", 5, 1, None, True),
    ]
    codes = query(
        raw_path,
        "select code, number, low, high, label, kind, count, page_count, note "
        "from raw.nhanes.codes where variable = 'DMDMARTL' or file = 'PBCD_H' order by file, position",
    )
    assert codes == [
        ("1", 1, None, None, "Married", "value", 10, 10, None),
        ("77", 77, None, None, "Refused", "refused", 0, 0, None),
        ("99", 99, None, None, "Don't know", "dont_know", 0, 0, None),
        (".", None, None, None, "Missing", "missing", 0, 0, None),
        ("0 to 3.5", None, 0, 3.5, "Range of Values", "range", 5, 5, None),
        (".", None, None, None, "Missing", "missing", 1, 1, None),
    ]


@pytest.fixture
def one(pages: Path) -> Path:
    """Return the folder with a page beside the blood metals only."""
    for name in ("DEMO_H", "P_DEMO"):
        (pages / f"{name}.htm").unlink()
    return pages


def test_a_file_without_a_page_is_loaded_and_said_to_be_compared_with_nothing(
    run: Run, one: Path, raw_path: Path
) -> None:
    said: list[str] = []
    assert run(said).rows == 28
    assert "No page (NAME.htm) beside DEMO_H, P_DEMO" in said[0]
    assert "no count was compared" in said[0]
    assert query(raw_path, "select distinct file, on_page from raw.nhanes.variables order by 1") == [
        ("DEMO_H", False),
        ("PBCD_H", True),
        ("P_DEMO", False),
    ]
    assert query(raw_path, "select distinct file from raw.nhanes.codes") == [("PBCD_H",)]


def test_a_page_that_came_or_changed_is_read_with_its_file(run: Run, one: Path) -> None:
    run()
    assert run().loaded == ()
    page_of(one, "P_DEMO", frames()["P_DEMO"])
    assert run().loaded == ("P_DEMO",)
    change(one, "Blood lead", "Lead")
    assert run().loaded == ("PBCD_H",)
    (one / "P_DEMO.htm").unlink()
    assert run().loaded == ("P_DEMO",)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("<td>5</td>", "<td>4</td>", "LBXBPB 0 to 3.5 'Range of Values': 4 -> 5"),
        ("<td>1</td>", "<td>0</td>", "LBXBPB . 'Missing': 0 -> 1"),
        ("0 to 3.5", "0 to 3.4", "LBXBPB from 0 to 3.4, found 0 to 3.5"),
        ("0 to 3.5", "0.01 to 3.5", "LBXBPB from 0.01 to 3.5, found 0 to 3.5"),
        ("0 to 3.5", "3.5", "LBXBPB 0 '': not on the page -> 1"),
        ("PBCD_H", "PBCD_I", "the page of PBCD_I"),
        ("<dl>", "<p>", "found:      one above all"),
    ],
)
def test_a_difference_stops_and_is_named(
    run: Run, one: Path, raw_path: Path, old: str, new: str, found: str
) -> None:
    run()
    before = raw_path.read_bytes()
    change(one, old, new)
    with pytest.raises(RefusedError) as refused:
        run()
    assert found in str(refused.value)
    assert str(one / "PBCD_H.htm") in str(refused.value)
    assert raw_path.read_bytes() == before


def coded(folder: Path) -> None:
    """Give the blood metals a column of codes, of which the page names 1 but not the 2 that is there."""
    frame = pbcd(LBDBPBLC=[0.0, 2, 0, 0, np.nan, 0])
    codes = [("0", "At or above"), ("1", "Below"), (".", "Missing")]
    write_xpt(folder / "PBCD_H.XPT", frame)
    page_of(folder, "PBCD_H", frame, LBDBPBLC=codes)
    change(folder, "<td>1</td><td>Below</td><td>0</td>", "<td>1</td><td>Below</td><td>1</td>")


def test_a_known_error_of_a_page_is_a_row_with_a_reason(
    run: Run, one: Path, seeds: Path, raw_path: Path
) -> None:
    coded(one)
    with pytest.raises(RefusedError) as refused:
        run()
    rows = ["PBCD_H,LBDBPBLC,1,1,0,,", "PBCD_H,LBDBPBLC,2,,1,,"]  # as the message gives them
    assert all(f"      {row}" in str(refused.value) for row in rows)
    known = f"{ERRORS}{rows[0]}prints 1 for 2\n{rows[1][:-1]}Below,prints 1 for 2\n"
    (seeds / "codebook_errors.csv").write_text(known)
    run(catalogue=read_catalogue(seeds))
    codes = query(
        raw_path,
        "select code, number, label, kind, count, page_count, note from raw.nhanes.codes "
        "where variable = 'LBDBPBLC' order by position",
    )
    assert codes == [
        ("0", 0, "At or above", "value", 4, 4, None),
        ("1", 1, "Below", "value", 0, 1, "prints 1 for 2"),
        (".", None, "Missing", "missing", 1, 1, None),
        ("2", 2, "Below", "value", 1, None, "prints 1 for 2"),
    ]


def test_a_known_error_that_cdc_has_corrected_is_said(run: Run, one: Path, seeds: Path) -> None:
    (seeds / "codebook_errors.csv").write_text(f"{ERRORS}PBCD_H,LBXBPB,.,2,1,,one too many\n")
    with pytest.raises(RefusedError) as refused:
        run(catalogue=read_catalogue(seeds))
    assert "the count 2 on the page for LBXBPB ." in str(refused.value)
    assert "found:      the count 1" in str(refused.value)


def test_texts_are_counted_too(run: Run, one: Path) -> None:
    frame = pbcd(BRAND=["A", "", "B", "A", "", "C"])
    write_xpt(one / "PBCD_H.XPT", frame)
    page = page_of(one, "PBCD_H", frame)
    rows = "".join(
        f"<tr><td>{code}</td><td>{label}</td><td>{count}</td></tr>"
        for code, label, count in [
            ("A", "Brand A", 2),
            ("Brand", "Value was recorded", 2),
            ("", "Missing", 2),
        ]
    )
    head = "<tr><th>Code or Value</th><th>Value Description</th><th>Count</th></tr>"
    table = f"<dl><dt>Variable Name:</dt><dd>BRAND</dd></dl><table>{head}{rows}</table></body>"
    page.write_text(page.read_text().replace("</body>", table))
    assert run().rows == 28
    change(one, "<td>Value was recorded</td><td>2</td>", "<td>Value was recorded</td><td>3</td>")
    with pytest.raises(RefusedError, match="BRAND Brand 'Value was recorded': 3 -> 2"):
        run()
