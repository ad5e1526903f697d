"""The page in headless Chromium, as a reader opens it: from a file, without a network."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.report.support import made_results
from tests.support.opened_page import Opened

pytestmark = pytest.mark.xdist_group("report")
WIDTHS = (1280, 390)
MARKS = '[class*=" estimate"][class*="_marks"] > path'


@pytest.fixture(scope="module", params=WIDTHS)
def opened(request: pytest.FixtureRequest, browser: Browser, made_report: Path) -> Iterator[Opened]:
    opened = Opened(browser, made_report, request.param)
    yield opened
    opened.page.close()


def marks(page: Page, figure: str) -> list[int]:
    return page.evaluate(
        "([figure, marks]) => [...document.querySelectorAll(`#${figure} .chart`)]"
        ".map(chart => chart.querySelectorAll(marks).length)",
        [figure, MARKS],
    )


def test_no_network_and_nothing_on_the_console(opened):
    assert opened.requests == [opened.address]
    assert opened.said == []
    assert opened.page.evaluate("document.documentElement.dataset.charts") == "drawn"
    assert opened.page.title().startswith("Synthetic data: ")


def test_every_chart_shows_as_many_marks_as_there_are_numbers(opened):
    page = opened.page
    # five exposures, four contrasts, three covariate sets; lead's full models failed
    assert marks(page, "associations-peng2025-osteoporosis") == [56, 56]
    # five exposures, two sites, three covariate sets
    assert marks(page, "associations-peng2025-bmd-mg-cm") == [30, 30]
    # a curve per engine; mercury's survey-weighted one failed
    assert marks(page, "dose-response-peng2025-osteoporosis") == [2, 2, 1, 2, 2]
    # two directions and procedures, two covariate sets; the negative single split failed
    assert marks(page, "wqs-peng2025-osteoporosis") == [6]
    assert marks(page, "wqs-weights-peng2025-osteoporosis") == [10, 10, 10, 10]
    assert marks(page, "qgcomp-weights-peng2025-osteoporosis") == [5] * 6
    assert marks(page, "bkmr-pips-peng2025-osteoporosis") == [10]
    assert marks(page, "bkmr-bivariate-peng2025-osteoporosis") == [3] * 10
    # all women and six subgroups, two engines; lead at 70 and over failed
    assert marks(page, "subgroups-peng2025-osteoporosis") == [14, 12, 14, 14, 14]
    # the paper's odds ratio, ours, and two adjusted ones
    assert marks(page, "replication-odds-ratios") == [4]
    specifications = made_results.frames()["sensitivity"]
    curve = specifications.query("outcome == 'osteoporosis' and exposure == 'Cd' and contrast == 'Q4'")
    drawn = curve["estimate"].notna().sum()
    assert marks(page, "sensitivity-peng2025-osteoporosis-cd")[0] == drawn
    # five choices vary
    ticks = page.locator("#sensitivity-peng2025-osteoporosis-cd .chart").first.locator(
        ".options_marks > path"
    )
    assert ticks.count() == 5 * drawn
    assert page.locator(".chart").count() == page.locator(".chart svg").count()


def test_charts_have_size_and_stay_within_the_page(opened):
    width = opened.page.viewport_size["width"]
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = opened.page.evaluate(
        "[...document.querySelectorAll('.chart svg')].map(svg => svg.getBoundingClientRect().toJSON())"
    )
    assert all(box["width"] > 100 and box["height"] > 60 for box in boxes)
    assert all(box["left"] >= 0 and box["right"] <= width for box in boxes)


def test_hostile_texts_change_nothing(opened):
    assert opened.page.locator("img").count() == 0
    # the charts, Vega as it is packed and as it runs, and what draws
    assert opened.page.locator("script").count() == 4


def test_tables_scroll_in_their_own_frame_and_by_keyboard(opened):
    frames = opened.page.evaluate(
        "[...document.querySelectorAll('.scroll')]"
        ".map(frame => [frame.tabIndex, frame.getAttribute('aria-label')])"
    )
    assert frames
    assert all(index == 0 and label for index, label in frames)


def test_the_first_tab_skips_to_the_results(opened):
    opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.getAttribute('href')") == "#content"
    opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.getAttribute('href')") == "#replication"


@pytest.mark.parametrize("name", ["replication", "associations-peng2025-osteoporosis"])
def test_csv_is_downloaded_from_the_page(opened, name):
    link = opened.page.locator(f'a[download="{name}.csv"]')
    link.evaluate("link => { const details = link.closest('details'); if (details) details.open = true; }")
    link.focus()
    with opened.page.expect_download() as download:
        opened.page.keyboard.press("Enter")
    assert download.value.suggested_filename == f"{name}.csv"
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    if name == "replication":
        assert [row["claim"] for row in rows] == ["women", "cd_q4", "cd_trend", "bkmr"]
        assert rows[1]["description"] == made_results.HOSTILE.replace("\x00", "\ufffd")
        assert rows[3]["description"] == "'+1 the mixture matters"
        assert rows[3]["verdict"] == "'-1 not told"
    else:
        assert len(rows) == 120
        assert any(float(row["estimate"]) < 0 for row in rows if row["estimate"])


@pytest.fixture
def unscripted(browser: Browser, made_report: Path) -> Iterator[Page]:
    """The page where no script runs, as wide as a phone."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 900})
    page = context.new_page()
    page.goto(made_report.as_uri(), timeout=120_000)
    yield page
    context.close()


def test_without_scripts_every_chart_is_there_and_within_the_page(unscripted):
    charts = unscripted.locator(".chart > svg.still")
    assert charts.count() == unscripted.locator(".chart").count() > 80
    boxes = charts.evaluate_all("items => items.map(item => item.getBoundingClientRect().toJSON())")
    assert all(box["width"] > 100 and box["height"] > 60 for box in boxes)
    assert all(box["left"] >= 0 and box["right"] <= 390 for box in boxes)
    assert unscripted.locator("figure a[download]").first.get_attribute("href").startswith("data:text/csv")


def test_a_chart_that_cannot_be_drawn_anew_stays_as_it_was(browser, made_report, tmp_path):
    text = made_report.read_text(encoding="utf-8")
    name = "associations-peng2025-osteoporosis-1"
    wrong, times = re.subn(rf'(data-spec="{name}" data-marks=)"\d+"', r'\1"1"', text)
    assert times == 1
    report = tmp_path / "wrong.html"
    report.write_text(wrong, encoding="utf-8")
    opened = Opened(browser, report, 1280)
    chart = opened.page.locator(f'[data-spec="{name}"]')
    assert chart.locator("svg.still").is_visible()
    assert "expected 1 marks, found 56" in chart.locator(".note.failed").inner_text()
    assert opened.page.locator("svg.still").count() == 1
    opened.page.close()


def test_print_keeps_the_banner_and_drops_the_links(opened):
    opened.page.emulate_media(media="print")
    assert opened.page.locator(".banner.synthetic").is_visible()
    assert opened.page.locator("figure svg").first.is_visible()
    assert not opened.page.locator("nav").is_visible()
    assert not opened.page.locator(".download").first.is_visible()
    opened.page.emulate_media(media="screen")
