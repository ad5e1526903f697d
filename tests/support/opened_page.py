"""A report as a reader opens it: in headless Chromium, from a file."""

from pathlib import Path

from playwright.sync_api import Browser, Page


class Opened:
    """A page that is drawn, with all that it asked for and said meanwhile."""

    def __init__(self, browser: Browser, report: Path, width: int) -> None:
        self.page: Page = browser.new_page(viewport={"width": width, "height": 900})
        self.requests: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.address = report.as_uri()
        self.page.goto(self.address, wait_until="commit", timeout=120_000)
        self.page.locator("html[data-ready]").wait_for(state="attached", timeout=120_000)

    def check_charts(self) -> int:
        """See that nothing was fetched or said and that each chart is there; return how many."""
        assert self.requests == [self.address]
        assert self.said == []
        charts = self.page.locator(".chart")
        assert all(
            charts.evaluate_all("charts => charts.map(chart => chart.querySelector('svg.still') !== null)")
        )
        return charts.count()
