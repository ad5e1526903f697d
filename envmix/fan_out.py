"""Run a list of independent tasks, with progress, on whatever workers there are."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, TextIO, TypeVar

from joblib import Parallel, delayed, parallel_config
from threadpoolctl import threadpool_limits

Task = TypeVar("Task")
Result = TypeVar("Result")

SECONDS_BETWEEN_LINES = 10.0


def fan_out(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    workers: int | None = None,
    description: str | None = None,
    backend: Literal["processes", "threads"] = "processes",
) -> list[Result]:
    """Apply `function` to every task and return the results in the order of `tasks`.

    Parameters
    ----------
    function : callable
        Must be importable by a worker process (defined at the top of a module).
    tasks : sequence
        One argument of `function` each. Randomness belongs into the task
        (see `envmix.random_streams`), so that results do not depend on `workers`.
    workers : int, optional
        Number of processes; by default the CPUs this process may use. With 1, or one task,
        everything runs in this process. Each worker, this process too, gets one BLAS thread.
    description : str, optional
        Shows progress under this name: a bar on a terminal, elsewhere a line every ten seconds.
    backend : {"processes", "threads"}
        Processes by default; threads where `function` spends its time in compiled code that releases the
        interpreter lock, because they start at once and share memory.

    Returns
    -------
    list
        One result per task.
    """
    count = workers if workers is not None else len(os.sched_getaffinity(0))
    if count < 1:
        raise ValueError(f"expected at least one worker, found {count}")
    if count == 1 or len(tasks) < 2:
        # one BLAS thread here too: another number of threads adds up in another order
        with threadpool_limits(limits=1):
            return list(_with_progress(map(function, tasks), len(tasks), description))
    if backend == "threads":
        results = Parallel(n_jobs=count, prefer="threads", return_as="generator")(
            delayed(function)(task) for task in tasks
        )
        return list(_with_progress(results, len(tasks), description))
    with parallel_config(backend="loky", n_jobs=count, inner_max_num_threads=1):
        results = Parallel(return_as="generator")(delayed(_in_worker)(function, task) for task in tasks)
        return list(_with_progress(results, len(tasks), description))


def _in_worker(function: Callable[[Task], Result], task: Task) -> Result:
    # joblib limits BLAS and OpenMP; polars, which svy computes with, reads its own variable on import.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    return function(task)


def _with_progress(
    results: Iterable[Result], total: int, description: str | None, stream: TextIO | None = None
) -> Iterator[Result]:
    stream = stream or sys.stderr
    if description is None:
        yield from results
    elif stream.isatty():
        from tqdm import tqdm

        yield from tqdm(results, total=total, desc=description, file=stream)
    else:
        start = last = time.monotonic()
        for done, result in enumerate(results, start=1):
            now = time.monotonic()
            if now - last >= SECONDS_BETWEEN_LINES:
                print(f"{description}: {done} of {total} in {now - start:.0f} s", file=stream, flush=True)
                last = now
            yield result
