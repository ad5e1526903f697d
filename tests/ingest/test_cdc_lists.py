"""`ingest catalogue`: CDC's lists of files and variables, read from a server on this machine."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from ingest.cdc_lists import COMPONENTS, read_lists
from ingest.download import Policy
from ingest.errors import DownloadError, PageError
from warehouse.seeds.published import (
    Published,
    PublishedFile,
    PublishedVariable,
    read_published,
    write_published,
)

FILES = """<html><body><table id="GridView1">
<tr><th>Years</th><th>Data File Name</th><th>Doc File</th><th>Data File</th><th>Date Published</th></tr>
<tr><td>2009-2010</td><td>Cadmium, Lead, &amp; Mercury</td>
<td><a href="/Nchs/Data/Nhanes/2009/PBCD_F.htm">Doc</a></td>
<td><a href="/Nchs/Data/Nhanes/2009/PBCD_F.xpt">PBCD_F Data [XPT - 770 KB]</a></td>
<td>Updated June 2013</td></tr>
<tr><td>2009-2010</td><td>Withdrawn</td><td></td><td>Withdrawn</td><td>Withdrawn</td></tr>
</table></body></html>
"""
VARIABLES = """<html><body><table><thead>
<tr><th>Variable Name</th><th>Variable Description</th><th>Data File Name</th><th>Component</th></tr></thead>
<tr><td>LBXBPB</td><td>Blood lead (ug/dL)</td><td>PBCD_F</td><td>Laboratory</td></tr>
<tr><td>LBXRDC</td><td>Of a file that is not public</td><td>PBCD_R</td><td>Laboratory</td></tr>
</table></body></html>
"""
EMPTY = Published(files={}, variables=[])
POLICY = Policy(first_wait=0.01, attempts=2)


class Lists(BaseHTTPRequestHandler):
    """Answers with the lists: rows for the laboratory, none for the other components."""

    files, variables = FILES, VARIABLES

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        text = self.files if parts.path.endswith("/datapage.aspx") else self.variables
        if parse_qs(parts.query)["Component"] != ["Laboratory"]:
            text = text.partition("<tr><td>")[0] + "</table>"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def base() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Lists)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/nchs/nhanes/search/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_lists_are_read_and_written(base: str, tmp_path: Path) -> None:
    assert "Laboratory" in COMPONENTS
    published = read_lists(EMPTY, base=base, policy=POLICY)
    address = f"{base.removesuffix('/nchs/nhanes/search/')}/Nchs/Data/Nhanes/2009/PBCD_F.xpt"
    assert published.files == {
        "PBCD_F": PublishedFile(
            file="PBCD_F",
            release="2009-2010",
            component="Laboratory",
            title="Cadmium, Lead, & Mercury",
            address=address,
            published="June 2013",
        )
    }
    (variable,) = published.variables
    assert variable == PublishedVariable(file="PBCD_F", variable="LBXBPB", label="Blood lead (ug/dL)")
    write_published(published, "a test", tmp_path)
    assert read_published(tmp_path) == published
    first = (tmp_path / "published_files.csv.gz").read_bytes()
    write_published(published, "a test", tmp_path)
    assert (tmp_path / "published_files.csv.gz").read_bytes() == first


def test_lists_that_shrink_are_refused(base: str) -> None:
    with pytest.raises(PageError, match=r"about as many files as before, 1,569; found 1;"):
        read_lists(read_published(), base=base, policy=POLICY)


def test_a_page_of_another_form_is_refused(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lists, "files", FILES.replace("Years", "Period"))
    with pytest.raises(PageError, match="a table with the columns years, data file name, date published"):
        read_lists(EMPTY, base=base, policy=POLICY)
    monkeypatch.setattr(Lists, "files", "<html>Page Not Found</html>")
    with pytest.raises(DownloadError, match=r"CDC's list could not be read(.|\n)*datapage\.aspx"):
        read_lists(EMPTY, base=base, policy=POLICY)
