"""Show how far the chains are, whichever processes they run in."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import TextIO

import numpy as np

from mixepi.fan_out import SECONDS_BETWEEN_LINES


@contextmanager
def show_sweeps(chains: int, total: int, stream: TextIO | None = None) -> Iterator[Path]:
    """Show the sweeps done by all chains: a bar on a terminal, elsewhere a line every ten seconds.

    Parameters
    ----------
    chains : int
    total : int
        Sweeps of all chains together.
    stream : text stream, optional
        Standard error by default.

    Yields
    ------
    Path
        A file of one 64-bit integer for each chain, in which the chain keeps its count of sweeps.
    """
    with TemporaryDirectory(prefix="bkmr-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "sweeps"
        np.zeros(chains, dtype=np.int64).tofile(path)
        stop = Event()
        thread = Thread(target=_show, args=(path, total, stop, stream or sys.stderr), daemon=True)
        thread.start()
        try:
            yield path
        finally:
            stop.set()
            thread.join()


def _done(path: Path) -> int:
    return int(np.fromfile(path, dtype=np.int64).sum())


def _show(path: Path, total: int, stop: Event, stream: TextIO) -> None:
    if stream.isatty():
        from tqdm import tqdm

        with tqdm(total=total, desc="BKMR", unit=" sweeps", file=stream) as bar:
            while not stop.wait(0.5):
                bar.update(_done(path) - bar.n)
            bar.update(_done(path) - bar.n)
        return
    start = time.monotonic()
    while not stop.wait(SECONDS_BETWEEN_LINES):
        seconds = time.monotonic() - start
        print(f"BKMR: {_done(path)} of {total} sweeps in {seconds:.0f} s", file=stream, flush=True)
