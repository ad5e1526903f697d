"""Programs that tests start: when to kill them and when they are gone, on fast machines and slow ones."""

import os
import random
import time
from collections.abc import Callable

import psutil

# A shell may set the first three for another checkout; make sets the others for its own children.
NOT_INHERITED = (
    "DBT_PROJECT_DIR",
    "DBT_PROFILES_DIR",
    "NHANES_BONE_DATA",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
    "NHANES_DIR",
    "PEOPLE",
    "PROFILE",
)


def environment_of_a_user() -> dict[str, str]:
    """Return the environment as it is without what `make test` and settings of this project add to it."""
    return {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}


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


class Moments:
    """Random moments within a run whose length is learnt from each.

    A moment that came after the end halves the interval they are drawn from, one that did not widens it by a
    half: so about two of three runs are killed, at any of their moments, however fast the machine becomes.
    """

    def __init__(self, seed: int, seconds: float) -> None:
        self._random = random.Random(seed)
        self._seconds = seconds
        self.killed = 0

    def next(self) -> float:
        """Seconds to wait before the next kill."""
        return self._random.uniform(0, self._seconds)

    def learn(self, was_killed: bool) -> None:
        """Take in whether the last moment lay within the run."""
        self.killed += was_killed
        self._seconds *= 1.5 if was_killed else 0.5
