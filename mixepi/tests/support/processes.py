"""Processes that tests start: wait for them, and whether they are at work."""

import time
from collections.abc import Callable

import psutil


def wait_until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait for what comes soon or, if something is wrong, never: longer than any loaded machine needs."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_at_work(number: int) -> bool:
    """Whether a process is there, and not merely waiting to be asked how it ended."""
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
