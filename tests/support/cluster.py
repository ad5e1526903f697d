"""A dask cluster on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def cluster_here() -> Iterator[str]:
    """Start a scheduler with two workers; yields its address."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=":0"
    ) as running:
        yield running.scheduler_address
