"""Downloads from a server that misbehaves, and the CDC source on top of them."""

import io
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.message import Message
from pathlib import Path

import pytest

from ingest import http_client
from ingest.download import Policy, download
from ingest.errors import DownloadError
from ingest.http_client import UnreachableError, origin
from ingest.load import load
from ingest.progress import Progress
from ingest.raw_database import read_contents
from ingest.sources.cdc import CdcSource
from tests.ingest.support import misbehaving_server as server
from tests.ingest.support.misbehaving_server import Site, serve
from warehouse.errors import LockedError, ProjectError, WarehouseError
from warehouse.locks import exclusive_lock
from warehouse.seeds.catalogue import Catalogue

PATIENCE = Policy(attempts=4, first_wait=0.01, longest_wait=0.05, max_bytes=200_000)


@pytest.fixture
def site(folder: Path) -> Iterator[Site]:
    content = {path.stem: path.read_bytes() for path in folder.iterdir()}
    with serve(Site(content)) as running:
        yield running


Fetch = Callable[..., Path]


@pytest.fixture
def fetch(site: Site, tmp_path: Path) -> Fetch:
    def fetch_once(policy: Policy = PATIENCE, name: str = "DEMO_H") -> Path:
        target = tmp_path / "got" / f"{name}.XPT"
        address = f"{site.base}/Nchs/{name}.xpt"
        progress = Progress("test", "B")
        download(address, target, origins=frozenset({origin(address)}), progress=progress, policy=policy)
        return target

    return fetch_once


def is_whole(target: Path, site: Site) -> bool:
    return target.read_bytes() == site.content[target.stem] and list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize(
    "behaviours",
    [
        [server.good],
        [server.slow(0.01, 400)],
        [server.no_length],
        [server.cut_at_once, server.good],
        [server.status(503), server.good],
        [server.status(429, Retry_After="0"), server.status(500), server.good],
        [server.cut, server.good],
        [server.cut, server.status(503), server.good],
        [server.cut, server.status(416), server.good],
        [server.wrong_range, server.wrong_range, server.good],
        [server.too_short_a_length, server.good],
        [server.cut_within_headers, server.good],
        [server.endless_headers, server.good],
        [server.long_header, server.good],
        [server.elsewhere("/moved/DEMO_H.xpt"), server.good],
    ],
)
def test_the_file_arrives_whole(
    site: Site, fetch: Fetch, behaviours: list[Callable[[server.Handler, bytes], None]]
) -> None:
    site.behaviours = behaviours
    assert is_whole(fetch(), site)
    assert len(site.asked) == len(behaviours)


def test_a_stalled_download_is_resumed(site: Site, fetch: Fetch) -> None:
    site.behaviours = [server.stall, server.good]
    assert is_whole(fetch(replace(PATIENCE, timeout=2.0)), site)
    assert len(site.asked) == 2


def test_a_cut_download_is_resumed_not_repeated(site: Site, fetch: Fetch) -> None:
    site.behaviours = [server.cut]
    with pytest.raises(DownloadError, match=r"DEMO_H.*connection was cut after"):
        fetch(replace(PATIENCE, attempts=1))
    site.behaviours, site.asked = [server.good], []
    assert is_whole(fetch(), site)
    assert site.asked == [("/Nchs/DEMO_H.xpt", f"bytes={len(site.content['DEMO_H']) // 2}-", '"one"')]


@pytest.mark.parametrize(("etag", "modified"), [('"one"', None), (None, "Mon, 23 Nov 2026 00:00:00 GMT")])
def test_a_file_that_changed_is_not_spliced(
    site: Site, fetch: Fetch, etag: str | None, modified: str | None
) -> None:
    site.etag, site.modified = etag, modified
    site.behaviours = [server.cut]
    with pytest.raises(DownloadError):
        fetch(replace(PATIENCE, attempts=1))
    site.etag, site.modified = etag and '"two"', modified and "Tue, 24 Nov 2026 00:00:00 GMT"
    site.content["DEMO_H"] = site.content["DEMO_H"].replace(b"a'b", b"new")
    site.behaviours = [server.good]
    assert is_whole(fetch(), site)


def test_a_changed_file_sent_as_a_range_all_the_same_is_not_spliced(site: Site, fetch: Fetch) -> None:
    def careless(handler: server.Handler, content: bytes) -> None:
        start = int((handler.headers.get("Range") or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        handler.head(206, len(content) - start, Content_Range=f"bytes {start}-{len(content)}/{len(content)}")
        handler.wfile.write(content[start:])

    site.behaviours = [server.cut]
    with pytest.raises(DownloadError):
        fetch(replace(PATIENCE, attempts=1))
    site.etag = '"two"'
    site.content["DEMO_H"] = site.content["DEMO_H"].replace(b"a'b", b"new")
    site.asked, site.behaviours = [], [careless, server.good]
    assert is_whole(fetch(), site)


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_sign_of_the_version_nothing_is_resumed(site: Site, fetch: Fetch, etag: str | None) -> None:
    site.etag = etag
    site.behaviours = [server.cut, server.good]
    assert is_whole(fetch(), site)
    assert [wanted for _, wanted, _ in site.asked] == [None, None]


@pytest.mark.parametrize(
    ("behaviour", "requests", "message"),
    [
        (server.html, 1, r"transport file.*web page.*nhanes_files\.csv"),
        (server.status(404), 1, r"404.*nhanes_files\.csv"),
        (server.status(403), 1, "403"),
        (server.endless, 1, "at most 200,000 bytes"),
        (server.huge_length, 1, "at most 200,000 bytes, found 1,000,000,000,000"),
        (server.status(503), 4, r"503.*4 attempts"),
        (server.cut, 4, r"connection was cut.*4 attempts"),
        (server.too_short_a_length, 4, r"not whole.*4 attempts"),
        (server.too_long_a_length, 4, r"connection was cut.*4 attempts"),
        (server.encoded, 1, "the plain file, the server sent it encoded"),
        (server.status(200), 4, r"an empty answer.*4 attempts"),
        (server.elsewhere("/Nchs/DEMO_H.xpt"), 5, r"302.*redirect"),
        (server.status(302, Location="//example.org/DEMO_H.xpt"), 1, "redirects to"),
        (server.status(302, Location="https://127.0.0.1@example.org/DEMO_H.xpt"), 1, "redirects to"),
        (server.status(302, Location="https://example.org/DEMO_H.xpt"), 1, r"redirects to https://example\.org"),
        (server.status(302, Location="file:///etc/passwd"), 1, "redirects to|302"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_said(
    site: Site, fetch: Fetch, behaviour: Callable[..., None], requests: int, message: str, tmp_path: Path
) -> None:
    site.behaviours = [behaviour]
    with pytest.raises(DownloadError, match=message) as caught:
        fetch()
    assert f"{site.base}/Nchs/DEMO_H.xpt" in str(caught.value)
    assert len(site.asked) == requests
    assert not (tmp_path / "got" / "DEMO_H.XPT").exists()
    assert sum(path.stat().st_size for path in (tmp_path / "got").iterdir()) < 200_000


def test_headers_that_trickle_in_do_not_hold_the_download(site: Site, fetch: Fetch) -> None:
    site.behaviours = [server.trickle, server.good]
    start = time.monotonic()
    assert is_whole(fetch(replace(PATIENCE, attempt_seconds=2.0)), site)
    assert time.monotonic() - start < 40, "they would come for a minute"


def test_a_redirect_away_from_https_is_refused() -> None:
    """Nothing is asked of the plain address, although it is the same host."""
    handler = http_client._Redirects(frozenset({"https://wwwn.cdc.gov"}))
    request = urllib.request.Request("https://wwwn.cdc.gov/DEMO_H.xpt")
    for address in (
        "http://wwwn.cdc.gov/DEMO_H.xpt",
        "https://wwwn.cdc.gov.example.org/",
        "ftp://wwwn.cdc.gov/",
    ):
        with pytest.raises(DownloadError, match="which is not at https://wwwn"):
            handler.redirect_request(request, io.BytesIO(), 302, "Found", {}, address)
    same = handler.redirect_request(
        request, io.BytesIO(), 302, "Found", Message(), "https://wwwn.cdc.gov/new.xpt"
    )
    assert same
    assert same.full_url == "https://wwwn.cdc.gov/new.xpt"


def test_certificates_are_checked() -> None:
    """The connection to https addresses is made with the system's certificates, host names included."""
    connection = http_client._Https([])._connect("wwwn.cdc.gov")
    assert connection._context.verify_mode == ssl.CERT_REQUIRED  # type: ignore[attr-defined]
    assert connection._context.check_hostname  # type: ignore[attr-defined]


def test_retry_after_is_honoured(site: Site, fetch: Fetch) -> None:
    site.behaviours = [server.status(503, Retry_After="1"), server.good]
    start = time.monotonic()
    fetch(replace(PATIENCE, longest_wait=60.0))
    assert 1.0 <= time.monotonic() - start < 30.0


def test_an_attempt_that_takes_too_long_is_resumed(site: Site, fetch: Fetch) -> None:
    site.behaviours = [server.slow(0.5, 100), server.good]
    assert is_whole(fetch(replace(PATIENCE, attempt_seconds=2.0)), site)
    assert any(wanted for _, wanted, _ in site.asked)


def test_addresses_outside_the_catalogue_are_not_asked(site: Site, tmp_path: Path) -> None:
    for address in (f"{site.base}/DEMO_H.xpt", "file:///etc/passwd", "http://wwwn.cdc.gov/DEMO_H.xpt"):
        with pytest.raises(DownloadError, match=r"expected an address at https://wwwn\.cdc\.gov"):
            download(
                address,
                tmp_path / "x.XPT",
                origins=frozenset({"https://wwwn.cdc.gov"}),
                progress=Progress("test", "B"),
                policy=PATIENCE,
            )
    assert site.asked == []


def test_a_damaged_note_of_the_version_means_a_fresh_start(site: Site, fetch: Fetch, tmp_path: Path) -> None:
    folder = tmp_path / "got"
    folder.mkdir()
    (folder / "DEMO_H.XPT.part").write_bytes(b"half of something")
    (folder / "DEMO_H.XPT.part.json").write_text('{"addr')
    assert is_whole(fetch(), site)


def test_the_cdc_source_fetches_what_is_missing(
    site: Site, catalogue: Catalogue, tmp_path: Path, raw_path: Path
) -> None:
    site.behaviours = [server.cut, server.good]
    source = CdcSource(tmp_path / "data" / "xpt", base=site.base, policy=PATIENCE)
    files = source.fetch(catalogue, print)
    assert [file.path.relative_to(source.folder).as_posix() for file in files] == [
        "2013-2014/DEMO_H.XPT",
        "2017-2020/P_DEMO.XPT",
        "2013-2014/PBCD_H.XPT",
    ]
    assert load(files, raw_path, catalogue, print).rows == 28
    facts = read_contents(raw_path).files
    assert {f.source for f in facts} == {"cdc"}
    assert {f.address for f in facts} == {file.address for file in catalogue.files}
    site.behaviours, site.asked = [], []
    files[0].path.unlink()
    source.fetch(catalogue, print)
    assert len(site.asked) == 1


def test_all_files_that_cannot_be_had_are_named(site: Site, catalogue: Catalogue, tmp_path: Path) -> None:
    del site.content["DEMO_H"], site.content["PBCD_H"]
    source = CdcSource(tmp_path / "xpt", base=site.base, policy=PATIENCE)
    with pytest.raises(DownloadError) as caught:
        source.fetch(catalogue, print)
    for part in (
        "2 of 3 files, or their pages",
        "/DEMO_H.xpt",
        "/PBCD_H.xpt",
        "404",
        "NHANES_DIR",
        "make demo",
    ):
        assert part in str(caught.value)
    assert [path.name for path in (tmp_path / "xpt").rglob("*.XPT")] == ["P_DEMO.XPT"]


def test_a_page_that_cannot_be_had_or_is_none_is_named(
    site: Site, catalogue: Catalogue, tmp_path: Path
) -> None:
    site.pages = {"DEMO_H": None, "PBCD_H": b"<html>Page Not Found</html>"}
    source = CdcSource(tmp_path / "xpt", base=site.base, policy=PATIENCE)
    with pytest.raises(DownloadError) as caught:
        source.fetch(catalogue, print)
    for part in (
        "2 of 3 files",
        "/DEMO_H.htm",
        "404",
        "/PBCD_H.htm",
        "expected a page that describes variables",
    ):
        assert part in str(caught.value)
    assert [path.name for path in (tmp_path / "xpt").rglob("*.htm")] == ["P_DEMO.htm"]
    site.pages, site.asked = {}, []
    assert all(file.page for file in source.fetch(catalogue, print))
    assert site.asked == []  # the files themselves were kept


def test_without_a_network_the_address_and_the_ways_out_are_named(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{unused.getsockname()[1]}"
        source = CdcSource(tmp_path / "xpt", base=base, policy=PATIENCE)
        with pytest.raises(DownloadError) as caught:
            source.fetch(catalogue, print)
    assert isinstance(caught.value.__cause__, UnreachableError)
    for part in (f"{base}/Nchs/", "no connection", "make build NHANES_DIR=DIR", "make demo"):
        assert part in str(caught.value)
    assert list((tmp_path / "xpt").rglob("*.XPT")) == []


def test_two_downloads_into_one_folder(site: Site, catalogue: Catalogue, tmp_path: Path) -> None:
    source = CdcSource(tmp_path / "xpt", base=site.base, policy=PATIENCE)
    with exclusive_lock(tmp_path / "xpt"), pytest.raises(LockedError, match="wait until"):
        source.fetch(catalogue, print)
    assert site.asked == []


def test_a_folder_that_cannot_be_written(site: Site, catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "xpt").write_text("a file")
    with pytest.raises(WarehouseError, match="a file lies where a folder should be"):
        CdcSource(tmp_path / "xpt", base=site.base, policy=PATIENCE).fetch(catalogue, print)
    (tmp_path / "xpt").unlink()
    (tmp_path / "xpt").mkdir()
    (tmp_path / "xpt" / "2013-2014").write_text("a file")
    with pytest.raises(ProjectError, match="a file lies where a folder should be"):
        CdcSource(tmp_path / "xpt", base=site.base, policy=PATIENCE).fetch(catalogue, print)


def test_an_interruption_ends_soon_and_keeps_what_has_arrived(
    site: Site, seeds: Path, tmp_path: Path
) -> None:
    site.behaviours = [server.slow(0.5, 1)]  # ten minutes for the shortest file
    code = """
import sys
from pathlib import Path
from warehouse.seeds.catalogue import read_catalogue
from ingest.sources.cdc import CdcSource
try:
    CdcSource(Path(sys.argv[1]), base=sys.argv[2]).fetch(read_catalogue(Path(sys.argv[3])), print)
except KeyboardInterrupt:
    sys.exit(130)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "xpt"), site.base, str(seeds)]
    with subprocess.Popen(command) as process:
        deadline = time.monotonic() + 100
        while len(list((tmp_path / "xpt").rglob("*.part"))) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=300) == 130
    assert [path.stat().st_size > 0 for path in (tmp_path / "xpt").rglob("*.part")] == [True] * 3
    assert len(list((tmp_path / "xpt").rglob("*.part.json"))) == 3
