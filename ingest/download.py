"""Fetch one file over HTTP: resumed, retried, limited, checked, and put in place atomically.

What has arrived lies in ``NAME.part`` beside the target, with the server's ETag or Last-Modified in
``NAME.part.json``. A later attempt asks for the rest under the condition that the file is still
that one (If-Range), so that two versions are never spliced. The target appears only when its whole
structure has been checked.
"""

import email.utils
import http.client
import json
import os
import random
import re
import ssl
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from ingest.errors import DownloadError, TransportError, cannot
from ingest.progress import Progress
from ingest.transport import MAGIC, MAX_BYTES, check_magic, read_layout

_CHUNK = 1 << 16
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


class UnreachableError(DownloadError):
    """No connection to the server."""


@dataclass(frozen=True)
class Policy:
    """How patient a download is.

    Parameters
    ----------
    attempts : int
        Attempts in all; half as many if there is no connection at all.
    first_wait, longest_wait : float
        Seconds before the second attempt, doubled each time, and the limit of that. The actual wait
        is drawn between half of it and all of it. Retry-After of the server is honoured up to
        the limit.
    timeout : float
        Seconds without a byte after which a connection counts as cut.
    attempt_seconds : float
        Seconds after which an attempt is cut and resumed, however busy it is.
    max_bytes : int
        A longer file is refused.
    """

    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = 60.0
    timeout: float = 30.0
    attempt_seconds: float = 600.0
    max_bytes: int = MAX_BYTES


class _TransientError(Exception):
    """An attempt failed in a way that may pass."""

    def __init__(self, text: str, retry_after: float | None = None, *, connected: bool = True) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        self.connected = connected


def origin(address: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}".lower()


def download(
    address: str,
    target: Path,
    *,
    origins: frozenset[str],
    progress: Progress,
    policy: Policy | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Fetch a transport file.

    Parameters
    ----------
    address : str
        Where it is published.
    target : Path
        Where it shall lie; its folder is made.
    origins : frozenset of str
        Scheme and host of the addresses that are allowed, for the file and for redirects.
    progress : Progress
        Counts bytes.
    policy : Policy, optional
        Limits.
    stop : threading.Event, optional
        Once set, waiting and receiving end with an error; what has arrived is kept.

    Raises
    ------
    UnreachableError
        If there is no connection.
    DownloadError
        If the file cannot be had, is too long, or cannot be stored.
    """
    _Attempt(address, target, origins, progress, policy or Policy(), stop or threading.Event()).run()


@dataclass(frozen=True)
class _Attempt:
    address: str
    target: Path
    origins: frozenset[str]
    progress: Progress
    policy: Policy
    stop: threading.Event

    @property
    def part(self) -> Path:
        return self.target.with_name(self.target.name + ".part")

    @property
    def state(self) -> Path:
        return self.target.with_name(self.target.name + ".part.json")

    def run(self) -> None:
        if origin(self.address) not in self.origins:
            raise DownloadError(
                f"{self.address}: expected an address at {_listed(self.origins)}; not fetched."
            )
        policy = self.policy
        for attempt in range(1, policy.attempts + 1):
            try:
                self._once()
                return
            except _TransientError as error:
                last = error
                tries = policy.attempts if error.connected else (policy.attempts + 1) // 2
                if attempt >= tries:
                    break
                wait = min(policy.longest_wait, policy.first_wait * 2 ** (attempt - 1))
                wait *= random.uniform(0.5, 1.0)
                if error.retry_after is not None:
                    wait = max(wait, min(error.retry_after, policy.longest_wait))
                if self.stop.wait(wait):
                    raise DownloadError(f"{self.address}: stopped.") from error
            except TransportError as error:
                raise DownloadError(
                    f"{self.address}: expected {error.expected}, found {error.found}; {error.advice}. "
                    "If CDC has moved it, correct seeds/nhanes_files.csv."
                ) from error
            except OSError as error:
                raise DownloadError(cannot("store", Path(error.filename or self.part), error)) from error
        kind = DownloadError if last.connected else UnreachableError
        raise kind(f"{self.address}: {last} ({attempt} attempts)") from last

    def _once(self) -> None:
        self.target.parent.mkdir(parents=True, exist_ok=True)
        validator = self._validator()
        offset = self.part.stat().st_size if validator else 0
        request = urllib.request.Request(self.address)
        request.add_header("User-Agent", "nhanes-bone")
        request.add_header("Accept-Encoding", "identity")
        if validator and offset:
            request.add_header("Range", f"bytes={offset}-")
            request.add_header("If-Range", validator)
        with self._open(request) as response:
            offset = self._check_start(response, offset, validator)
            length = _content_length(response.headers)
            if length is not None and offset + length > self.policy.max_bytes:
                raise self._too_long(f"{offset + length:,}")
            if not offset:
                self._remember(response.headers)
            self._receive(response, offset, length)
        self._finish()

    def _open(self, request: urllib.request.Request) -> Any:
        opener = urllib.request.build_opener(_Redirects(self.origins))
        try:
            return opener.open(request, timeout=self.policy.timeout)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 416:
                    self._forget()
                    raise _TransientError("the server has no such range of the file") from error
                text = f"the server answered {error.code} {error.reason}"
                if error.code in _RETRIED:
                    raise _TransientError(text, _retry_after(error.headers)) from error
                raise DownloadError(
                    f"{self.address}: expected the file, {text}. "
                    "If CDC has moved it, correct the address in seeds/nhanes_files.csv."
                ) from error
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise DownloadError(
                    f"{self.address}: the server's certificate was not accepted ({error.reason}); "
                    "check the clock and the certificates of this machine."
                ) from error
            raise _TransientError(f"no connection ({error.reason})", connected=False) from error
        except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
            raise _TransientError(f"no answer ({error or type(error).__name__})") from error

    def _check_start(self, response: Any, offset: int, validator: str | None) -> int:
        """Return where the body belongs: at `offset`, or at 0 if the server sends the whole file."""
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise DownloadError(f"{self.address}: expected the plain file, the server sent it encoded.")
        if response.status == 200:
            return 0
        found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("Content-Range", ""))
        if response.status != 206 or not offset or not found or int(found[1]) != offset:
            self._forget()
            raise _TransientError(f"an answer that does not fit the question (status {response.status})")
        if validator not in (response.headers.get("ETag"), response.headers.get("Last-Modified")):
            self._forget()
            raise _TransientError("the file has changed on the server")
        return offset

    def _receive(self, response: Any, offset: int, length: int | None) -> None:
        start, received = time.monotonic(), 0
        expected = length if length is not None else 0
        self.progress.expect(expected)
        with self.part.open("r+b" if offset else "wb") as part:
            part.seek(offset)
            part.truncate()
            head = b"" if not offset else None
            while block := self._read(response):
                if head is not None:
                    head += block[:512]
                    if len(head) >= len(MAGIC):
                        check_magic(head)
                        head = None
                received += len(block)
                if offset + received > self.policy.max_bytes:
                    raise self._too_long("more")
                part.write(block)
                self.progress.add(len(block))
                if self.stop.is_set():
                    raise DownloadError(f"{self.address}: stopped.")
                if time.monotonic() - start > self.policy.attempt_seconds:
                    raise _TransientError(f"only {received:,} bytes in {self.policy.attempt_seconds:.0f} s")
            if head is not None:
                check_magic(head)
            part.flush()
            os.fsync(part.fileno())
        if length is not None and received < length:
            self.progress.expect(received - expected)
            raise _TransientError(f"the connection was cut after {offset + received:,} bytes")

    def _read(self, response: IO[bytes]) -> bytes:
        try:
            return response.read1(_CHUNK)  # type: ignore[attr-defined, no-any-return]
        except (http.client.HTTPException, OSError) as error:
            raise _TransientError(f"the connection was cut ({error or type(error).__name__})") from error

    def _finish(self) -> None:
        content = self.part.read_bytes()
        try:
            read_layout(content)
        except TransportError as error:
            self._forget()
            raise _TransientError(f"what arrived is not whole: {error}") from error
        os.replace(self.part, self.target)
        self.state.unlink(missing_ok=True)

    def _too_long(self, found: str) -> DownloadError:
        self._forget()
        return DownloadError(
            f"{self.address}: expected at most {self.policy.max_bytes:,} bytes, found {found}; not fetched."
        )

    def _remember(self, headers: Message) -> None:
        """Note which version of the file is arriving; without a strong sign of it, it is not resumed."""
        self._forget()
        tag, modified = headers.get("ETag"), headers.get("Last-Modified")
        validator = tag if tag and not tag.startswith("W/") else modified
        if validator:
            self.state.write_text(json.dumps({"address": self.address, "validator": validator}))

    def _validator(self) -> str | None:
        """Return the version of what has arrived so far, if it can be resumed."""
        if self.part.is_file() and self.state.is_file():
            try:
                state = json.loads(self.state.read_text())
            except ValueError:
                state = None  # cut off while it was written: start again
            if isinstance(state, dict) and state.get("address") == self.address:
                return str(state["validator"])
        self._forget()
        return None

    def _forget(self) -> None:
        self.state.unlink(missing_ok=True)
        self.part.unlink(missing_ok=True)


class _Redirects(urllib.request.HTTPRedirectHandler):
    max_redirections = 5

    def __init__(self, origins: frozenset[str]) -> None:
        self.origins = origins

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if origin(newurl) not in self.origins:
            raise DownloadError(
                f"{req.full_url}: the server redirects to {newurl}, which is not at {_listed(self.origins)}; "
                "not fetched. If CDC has moved the file, correct the address in seeds/nhanes_files.csv."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _listed(origins: frozenset[str]) -> str:
    return " or ".join(sorted(origins))


def _content_length(headers: Message) -> int | None:
    text = headers.get("Content-Length", "")
    return int(text) if text.isdigit() else None


def _retry_after(headers: Message) -> float | None:
    """Read Retry-After: seconds, or a date."""
    text = headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None
