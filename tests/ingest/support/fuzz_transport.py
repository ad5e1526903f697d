"""Read mutants of transport files within limits: each is refused with a typed error, or read as it says.

Run as a program (`fuzz_transport.py FIRST LAST`), so that a crash, five seconds of work on one mutant or a
gigabyte of memory ends this process and not the tests: the system's alarm and limit work inside C code too.
"""

import json
import re
import resource
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ingest.errors import TransportError
from ingest.transport import TransportFile, read_transport
from tests.ingest.support.transport_mutants import mutant, valid_files
from tests.ingest.support.transport_oracle import number, read_table, text

SECONDS, GIGABYTE = 5, 1 << 30


@dataclass(frozen=True)
class Outcome:
    """What became of some mutants."""

    read: int
    refused: int
    slowest_seconds: float
    peak_megabytes: float


def fuzz(first: int, last: int) -> Outcome:
    """Read the mutants from `first` up to `last` in a process of their own; fails at one that breaks it."""
    command = [sys.executable, __file__, str(first), str(last)]
    environment = {"PYTHONPATH": str(Path(__file__).parents[3]), "OPENBLAS_NUM_THREADS": "1"}
    finished = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert finished.returncode == 0, (finished.returncode, finished.stdout[-200:], finished.stderr[-3000:])
    return Outcome(**json.loads(finished.stdout.splitlines()[-1]))


def check_against_bytes(content: bytes, file: TransportFile) -> None:
    """Compare every cell with a second reader's, and what follows the last row with blanks."""
    table = read_table(content, file.rows)
    assert [column.name for column in file.columns] == table.names
    assert len(table.padding) < 80
    assert table.padding.strip(b" ") == b"", "bytes after the last row"
    texts = [
        cell for kind, cells in zip(table.kinds, table.fields, strict=True) if kind == 2 for cell in cells
    ]
    labels = [content[656 + 140 * i : 696 + 140 * i] for i in range(len(table.names))]
    encoding = "utf-8" if _is_utf8(b"\n".join([*labels, *texts])) else "windows-1252"
    for name, kind, cells in zip(table.names, table.kinds, table.fields, strict=True):
        assert len(file.values[name]) == file.rows
        if kind == 1:
            np.testing.assert_allclose(
                file.values[name], [number(cell) for cell in cells], rtol=1e-15, atol=0
            )
        else:
            assert list(file.values[name]) == [text(cell, encoding) for cell in cells]


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _run(first: int, last: int) -> Outcome:
    valid_files()
    base = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (base + GIGABYTE, base + GIGABYTE))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    read, refused, slowest = 0, 0, 0.0
    for index in range(first, last):
        content = mutant(index)
        print(index, flush=True)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        start = time.process_time()
        try:
            file = read_transport(content)
        except TransportError:
            refused += 1
            continue
        finally:
            slowest = max(slowest, time.process_time() - start)
            signal.setitimer(signal.ITIMER_PROF, 0)
        read += 1
        check_against_bytes(content, file)
    # not ru_maxrss, which starts at the size of the process that started this one
    status = Path("/proc/self/status").read_text()
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]
    return Outcome(read, refused, slowest, peak)


if __name__ == "__main__":
    print(json.dumps(asdict(_run(int(sys.argv[1]), int(sys.argv[2])))))
