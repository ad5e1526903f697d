"""Run a list of independent tasks, with progress, on whatever workers there are.

The workers are processes of this machine (joblib), or those of a running dask cluster whose scheduler's
address is in the environment variable MIXEPI_DASK_SCHEDULER, such as ``tcp://10.0.0.5:8786``. Results are the
same.
"""

import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, TextIO, TypeVar

from joblib import Parallel, cpu_count, delayed, parallel_config
from threadpoolctl import threadpool_limits

from mixepi.arguments import require_workers
from mixepi.errors import MixepiError
from mixepi.parent_watch import end_with_parent

Task = TypeVar("Task")
Result = TypeVar("Result")

SECONDS_BETWEEN_LINES = 10.0
SCHEDULER_VARIABLE = "MIXEPI_DASK_SCHEDULER"
SECONDS_TO_REACH_SCHEDULER = 10


# loky renews a worker whose memory has grown, and says so; no task is lost.
warnings.filterwarnings("ignore", message="A worker stopped while some jobs", category=UserWarning)


class ClusterError(MixepiError):
    """The dask cluster that was asked for cannot be used."""


def fan_out(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    workers: int | None = None,
    description: str | None = None,
    backend: Literal["processes", "threads"] = "processes",
    delay: float = 0.0,
) -> list[Result]:
    """Apply `function` to every task and return the results in the order of `tasks`.

    Parameters
    ----------
    function : callable
        Must be importable by a worker process (defined at the top of a module).
    tasks : sequence
        One argument of `function` each. Randomness belongs into the task
        (see `mixepi.random_streams`), so that results do not depend on `workers`.
    workers : int, optional
        Number of processes; by default the CPUs this process may use, or the cluster that
        MIXEPI_DASK_SCHEDULER names. With 1, or one task, everything runs in this process. Each worker,
        this process too, gets one BLAS thread. Processes end with this one, however it ends.
    description : str, optional
        Shows progress under this name: a bar on a terminal, elsewhere a line every ten seconds.
    backend : {"processes", "threads"}
        Processes by default; threads where `function` spends its time in compiled code that releases the
        interpreter lock, because they start at once and share memory.
    delay : float
        Seconds before a bar of progress appears.

    Returns
    -------
    list
        One result per task.

    Raises
    ------
    SpecificationError
        `workers` is no whole number of at least 1.
    ClusterError
        MIXEPI_DASK_SCHEDULER names a scheduler that does not answer or has no workers.
    """
    require_workers(workers)
    scheduler = os.environ.get(SCHEDULER_VARIABLE)
    if scheduler and workers is None and backend == "processes" and len(tasks) > 1:
        return list(
            with_progress(_on_cluster(scheduler, function, tasks), len(tasks), description, delay=delay)
        )
    count = workers if workers is not None else cpu_count()
    if count == 1 or len(tasks) < 2:
        # one BLAS thread here too: another number of threads adds up in another order
        with threadpool_limits(limits=1):
            return list(with_progress(map(function, tasks), len(tasks), description, delay=delay))
    if backend == "threads":
        with threadpool_limits(limits=1):
            results = Parallel(n_jobs=count, prefer="threads", return_as="generator")(
                delayed(function)(task) for task in tasks
            )
            return list(with_progress(results, len(tasks), description, delay=delay))
    with parallel_config(
        backend="loky",
        n_jobs=count,
        inner_max_num_threads=1,
        initializer=end_with_parent,
        initargs=(os.getpid(),),
    ):
        results = Parallel(return_as="generator")(delayed(_in_worker)(function, task) for task in tasks)
        return list(with_progress(results, len(tasks), description, delay=delay))


def _on_cluster(
    scheduler: str, function: Callable[[Task], Result], tasks: Sequence[Task]
) -> Iterator[Result]:
    from distributed import Client

    try:
        client = Client(scheduler, timeout=SECONDS_TO_REACH_SCHEDULER)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"expected a dask scheduler at {scheduler} ({SCHEDULER_VARIABLE}), found none within "
            f"{SECONDS_TO_REACH_SCHEDULER} s: start one, correct the address, or unset the variable ({error})"
        ) from error
    with client:
        if not client.scheduler_info()["workers"]:
            raise ClusterError(f"expected workers at the dask scheduler {scheduler}, found none: start some")
        # equal tasks are run as often as they are listed, and a lost worker's tasks run again elsewhere
        futures = [client.submit(_in_worker, function, task, pure=False) for task in tasks]
        try:
            for future in futures:
                yield future.result()
        finally:
            client.cancel(futures)  # type: ignore[no-untyped-call]


def _in_worker(function: Callable[[Task], Result], task: Task) -> Result:
    # joblib limits BLAS and OpenMP; polars, which svy computes with, reads its own variable on import.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    with threadpool_limits(limits=1):
        return function(task)


def with_progress(
    results: Iterable[Result],
    total: int,
    description: str | None,
    stream: TextIO | None = None,
    *,
    delay: float = 0.0,
) -> Iterator[Result]:
    """Pass on results and show how many there were: a bar on a terminal, else a line every ten seconds.

    Parameters
    ----------
    results : iterable
    total : int
        How many there will be.
    description : str, optional
        Name of the work; nothing is shown without.
    stream : file, optional
        Standard error by default.
    delay : float
        Seconds before a bar appears.
    """
    stream = stream or sys.stderr
    if description is None:
        yield from results
    elif stream.isatty():
        from tqdm import tqdm

        yield from tqdm(results, total=total, desc=description, file=stream, delay=delay)
    else:
        start = last = time.monotonic()
        for done, result in enumerate(results, start=1):
            now = time.monotonic()
            if now - last >= SECONDS_BETWEEN_LINES:
                print(f"{description}: {done} of {total} in {now - start:.0f} s", file=stream, flush=True)
                last = now
            yield result
