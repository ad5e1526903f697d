"""The same results on one process, on several, and on a cluster; workers end with their parent."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mixepi.fan_out import SCHEDULER_VARIABLE, ClusterError, fan_out
from mixepi.random_streams import random_stream
from tests.support.paths import LIBRARY
from tests.support.processes import is_at_work, wait_until


def draw(number: int) -> float:
    return float(random_stream(1, "fan_out", number).normal())


def process(number: int) -> int:
    return os.getpid()


def never_done(folder: Path) -> None:
    (folder / str(os.getpid())).touch()
    while True:
        sum(range(1000))


def test_a_cluster_gives_the_same_results(cluster, monkeypatch):
    here = fan_out(draw, range(20), workers=1)
    assert fan_out(draw, range(20), workers=2) == here
    monkeypatch.setenv(SCHEDULER_VARIABLE, cluster)
    assert fan_out(draw, range(20)) == here
    processes = set(fan_out(process, range(20)))
    assert len(processes) == 2
    assert os.getpid() not in processes


def test_an_error_on_a_cluster_arrives(cluster, monkeypatch):
    monkeypatch.setenv(SCHEDULER_VARIABLE, cluster)
    with pytest.raises(ZeroDivisionError):
        fan_out((1).__truediv__, [1, 0])


def test_a_silent_scheduler_is_named(monkeypatch):
    monkeypatch.setenv(SCHEDULER_VARIABLE, "tcp://127.0.0.1:9")
    monkeypatch.setattr("mixepi.fan_out.SECONDS_TO_REACH_SCHEDULER", 1)
    with pytest.raises(ClusterError, match=r"expected a dask scheduler at tcp://127\.0\.0\.1:9"):
        fan_out(draw, range(3))


FITS = """
import sys
from pathlib import Path
from mixepi.fan_out import fan_out
from tests.test_fan_out import never_done
fan_out(never_done, [Path(sys.argv[1])] * 2, workers=2)
"""


def test_workers_end_with_a_process_that_is_killed(tmp_path):
    with subprocess.Popen([sys.executable, "-c", FITS, str(tmp_path)], cwd=LIBRARY) as parent:
        try:
            wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
        finally:
            parent.kill()
    workers = [int(path.name) for path in tmp_path.iterdir()]
    wait_until(lambda: not any(is_at_work(worker) for worker in workers))
