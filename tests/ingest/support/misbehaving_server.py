"""A web server on this machine that misbehaves in a stated way."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """What the server answers, and what it was asked.

    `behaviours` are used one per request of a file, the last one again and again. Pages are answered as
    a server should; those that `pages` lacks are as short as can be.
    """

    content: dict[str, bytes]
    pages: dict[str, bytes | None] = field(default_factory=dict)
    behaviours: list[Callable[["Handler", bytes], None]] = field(default_factory=list)
    etag: str | None = '"one"'
    modified: str | None = None
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    base: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def name(self, path: str) -> str:
        """Return the file's name at the end of a path."""
        return path.rsplit("/", 1)[-1].removesuffix(".xpt")


SHORT_PAGE = b"<dl><dt>Variable Name:</dt><dd>SEQN</dd></dl>"


class Handler(BaseHTTPRequestHandler):
    """Answers as the site's next behaviour says."""

    site: Site

    def do_GET(self) -> None:
        site = self.site
        if self.path.endswith(".htm"):
            page = site.pages.get(site.name(self.path).removesuffix(".htm"), SHORT_PAGE)
            if page is None:
                self.send_error(404)
            else:
                good(self, page)
            return
        with site.lock:
            number = len(site.asked)
            site.asked.append((self.path, self.headers.get("Range"), self.headers.get("If-Range")))
        content = site.content.get(site.name(self.path))
        if content is None:
            self.send_error(404)
            return
        chosen = site.behaviours[min(number, len(site.behaviours) - 1)] if site.behaviours else good
        with contextlib.suppress(ConnectionError):
            chosen(self, content)

    def head(self, status: int, length: int | None, **headers: str) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        if self.site.etag:
            self.send_header("ETag", self.site.etag)
        if self.site.modified:
            self.send_header("Last-Modified", self.site.modified)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        return


def good(handler: Handler, content: bytes) -> None:
    """Answer as a server should, ranges included."""
    wanted, condition = handler.headers.get("Range"), handler.headers.get("If-Range")
    current = condition in (handler.site.etag, handler.site.modified)
    if wanted and current:
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if start >= len(content):
            handler.head(416, 0, Content_Range=f"bytes */{len(content)}")
            return
        rest = content[start:]
        handler.head(206, len(rest), Content_Range=f"bytes {start}-{len(content) - 1}/{len(content)}")
        handler.wfile.write(rest)
        return
    handler.head(200, len(content))
    handler.wfile.write(content)


def cut(handler: Handler, content: bytes) -> None:
    """Promise all, send about half."""
    handler.head(200, len(content))
    handler.wfile.write(content[: len(content) // 2])


def cut_at_once(handler: Handler, content: bytes) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True


def too_short_a_length(handler: Handler, content: bytes) -> None:
    """Send less than the file, with a length that says that this is all."""
    handler.head(200, len(content) - 100)
    handler.wfile.write(content[:-100])


def no_length(handler: Handler, content: bytes) -> None:
    """Send the file without saying how long it is."""
    handler.head(200, None)
    handler.wfile.write(content)


def html(handler: Handler, content: bytes) -> None:
    """Answer with a page and status 200, as CDC does for some wrong addresses."""
    page = b"<!DOCTYPE html><html>Page Not Found</html>" * 100
    handler.head(200, len(page))
    handler.wfile.write(page)


def status(code: int, **headers: str) -> Callable[[Handler, bytes], None]:
    """Return a behaviour: only a status."""
    return lambda handler, content: handler.head(code, 0, **headers)


def stall(handler: Handler, content: bytes) -> None:
    """Send half, then nothing until the client asks again, or for a minute."""
    handler.head(200, len(content))
    handler.wfile.write(content[: len(content) // 2])
    handler.wfile.flush()
    asked, end = len(handler.site.asked), time.monotonic() + 60
    while len(handler.site.asked) == asked and time.monotonic() < end:
        time.sleep(0.02)


def slow(seconds: float, piece: int) -> Callable[[Handler, bytes], None]:
    """Return a behaviour: send everything in pieces of so many bytes, so long after each other."""

    def answer(handler: Handler, content: bytes) -> None:
        handler.head(200, len(content))
        for at in range(0, len(content), piece):
            handler.wfile.write(content[at : at + piece])
            handler.wfile.flush()
            time.sleep(seconds)

    return answer


def endless(handler: Handler, content: bytes) -> None:
    """Send more and more."""
    handler.head(200, None)
    handler.wfile.write(content)
    for _ in range(10_000):
        handler.wfile.write(b" " * 10_000)


def trickle(handler: Handler, content: bytes) -> None:
    """Send the headers a byte at a time, each soon enough, for a minute."""
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
    for _ in range(3000):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.02)


def cut_within_headers(handler: Handler, content: bytes) -> None:
    """Say that all is well, and close the connection."""
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nX-Other: ")


def endless_headers(handler: Handler, content: bytes) -> None:
    """Send one header after the other."""
    handler.wfile.write(b"HTTP/1.0 200 OK\r\n")
    for number in range(100_000):
        handler.wfile.write(f"X-{number}: {number}\r\n".encode())


def long_header(handler: Handler, content: bytes) -> None:
    """Send one header of a megabyte."""
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n")


def too_long_a_length(handler: Handler, content: bytes) -> None:
    """Promise more than the file has."""
    handler.head(200, len(content) + 100)
    handler.wfile.write(content)


def encoded(handler: Handler, content: bytes) -> None:
    """Send the file compressed, though the plain one was asked for."""
    handler.head(200, len(content), Content_Encoding="gzip")
    handler.wfile.write(content)


def elsewhere(path: str) -> Callable[[Handler, bytes], None]:
    """Return a behaviour: a redirect to another path of the same server."""
    return lambda handler, content: handler.head(302, 0, Location=handler.site.base + path)


def huge_length(handler: Handler, content: bytes) -> None:
    """Promise far too much."""
    handler.head(200, 10**12)
    handler.wfile.write(content)


def wrong_range(handler: Handler, content: bytes) -> None:
    """Answer a range with another one."""
    if not handler.headers.get("Range"):
        cut(handler, content)
        return
    handler.head(206, len(content), Content_Range=f"bytes 0-{len(content) - 1}/{len(content)}")
    handler.wfile.write(content)


@contextlib.contextmanager
def serve(site: Site) -> Iterator[Site]:
    """Run the server."""
    handler = type("BoundHandler", (Handler,), {"site": site})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    site.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
