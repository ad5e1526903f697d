"""Fan out the tasks that are not in the store of fits, and store what comes back."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from typing import TypeVar

import joblib
import pandas as pd
import pyarrow as pa

from analysis.cache.fit_cache import FitCache, code_digest
from mixepi.fan_out import fan_out

Task = TypeVar("Task")


def cached_fan_out(
    function: Callable[[Task], pa.Table],
    tasks: Sequence[Task],
    digests: Sequence[str],
    *,
    cache: FitCache | None,
    description: str,
    workers: int | None = None,
) -> list[pa.Table]:
    """Apply `function` to every task that the cache lacks; returns one table per task, in their order.

    Parameters
    ----------
    function : callable
        Defined at the top of a module.
    tasks : sequence
    digests : sequence of str
        What decides the result of each task. Tasks with equal digests are run once.
    cache : FitCache or None
        Finished results are stored at once, so that a run that is stopped loses only those under way.
    description : str
        Shows progress under this name.
    workers : int, optional
        See `mixepi.fan_out.fan_out`; the result does not depend on it.
    """
    by_digest = dict(zip(reversed(digests), reversed(tasks), strict=True))
    found = {digest: cache.get(digest) if cache else None for digest in by_digest}
    missing = [digest for digest in dict.fromkeys(digests) if found[digest] is None]
    if len(missing) < len(found):
        unchanged = len(found) - len(missing)
        print(f"{description}: {unchanged} of {len(found)} unchanged", file=sys.stderr, flush=True)
    made = fan_out(
        partial(_run_and_store, function, cache),
        [(digest, by_digest[digest]) for digest in missing],
        workers=workers,
        description=description,
    )
    found.update(zip(missing, made, strict=True))
    return [table for digest in digests if (table := found[digest]) is not None]


def cached_frames(
    function: Callable[[Task], pd.DataFrame],
    tasks: Sequence[Task],
    *,
    cache: FitCache | None,
    description: str,
    workers: int | None = None,
) -> list[pd.DataFrame]:
    """Apply `function`, which returns a data frame, to every task that the cache lacks.

    Parameters
    ----------
    function : callable
        Defined at the top of a module.
    tasks : sequence
        Data classes, data frames, arrays, tuples and plain values: everything in them decides the result.
    cache, description, workers
        See `cached_fan_out`.

    Returns
    -------
    list of pandas.DataFrame
        In the order of `tasks`, without index.
    """
    name = f"{function.__module__}.{function.__qualname__}"
    digests = [sha256(f"{code_digest()} {name} {joblib.hash(task)}".encode()).hexdigest() for task in tasks]
    tables = cached_fan_out(
        partial(_as_table, function), tasks, digests, cache=cache, description=description, workers=workers
    )
    return [table.to_pandas() for table in tables]


def _as_table(function: Callable[[Task], pd.DataFrame], task: Task) -> pa.Table:
    return pa.Table.from_pandas(function(task), preserve_index=False)


def _run_and_store(
    function: Callable[[Task], pa.Table], cache: FitCache | None, task: tuple[str, Task]
) -> pa.Table:
    digest, one = task
    table = function(one)
    if cache:
        cache.put(digest, table)
    return table
