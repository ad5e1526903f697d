"""What the file holds: everything asked for, nothing from elsewhere, hostile texts as texts."""

import json
import re
import shutil
import zlib
from base64 import b64decode, b64encode
from collections import Counter
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from report.errors import ReportError
from report.html import LARGEST_BYTES, main, write_report
from tests.report.support import made_results

pytestmark = pytest.mark.xdist_group("report")
PAGES = {"report.html", "appendix.html"}
VOID = {"meta", "link", "br", "img", "input", "path", "circle", "rect", "line"}


class Page(HTMLParser):
    """Elements with their attributes, the texts of scripts, and whether all elements are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def unpacked(text: str) -> str:
    return zlib.decompress(b64decode(text, validate=True)).decode()


@pytest.fixture(scope="module", params=["report.html", "appendix.html"])
def text(request: pytest.FixtureRequest, made_report: Path) -> str:
    return made_report.with_name(request.param).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


@pytest.fixture(scope="module")
def report(made_report: Path) -> str:
    return made_report.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def appendix(made_report: Path) -> str:
    return made_report.with_name("appendix.html").read_text(encoding="utf-8")


def test_small_enough(made_report):
    assert made_report.stat().st_size < LARGEST_BYTES


def test_a_report_that_is_too_large_is_written_with_a_warning(
    made_database, made_report, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("report.html.LARGEST_BYTES", 100_000)
    write_report(made_database, tmp_path / "report.html")
    size = made_report.stat().st_size
    assert (tmp_path / "report.html").stat().st_size == size
    said = capsys.readouterr().err
    assert said.startswith(f"warning: expected a report of at most 0.1 MB, found {size / 1e6:.1f} MB")


def test_everything_is_inside(page):
    links = [value for tag, attributes in page.elements for name, value in attributes.items()
             if name in ("src", "href", "action", "srcset")]  # fmt: skip
    assert links
    assert all(link.startswith(("#", "data:")) or link in PAGES for link in links)
    assert not page.open


def test_only_its_own_scripts_may_run(page):
    policy = next(
        item["content"] for item in page.all("meta") if item.get("http-equiv") == "Content-Security-Policy"
    )
    by_name = dict(zip([item.get("id") for item in page.all("script")], page.scripts, strict=True))
    assert set(by_name) - {"estimates"} == {"tables", None}
    assert f"'sha256-{b64encode(sha256(by_name[None].encode()).digest()).decode()}'" in policy
    assert "default-src 'none'" in policy
    allowed = policy.split("script-src")[1].split(";")[0].split()
    assert len(allowed) == 1
    assert all(item.startswith("'sha256-") for item in allowed)
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


def test_sections_in_order(report, appendix):
    assert [item["id"] for item in Page(report).all("section")] == [
        "findings", "flow", "table-one", "exposures", "associations", "dose-response", "mixtures",
        "subgroups", "specifications", "explore", "cite",
    ]  # fmt: skip
    assert [item["id"] for item in Page(appendix).all("section")] == [
        "question", "replication", "flow", "table-one", "exposures", "associations", "dose-response", "wqs",
        "qgcomp", "bkmr", "subgroups", "sensitivity", "provenance",
    ]  # fmt: skip


def test_links_within_the_page_lead_somewhere_and_names_are_unique(page):
    names = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert names.most_common(1)[0][1] == 1
    targets = {item["href"][1:] for item in page.all("a") if item.get("href", "").startswith("#")}
    assert targets <= set(names)


def test_figures_and_tables_are_numbered_for_each_study_alike(report, appendix):
    for text, prefix in ((report, ""), (appendix, "A")):
        found = re.findall(r'class="number-of" href="#[^"]+">(Figure|Table) (\w+)\. <', text)
        for kind in ("Figure", "Table"):
            numbers = [number.removeprefix(prefix) for one, number in found if one == kind]
            assert all(number.isdigit() for number in numbers)
            assert {int(number) for number in numbers} == set(range(1, max(map(int, numbers)) + 1))
    assert len(re.findall(r">Figure 3\. <", report)) == len(made_results.STUDIES)


def test_every_figure_says_how_to_read_it_and_what_it_does_not_show(text):
    figures = re.findall(r'<figure id="(?!explored).*?</figure>', text, flags=re.DOTALL)
    assert len(figures) > 10
    for figure in figures:
        assert "<figcaption>" in figure
        assert "How to read it, and what it does not show" in figure
        assert "<b>Not shown.</b>" in figure
        assert 'data-save="csv"' in figure


def test_tables_have_captions_scopes_and_a_csv(text, page):
    shown = text[: text.index('id="tables"')]
    tables = re.findall(r"<table(?! id=).*?</table>", shown, flags=re.DOTALL)
    assert len(tables) > 10
    for table in tables:
        assert "<caption" in table
        heads = re.findall(r"<th\b[^>]*>", table)
        assert heads
        assert all("scope=" in head for head in heads)
    names = re.findall(r'data-name="([^"]+)"', shown)
    assert len(set(names)) == len(names)
    packed = page.scripts[[item.get("id") for item in page.all("script")].index("tables")]
    assert set(json.loads(unpacked(packed))) == set(names)


def test_no_heading_of_a_row_is_blank_and_rows_are_as_wide_as_the_head(text):
    tables = re.findall(
        r"<table(?! id=| class=\"forest).*?</table>", text[: text.index('id="tables"')], flags=re.DOTALL
    )
    covered = 0
    for table in tables:
        body = table[table.index("<tbody>") :]
        assert not re.search(r'<th scope="row(group)?"[^>]*>\s*</th>', body)
        widths, below = [], 0
        for row in re.findall(r"<tr>(.*?)</tr>", body, flags=re.DOTALL):
            span = re.search(r'scope="rowgroup" rowspan="(\d+)"', row)
            widths.append(len(re.findall(r"<t[hd]\b", row)) + (below > 0))
            below = int(span.group(1)) - 1 if span else max(below - 1, 0)
            covered += below
        assert below == 0
        assert len(set(widths)) <= 1
    assert covered


def test_hostile_texts_are_texts(page, text):
    assert made_results.SCRIPT not in text
    assert "<img" not in text
    assert "\x00" not in text
    assert "&lt;/script&gt;&lt;script&gt;" in text
    assert "{{7*7}}" in text


def test_synthetic_data_and_failed_fits_cannot_be_missed(text, appendix):
    assert "Synthetic data: no finding about people" in text[: text.index("<main")]
    banner = appendix[: appendix.index("<main")]
    assert "Synthetic data: nothing here is a finding about people" in banner
    assert "Some fits were refused or have not converged" in banner
    assert "BKMR pips 10" in banner
    # every caption says it too, so that a picture of a part is marked
    captions = re.findall(r"<figcaption>(.*?)</figcaption>|<caption><span>(.*?)</span></caption>", text)
    assert captions
    assert all("Synthetic data." in caption for pair in captions for caption in pair if caption)


def first_row(text: str, caption: str) -> str:
    """Return the first row of the table with this caption, without its tags."""
    table = text[text.index(f"{caption}</span></caption>") :]
    return re.sub(
        r"<[^>]+>", " ", table[table.index("<tbody>") : table.index("</tr>", table.index("<tbody>"))]
    )


@pytest.mark.parametrize(
    "caption",
    [
        "Tests of interaction",
        "Weighted quantile sum regression, all outcomes",
        "Quantile g-computation, all outcomes",
        "Is there an association, and is it other than a straight line?",
        "Did the chains converge?",
    ],
)
def test_tables_that_are_cut_begin_with_the_main_outcome(appendix, caption):
    assert first_row(appendix, caption).split()[0] == "Osteoporosis"


def test_provenance(appendix, report):
    foot = appendix[appendix.index('<section id="provenance"') :]
    assert made_results.RUN in foot
    assert "of no table" not in foot
    for fact in (
        "abc123-dirty",
        "cd" * 32,
        "ef" * 32,
        "ab" * 32,
        "2026-01-02 03:04 UTC",
        "Version of duckdb",
    ):
        assert fact in foot
    assert f"run {made_results.RUN} of 2026-01-02" in report[report.index('<section id="cite"') :]


def test_real_converged_data_have_no_banner_and_absent_tables_are_said(tmp_path):
    database = made_results.write(
        tmp_path / "some.duckdb", source="nhanes", only=("replication", "cohort_flow")
    )
    write_report(database, tmp_path / "report.html")
    text = "".join((tmp_path / name).read_text() for name in ("report.html", "appendix.html"))
    assert "Synthetic data" not in text
    assert 'class="banner' not in text
    for table in (
        "associations",
        "dose_response",
        "wqs_estimates and wqs_weights",
        "sensitivity",
        "interactions",
    ):
        assert re.search(rf"Not in this database: [^<]*{table}", text), table


def test_empty_tables_are_said(tmp_path):
    database = made_results.write(tmp_path / "empty.duckdb")
    with duckdb.connect(str(database)) as connection:
        for table in made_results.frames():
            connection.execute(f"delete from {table}")
    write_report(database, tmp_path / "report.html")
    text = "".join((tmp_path / name).read_text() for name in ("report.html", "appendix.html"))
    for table in (
        "replication",
        "associations",
        "dose_response",
        "wqs_estimates",
        "bkmr_pips",
        "sensitivity",
    ):
        assert f"{table} holds no rows" in text, table


def test_the_same_database_gives_the_same_bytes(tmp_path):
    database = made_results.write(
        tmp_path / "some.duckdb", only=("replication", "table_one", "cohort_exposures")
    )
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        write_report(database, tmp_path / name / "report.html")
    for page in ("report.html", "appendix.html"):
        assert (tmp_path / "first" / page).read_bytes() == (tmp_path / "second" / page).read_bytes()


def test_the_report_cannot_take_the_name_of_its_appendix(made_database, tmp_path):
    with pytest.raises(ReportError, match=r"another name than appendix\.html"):
        write_report(made_database, tmp_path / "appendix.html")


def test_what_cannot_be_read_is_said_and_an_earlier_report_stays(tmp_path):
    output = tmp_path / "report.html"
    output.write_text("earlier")
    with pytest.raises(ReportError, match="found no such file; run `make demo`"):
        write_report(tmp_path / "none.duckdb", output)
    (tmp_path / "text.duckdb").write_text("not a database")
    with pytest.raises(ReportError, match="could not be opened"):
        write_report(tmp_path / "text.duckdb", output)
    with duckdb.connect(str(tmp_path / "bare.duckdb")) as connection:
        connection.execute("create table other (a integer)")
    with pytest.raises(ReportError, match="found none; build it again"):
        write_report(tmp_path / "bare.duckdb", output)
    old = made_results.write(tmp_path / "old.duckdb", only=("associations",))
    with duckdb.connect(str(old)) as connection:
        connection.execute("alter table associations drop column q_value")
    with pytest.raises(ReportError, match=r"of this version of the project.*q_value"):
        write_report(old, output)
    assert output.read_text() == "earlier"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".report")]


@pytest.fixture
def published(made_database: Path, tmp_path: Path) -> Path:
    """A run as `python -m publish` leaves it, with the links that show it."""
    run = tmp_path / "data" / "published" / "run"
    run.mkdir(parents=True)
    shutil.copy(made_database, run / "nhanes_bone.duckdb")
    for name in ("manifest.json", "report.html"):
        (run / name).write_text("as published")
    (run.parent / "latest").symlink_to("run")
    (tmp_path / "results").symlink_to("data/published/latest")
    return run


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> None:
    monkeypatch.setattr("sys.argv", ["html", *map(str, arguments)])
    main()


def test_command_line_writes_in_the_current_directory(published, tmp_path, monkeypatch, capsys):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    run_main(monkeypatch, "--database", tmp_path / "results" / "nhanes_bone.duckdb")
    written = tmp_path / "here" / "report.html"
    appendix = written.with_name("appendix.html")
    assert capsys.readouterr().out == f"Report: {written}\nAppendix: {appendix}\n"
    assert "</html>" in appendix.read_text(encoding="utf-8")
    assert "</html>" in written.read_text(encoding="utf-8")
    assert sorted(path.name for path in published.iterdir()) == [
        "manifest.json",
        "nhanes_bone.duckdb",
        "report.html",
    ]
    assert (published / "report.html").read_text() == "as published"


@pytest.mark.parametrize(
    "output",
    [
        "results",
        "results/report.html",
        "results/parquet/new/page.html",
        "data/published/page.html",
        "data/published/run/report.html",
    ],
)
def test_command_line_refuses_a_published_folder(published, tmp_path, monkeypatch, output):
    before = sorted(tmp_path.rglob("*"))
    database = published / "nhanes_bone.duckdb"
    with pytest.raises(SystemExit, match="holds published results and is never changed"):
        run_main(monkeypatch, "--database", database, "--output", tmp_path / output)
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "results").is_symlink()
    assert (published / "report.html").read_text() == "as published"


def test_command_line_refuses_the_default_within_a_published_folder(published, monkeypatch):
    monkeypatch.chdir(published)
    with pytest.raises(SystemExit, match="name another with --output"):
        run_main(monkeypatch, "--database", "nhanes_bone.duckdb")


def test_command_line_without_results(tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match="error: expected results in"):
        run_main(monkeypatch, "--database", tmp_path / "none.duckdb", "--output", tmp_path / "page.html")
