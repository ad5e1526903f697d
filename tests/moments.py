"""When to kill a program: at random moments within its run, on a fast machine and on a slow one."""

import random


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
