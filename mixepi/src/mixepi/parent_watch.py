"""End a worker process with the process that started it, even after `kill -9`."""

import os
import time
from threading import Thread

SECONDS_BETWEEN_LOOKS = 0.5


def end_with_parent(parent: int) -> None:
    """Have a thread end this process once its parent is gone, or at once if it is gone already.

    The kernel's own signal for this (PR_SET_PDEATHSIG) is sent when the *thread* that started the process
    ends, which the threads of a pool do while the workers go on.

    Parameters
    ----------
    parent : int
        Number of the process that started this one.
    """
    Thread(target=_watch, args=(parent,), daemon=True, name="end_with_parent").start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os._exit(1)
