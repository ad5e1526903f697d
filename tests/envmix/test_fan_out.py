"""The same results on one process, on several, and on a cluster."""

import pytest

from envmix.fan_out import SCHEDULER_VARIABLE, ClusterError, fan_out
from envmix.random_streams import random_stream


def draw(number: int) -> float:
    return float(random_stream(1, "fan_out", number).normal())


def process(number: int) -> int:
    import os

    return os.getpid()


@pytest.fixture(scope="module")
def cluster():
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
    ) as running:
        yield running.scheduler_address


def test_a_cluster_gives_the_same_results(cluster, monkeypatch):
    here = fan_out(draw, range(20), workers=1)
    assert fan_out(draw, range(20), workers=2) == here
    monkeypatch.setenv(SCHEDULER_VARIABLE, cluster)
    assert fan_out(draw, range(20)) == here
    import os

    processes = set(fan_out(process, range(20)))
    assert len(processes) == 2
    assert os.getpid() not in processes


def test_an_error_on_a_cluster_arrives(cluster, monkeypatch):
    monkeypatch.setenv(SCHEDULER_VARIABLE, cluster)
    with pytest.raises(ZeroDivisionError):
        fan_out((1).__truediv__, [1, 0])


def test_a_silent_scheduler_is_named(monkeypatch):
    monkeypatch.setenv(SCHEDULER_VARIABLE, "tcp://127.0.0.1:9")
    monkeypatch.setattr("envmix.fan_out.SECONDS_TO_REACH_SCHEDULER", 1)
    with pytest.raises(ClusterError, match=r"expected a dask scheduler at tcp://127\.0\.0\.1:9"):
        fan_out(draw, range(3))
