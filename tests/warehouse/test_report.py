"""The report that was published with the study, in a browser as wide as a telephone."""

from report.html import LARGEST_BYTES
from tests.support.opened_page import Opened


def test_the_published_report_opens_whole(browser, demo_data):
    report = (demo_data / "results" / "report.html").resolve()
    assert report.stat().st_size < LARGEST_BYTES
    opened = Opened(browser, report, 390)
    page = opened.page
    assert opened.check_charts() > 20
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()
