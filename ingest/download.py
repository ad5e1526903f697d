"""Fetch one file over HTTP: resumed, retried, limited, checked, and put in place atomically.

What has arrived lies in ``NAME.part`` beside the target, with the server's ETag or Last-Modified in
``NAME.part.json``. A later attempt asks for the rest under the condition that the file is still
that one (If-Range), so that two versions are never spliced. The target appears only when its whole
structure has been checked.
"""

import http.client
import json
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Any

from ingest.codebook_page import MAX_PAGE_BYTES, read_page
from ingest.errors import ContentError, DownloadError
from ingest.http_client import NoRangeError, TransientError, UnreachableError, content_length, open_address
from ingest.progress import Progress
from ingest.transport import MAGIC, MAX_BYTES, check_magic, read_layout
from warehouse.errors import cannot

_CHUNK = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What is fetched: how it begins, how its whole is checked (both raise `ContentError`), its longest."""

    check_head: Callable[[bytes], object]
    check_whole: Callable[[bytes], object]
    max_bytes: int


TRANSPORT = Kind(check_head=check_magic, check_whole=read_layout, max_bytes=MAX_BYTES)
PAGE = Kind(check_head=lambda head: None, check_whole=read_page, max_bytes=MAX_PAGE_BYTES)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Attempts, waits and limits of a download.

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
    max_bytes : int, optional
        A longer file is refused; by default the limit of its kind.
    """

    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = 60.0
    timeout: float = 30.0
    attempt_seconds: float = 600.0
    max_bytes: int | None = None


def download(
    address: str,
    target: Path,
    *,
    origins: frozenset[str],
    progress: Progress,
    kind: Kind = TRANSPORT,
    policy: Policy | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Fetch a transport file, or a page.

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
    kind : Kind
        `TRANSPORT` or `PAGE`.
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
    _Attempt(
        address=address,
        target=target,
        origins=origins,
        progress=progress,
        kind=kind,
        policy=policy or Policy(),
        stop=stop or threading.Event(),
    ).run()


@dataclass(frozen=True, kw_only=True)
class _Attempt:
    address: str
    target: Path
    origins: frozenset[str]
    progress: Progress
    kind: Kind
    policy: Policy
    stop: threading.Event

    @property
    def max_bytes(self) -> int:
        return self.kind.max_bytes if self.policy.max_bytes is None else self.policy.max_bytes

    @property
    def part(self) -> Path:
        return self.target.with_name(self.target.name + ".part")

    @property
    def state(self) -> Path:
        return self.target.with_name(self.target.name + ".part.json")

    def run(self) -> None:
        policy = self.policy
        for attempt in range(1, policy.attempts + 1):
            try:
                self._once()
                return
            except TransientError as error:
                last = error
                if isinstance(error, NoRangeError):
                    self._forget()
                tries = policy.attempts if error.connected else (policy.attempts + 1) // 2
                if attempt >= tries:
                    break
                wait = min(policy.longest_wait, policy.first_wait * 2 ** (attempt - 1))
                wait *= random.uniform(0.5, 1.0)
                if error.retry_after is not None:
                    wait = max(wait, min(error.retry_after, policy.longest_wait))
                if self.stop.wait(wait):
                    raise DownloadError(f"{self.address}: stopped.") from error
            except ContentError as error:
                self._forget()
                raise DownloadError(
                    f"{self.address}: expected {error.expected}, found {error.found}; {error.advice}. "
                    "If CDC has moved it, correct seeds/nhanes_files.csv."
                ) from error
            except OSError as error:
                raise DownloadError(cannot("store", Path(error.filename or self.part), error)) from error
        failure = DownloadError if last.connected else UnreachableError
        raise failure(f"{self.address}: {last} ({attempt} attempts)") from last

    def _once(self) -> None:
        self.target.parent.mkdir(parents=True, exist_ok=True)
        validator = self._validator()
        offset = self.part.stat().st_size if validator else 0
        headers = {"User-Agent": "nhanes-bone", "Accept-Encoding": "identity"}
        if validator and offset:
            headers |= {"Range": f"bytes={offset}-", "If-Range": validator}
        policy = self.policy
        with open_address(
            self.address, headers, self.origins, policy.timeout, policy.attempt_seconds
        ) as response:
            offset = self._check_start(response, offset, validator)
            length = content_length(response.headers)
            if length is not None and offset + length > self.max_bytes:
                raise self._too_long(f"{offset + length:,}")
            if not offset:
                self._remember(response.headers)
            self._receive(response, offset, length)
        self._finish()

    def _check_start(self, response: Any, offset: int, validator: str | None) -> int:
        """Return where the body belongs: at `offset`, or at 0 if the server sends the whole file."""
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise DownloadError(f"{self.address}: expected the plain file, the server sent it encoded.")
        if response.status == 200:
            return 0
        found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("Content-Range", ""))
        if response.status != 206 or not offset or not found or int(found[1]) != offset:
            self._forget()
            raise TransientError(f"an answer that does not fit the question (status {response.status})")
        versions = {response.headers.get("ETag"), response.headers.get("Last-Modified")} - {None}
        if versions and validator not in versions:
            self._forget()
            raise TransientError("the file has changed on the server")
        return offset

    def _receive(self, response: Any, offset: int, length: int | None) -> None:
        expected, received = length or 0, 0
        self.progress.expect(expected)
        try:
            with self.part.open("r+b" if offset else "wb") as part:
                part.seek(offset)
                for block in self._blocks(response, offset):
                    part.write(block)
                    received += len(block)
                    self.progress.add(len(block))
                part.flush()
                os.fsync(part.fileno())
        finally:
            self.progress.expect(received - expected)
        if length is not None and received < length:
            raise TransientError(f"the connection was cut after {offset + received:,} bytes")

    def _blocks(self, response: Any, offset: int) -> Iterator[bytes]:
        """Yield what the server sends, as long as it is within the limits and looks like the file."""
        start, received = time.monotonic(), 0
        head: bytes | None = None if offset else b""
        while block := self._read(response):
            received += len(block)
            if offset + received > self.max_bytes:
                raise self._too_long("more")
            if head is not None:
                head += block[:512]
                if len(head) >= len(MAGIC):
                    self.kind.check_head(head)
                    head = None
            yield block
            if self.stop.is_set():
                raise DownloadError(f"{self.address}: stopped.")
            if time.monotonic() - start > self.policy.attempt_seconds:
                raise TransientError(f"only {received:,} bytes in {self.policy.attempt_seconds:.0f} s")
        if head == b"":  # also what a connection looks like that was cut within the headers
            raise TransientError("an empty answer")
        if head is not None:
            self.kind.check_head(head)

    def _read(self, response: IO[bytes]) -> bytes:
        try:
            return response.read1(_CHUNK)  # type: ignore[attr-defined, no-any-return]
        except (http.client.HTTPException, OSError) as error:
            raise TransientError(f"the connection was cut ({error or type(error).__name__})") from error

    def _finish(self) -> None:
        content = self.part.read_bytes()
        try:
            self.kind.check_whole(content)
        except ContentError as error:
            self._forget()
            raise TransientError(f"what arrived is not whole: {error}") from error
        os.replace(self.part, self.target)
        self.state.unlink(missing_ok=True)

    def _too_long(self, found: str) -> DownloadError:
        self._forget()
        return DownloadError(
            f"{self.address}: expected at most {self.max_bytes:,} bytes, found {found}; not fetched."
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
