"""Progress of long work: a bar on a terminal, elsewhere a line now and then."""

import sys
import threading
import time
from types import TracebackType
from typing import Any, TextIO

SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Counts what is done; may be used from several threads.

    Parameters
    ----------
    description : str
        What is being done.
    unit : {"files", "B"}
        What is counted; bytes are shown in megabytes.
    total : int
        How much there is, as far as is known; `expect` adds to it.
    stream : text file, optional
        Where to write; by default standard error.
    """

    def __init__(self, description: str, unit: str, total: int = 0, stream: TextIO | None = None) -> None:
        self.description = description
        self.unit = unit
        self.total = total
        self.done = 0
        self._stream = stream if stream is not None else sys.stderr
        self._lock = threading.Lock()
        self._start = self._last = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> "Progress":
        if self._stream.isatty():
            from tqdm import tqdm

            scale = self.unit == "B"
            unit = "B" if scale else f" {self.unit}"
            self._bar = tqdm(
                total=self.total or None,
                desc=self.description,
                unit=unit,
                unit_scale=scale,
                file=self._stream,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def expect(self, amount: int) -> None:
        """Add to the total (a negative amount takes away)."""
        with self._lock:
            self.total += amount
            if self._bar is not None:
                self._bar.total = self.total
                self._bar.refresh()

    def add(self, amount: int = 1) -> None:
        """Count an amount as done (a negative one has to be done again)."""
        with self._lock:
            self.done += amount
            now = time.monotonic()
            if self._bar is not None:
                self._bar.update(amount)
            elif now - self._last >= SECONDS_BETWEEN_LINES:
                self._last = now
                print(self._line(now), file=self._stream, flush=True)

    def say(self, text: str) -> None:
        """Print a line without disturbing the bar."""
        with self._lock:
            if self._bar is not None:
                self._bar.write(text, file=self._stream)
            else:
                print(text, file=self._stream, flush=True)

    def _line(self, now: float) -> str:
        seconds = now - self._start
        if self.unit == "B":
            return (
                f"{self.description}: {self.done / 1e6:.1f} of {self.total / 1e6:.1f} MB in {seconds:.0f} s"
            )
        return f"{self.description}: {self.done} of {self.total} {self.unit} in {seconds:.0f} s"
