"""Replicates: splits, resamples, permutations and imputations, of which some may fail.

A replicate that fails is counted with its reason, and the others go on. What is left must be enough for an
interval; otherwise the interval is missing. Every method takes both rules from here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import TypeVar

import numpy as np

from mixepi.arrays import FloatArray
from mixepi.errors import FIT_FAILURES

Task = TypeVar("Task")
Found = TypeVar("Found")

# A standard error from 50 replicates is itself uncertain by 1 / sqrt(2 * 50) = 10 %; Efron and Tibshirani
# (1993, section 6.4) call as many enough.
NEEDED_FOR_VARIANCE = 50
# Replicates fail because of what they hold, not at random: when most do, the others describe no sampling.
SHARE_NEEDED = 0.5


@dataclass(frozen=True)
class Failure:
    """Why a replicate has no result."""

    error: Exception

    @property
    def reason(self) -> str:
        """The error in words."""
        return str(self.error)


def attempted(function: Callable[[Task], Found], task: Task) -> Found | Failure:
    """Return `function(task)`, or why the data of this replicate have no fit."""
    try:
        with np.errstate(all="ignore"):
            return function(task)
    except FIT_FAILURES as error:
        return Failure(error)


def needed_for_percentiles(level: float) -> int:
    """Return how many replicates a percentile interval needs: 39 for 95 %.

    Of R draws the smallest estimates the 1 / (R + 1) quantile; with fewer than 2 / (1 - level) - 1 of them
    both ends of the interval would lie beyond all draws (Davison and Hinkley 1997, section 5.3.1).
    """
    return ceil(2 / (1 - level) - 1e-9) - 1


def enough(completed: int, asked: int, needed: int) -> bool:
    """Return whether `completed` of `asked` replicates carry an interval that needs `needed`."""
    return completed >= needed and completed >= SHARE_NEEDED * asked


def settled(completed: int, asked: int, needed: int) -> bool:
    """Return whether failures leave a result usable: most completed, and enough if so many were asked for."""
    return enough(completed, asked, needed if asked >= needed else 1)


def percentiles(draws: FloatArray, level: float, asked: int) -> tuple[FloatArray, FloatArray]:
    """Return the interval of draws (R, ...) over their first axis, missing where R of `asked` are too few."""
    completed = draws.shape[0]
    if not enough(completed, asked, needed_for_percentiles(level)):
        missing = np.full(draws.shape[1:], np.nan)
        return missing, missing.copy()
    low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    return low, high


def few_replicates(what: str, completed: int, asked: int, needed: int) -> str:
    """Return in words that there is no interval, and what to do."""
    more = "ask for more" if asked < needed else "simplify the model, or look at why the others failed"
    return (
        f"expected at least {max(needed, ceil(SHARE_NEEDED * asked))} completed {what} for an interval, "
        f"found {completed} of {asked}: there is none; {more}"
    )
