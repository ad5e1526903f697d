"""One HTTP request: only to the addresses that are allowed, with errors sorted by whether they may pass."""

import contextlib
import email.utils
import http.client
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from email.message import Message
from typing import IO, Any
from urllib.parse import urlsplit

from ingest.errors import DownloadError

_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


class UnreachableError(DownloadError):
    """No connection to the server."""


class TransientError(Exception):
    """An attempt failed, and another may succeed; `retry_after` is what the server asks for, in seconds."""

    def __init__(self, text: str, retry_after: float | None = None, *, connected: bool = True) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        self.connected = connected


class NoRangeError(TransientError):
    """The server does not have the part of the file that was asked for."""


def origin(address: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}".lower()


def open_address(
    address: str, headers: dict[str, str], origins: frozenset[str], timeout: float, seconds: float
) -> Any:
    """Send a GET request.

    Parameters
    ----------
    address : str
        What to get.
    headers : dict
        Headers of the request.
    origins : frozenset of str
        Scheme and host of the addresses that are allowed; a redirect elsewhere is refused.
    timeout : float
        Seconds without a byte after which the connection counts as cut.
    seconds : float
        Seconds after which it is cut although the headers of the answer still trickle in.

    Returns
    -------
    http.client.HTTPResponse
        A response with a status from 200 to 299.

    Raises
    ------
    TransientError
        If another attempt may succeed.
    DownloadError
        If not.
    """
    if origin(address) not in origins:
        raise DownloadError(f"{address}: expected an address at {listed(origins)}; not fetched.")
    request = urllib.request.Request(address, headers=headers)
    opened: list[http.client.HTTPConnection] = []
    handlers = (_Redirects(origins), _Http(opened), _Https(opened))
    limit = threading.Timer(seconds, _shut, [opened])
    limit.daemon = True
    limit.start()
    try:
        return urllib.request.build_opener(*handlers).open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416:
                raise NoRangeError("the server has no such range of the file") from error
            text = f"the server answered {error.code} {error.reason}"
            if error.code in _RETRIED:
                raise TransientError(text, _retry_after(error.headers)) from error
            raise DownloadError(
                f"{address}: expected the file, {text}. "
                "If CDC has moved it, correct the address in seeds/nhanes_files.csv."
            ) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise DownloadError(
                f"{address}: the server's certificate was not accepted ({error.reason}); "
                "check the clock and the certificates of this machine."
            ) from error
        raise TransientError(f"no connection ({error.reason})", connected=False) from error
    except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
        raise TransientError(f"no answer ({error or type(error).__name__})") from error
    finally:
        limit.cancel()


def _shut(opened: list[http.client.HTTPConnection]) -> None:
    """Close connections that another thread waits for, so that it stops waiting."""
    for connection in opened:
        if connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)


class _Http(urllib.request.HTTPHandler):
    """Notes the connections that are opened."""

    def __init__(self, opened: list[http.client.HTTPConnection]) -> None:
        super().__init__()
        self.opened = opened

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connect, req)

    def _connect(self, host: str, **options: Any) -> http.client.HTTPConnection:
        self.opened.append(http.client.HTTPConnection(host, **options))
        return self.opened[-1]


class _Https(urllib.request.HTTPSHandler):
    """Notes the connections that are opened; certificates are checked as always."""

    def __init__(self, opened: list[http.client.HTTPConnection]) -> None:
        super().__init__()
        self.opened = opened

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connect, req)

    def _connect(self, host: str, **options: Any) -> http.client.HTTPConnection:
        self.opened.append(http.client.HTTPSConnection(host, **options))
        return self.opened[-1]


class _Redirects(urllib.request.HTTPRedirectHandler):
    max_redirections = 5

    def __init__(self, origins: frozenset[str]) -> None:
        self.origins = origins

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if origin(newurl) not in self.origins:
            raise DownloadError(
                f"{req.full_url}: the server redirects to {newurl}, which is not at {listed(self.origins)}; "
                "not fetched. If CDC has moved the file, correct the address in seeds/nhanes_files.csv."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def listed(origins: frozenset[str]) -> str:
    """Return origins as words."""
    return " or ".join(sorted(origins))


def content_length(headers: Message) -> int | None:
    """Read how many bytes follow, if the server says so."""
    text = headers.get("Content-Length", "")
    return int(text) if text.isdecimal() else None


def _retry_after(headers: Message) -> float | None:
    """Read Retry-After: seconds, or a date."""
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None
