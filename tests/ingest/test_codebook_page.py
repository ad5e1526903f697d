"""CDC's pages: what is read from the several templates of 1999-2023, and what is refused."""

from pathlib import Path

import pandas as pd
import pytest

from ingest.codebook_page import MAX_PAGE_BYTES, read_page
from ingest.errors import PageError

# One variable with counts and one without, as the tools of the years wrote them.
LOWER_CASE = """<!DOCTYPE html><html><head><title>ALQ_H</title></head><body>
<div id="PageHeader"><h1>National Health and Nutrition Examination Survey</h1>
<h3>Alcohol Use (ALQ_H)</h3><h4> Data File: ALQ_H.xpt</h4></div>
<div id="Codebook"><div class="pagebreak">
<h3 class="vartitle" id="SEQN">SEQN - Respondent sequence number</h3>
<dl><dt>Variable Name: </dt><dd class="info">SEQN</dd><dt>SAS Label: </dt><dd>Respondent sequence number</dd>
<dt>Target: </dt><dd> Both males and females 18 YEARS -
\t\t\t150 YEARS</dd></dl></div>
<div class="pagebreak"><h3 class="vartitle" id="ALQ101">ALQ101 - Had at least 12 drinks</h3>
<dl><dt>Variable Name: </dt><dd class="info">ALQ101</dd><dt>SAS Label: </dt><dd>Had at least 12 drinks</dd>
<dt>English Text: </dt><dd class="info">In {any one year}, {have you/has SP} had 12 drinks?</dd>
<dt>Target: </dt><dd>Both males and females 18 YEARS - 150 YEARS</dd></dl>
<table class="values"><thead><tr><th>Code or Value</th><th>Value Description</th><th>Count</th>
<th>Cumulative</th><th>Skip to Item</th></tr></thead><tbody>
<tr><td scope="row">1</td><td>Yes</td><td align="right">3,790</td><td>3790</td><td></td></tr>
<tr><td scope="row">0 to 12.5</td><td>Range of Values</td><td>5</td><td>3795</td><td></td></tr>
<tr><td scope="row">777</td><td>Refused</td><td>0</td><td>3795</td><td></td></tr>
<tr><td scope="row">999</td><td>Don't know</td><td>5</td><td>3800</td><td><a href="#END">END</a></td></tr>
<tr><td scope="row">.</td><td>Missing</td><td>502</td><td>4302</td><td></td></tr>
</tbody></table></div></div></body></html>
"""
SHOUTED = (
    LOWER_CASE.replace("<dl>", "<DL>").replace("</dl>", "</DL>").replace("<dt>", "<DT>").replace("dd>", "DD>")
    .replace("<dd", "<DD").replace("table", "TABLE").replace("<td", "<TD").replace("td>", "TD>")
    .replace("<tr>", "\r\n  <TR>").replace("<th>", '<TH class="values">').replace("h3", "H3")
    .replace("h4", "H4")
)  # fmt: skip
# the closing tags that HTML lets a writer leave out, an anchor for a heading, layout tables around
ANCHORED = (
    LOWER_CASE.replace('<h3 class="vartitle" id="ALQ101">', '<a name="ALQ101"><b>').replace("</dt>", "")
    .replace("</dd>", "").replace("</td>", "").replace("</tr>", "").replace("<p>", "")
    .replace('<div id="Codebook">', "<table><tr><td>layout</td></tr></table><div>")
)  # fmt: skip
NESTED = LOWER_CASE.replace(
    '<div class="pagebreak">',
    '<section><div class="container"><div class="row"><div class="col-md-12 pagebreak"><p>x</p>',
)
OLD_LETTERS = LOWER_CASE.replace("Don't know", "Don\x92t know")


@pytest.mark.parametrize(
    "page",
    [
        LOWER_CASE.encode(),
        b"\xef\xbb\xbf" + LOWER_CASE.encode(),
        SHOUTED.encode(),
        ANCHORED.encode(),
        NESTED.encode(),
        OLD_LETTERS.encode("latin-1"),
    ],
    ids=[
        "lower case",
        "byte order mark",
        "upper case",
        "anchors and open tags",
        "containers",
        "windows-1252",
    ],
)
def test_every_template_says_the_same(page: bytes) -> None:
    read = read_page(page)
    assert read.file == "ALQ_H"
    key, asked = read.variables
    assert (key.name, key.codes) == ("SEQN", ())
    assert key.target == "Both males and females 18 YEARS - 150 YEARS"
    assert (asked.name, asked.label) == ("ALQ101", "Had at least 12 drinks")
    assert asked.question == "In {any one year}, {have you/has SP} had 12 drinks?"
    assert [(code.code, code.number, code.kind, code.count) for code in asked.codes] == [
        ("1", 1.0, "value", 3790),
        ("0 to 12.5", None, "range", 5),
        ("777", 777.0, "refused", 0),
        ("999", 999.0, "dont_know", 5),
        (".", None, "missing", 502),
    ]


def with_limits(rows: str) -> bytes:
    """Return the page with a table of limits in its text."""
    table = f"<table><tr><td>Analyte</td><td>SAS Label</td><td>LLOD (ug/L)</td></tr>{rows}</table>"
    return LOWER_CASE.replace('<div id="Codebook">', f"{table}<div>").encode()


def test_a_limit_is_taken_where_a_table_gives_one() -> None:
    read = read_page(with_limits("<tr><td>ALQ101</td><td>Drinks, 2 kinds</td><td>0.07</td></tr>"))
    assert [variable.limit_of_detection for variable in read.variables] == [None, 0.07]


def test_of_two_limits_in_one_release_none_is_the_limit() -> None:
    """Mercury of 2005-2006 has two: the lower until a new instrument came."""
    row = "<tr><td>ALQ101</td><td>Drinks</td><td>{}</td></tr>"
    (_, asked) = read_page(with_limits(row.format("0.20") + row.format("0.32"))).variables
    assert asked.limit_of_detection is None
    (_, asked) = read_page(
        with_limits("<tr><td>ALQ101</td><td>Drinks</td><td>0.2</td><td>0.3</td></tr>")
    ).variables
    assert asked.limit_of_detection is None


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (b"<html>Page Not Found</html>", "expected a page that describes variables; found none"),
        (b"", "found none"),
        (LOWER_CASE.replace("3,790", "many").encode(), "a count of ALQ101, code '1'; found 'many'"),
        (LOWER_CASE.replace("<dd class=\"info\">SEQN", "<dd>ALQ101").encode(), "ALQ101 more than once"),
        (LOWER_CASE.replace("<th>Count</th>", "<th>N</th>").encode(), "columns Value Description and Count"),
        (b" " * (MAX_PAGE_BYTES + 1), "at most 20,000,000 bytes"),
    ],
)  # fmt: skip
def test_other_pages_are_refused(page: bytes, message: str) -> None:
    with pytest.raises(PageError, match=message):
        read_page(page)


def test_real_pages_say_what_another_reader_found(real_files: Path) -> None:
    """`codebook.csv` was made from the same pages of 31 files by another program."""
    codebook = real_files / "codebook.csv"
    if not codebook.is_file():
        pytest.skip(f"no {codebook}")
    expected = pd.read_csv(codebook, dtype=str, keep_default_na=False)
    # without counts are respondent numbers; one row is of a table of years, in the text of a page
    expected = expected[expected["count"].str.fullmatch("[0-9]+")]
    pages = {path.stem: path for path in real_files.rglob("*.htm")}
    found = {
        (file, variable.name, code.code, code.label, code.count)
        for file in expected["file"].unique()
        for variable in read_page(pages[file].read_bytes()).variables
        for code in variable.codes
    }
    columns = expected[["file", "variable", "code", "description", "count"]].itertuples(
        index=False, name=None
    )
    wanted = {
        (file, variable.upper(), code or ".", label, int(count))
        for file, variable, code, label, count in columns
    }
    assert len(wanted) > 4000
    assert found == wanted


def test_every_real_page_names_its_file_and_all_its_variables(real_files: Path) -> None:
    from ingest.transport import read_layout

    pages = sorted(real_files.rglob("*.htm"))
    assert len(pages) == len(list(real_files.rglob("*.XPT")))
    for path in pages:
        page = read_page(path.read_bytes())
        assert page.file == path.stem
        names = {field.name for field in read_layout(path.with_suffix(".XPT").read_bytes()).fields}
        assert names <= {variable.name for variable in page.variables}
