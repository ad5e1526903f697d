"""Does a combination of columns predict a binary outcome, or counts of zero, perfectly?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from mixepi.rank import standardise


def is_separated(matrix: NDArray[np.float64], outcome: NDArray[np.float64]) -> bool:
    """Return whether the logistic likelihood has no finite maximum.

    There is separation, complete or quasi-complete (Albert and Anderson 1984), when some direction b
    has x'b >= 0 for every event, x'b <= 0 for every other row, and not all of them zero. The linear
    program of Konis (2007) looks for it.

    Parameters
    ----------
    matrix : ndarray, shape (n, k)
        Design matrix with an intercept.
    outcome : ndarray, shape (n,)
        0 or 1.
    """
    scaled = _scaled(matrix)
    signed = np.where(outcome[:, None] == 1, scaled, -scaled)
    return _has_direction(signed, None)


def are_counts_separated(matrix: NDArray[np.float64], outcome: NDArray[np.float64]) -> bool:
    """Return whether the likelihood of counts with a log link has no finite maximum.

    That is where some direction b has x'b = 0 for every row with a count above zero, x'b <= 0 for every row
    with a count of zero, and not all of them zero (Santos Silva and Tenreyro 2010, Economics Letters 107,
    310-312): the mean of those rows can go to zero and nothing stops it.

    Parameters
    ----------
    matrix : ndarray, shape (n, k)
        Design matrix with an intercept.
    outcome : ndarray, shape (n,)
        Counts.
    """
    scaled = _scaled(matrix)
    zero = outcome == 0
    return bool(zero.any()) and _has_direction(-scaled[zero], scaled[~zero])


def empty_indicators(
    matrix: NDArray[np.float64], names: Sequence[str], outcome: NDArray[np.float64]
) -> list[str]:
    """Return the names of columns of 0 and 1 whose rows of 1 all have an outcome of zero."""
    return [
        name
        for name, column in zip(names, matrix.T, strict=True)
        if np.isin(column, (0, 1)).all() and column.any() and not outcome[column == 1].any()
    ]


def _scaled(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = standardise(matrix).matrix
    return np.asarray(centred / np.abs(centred).max(axis=0))


def _has_direction(upwards: NDArray[np.float64], level: NDArray[np.float64] | None) -> bool:
    """Return whether some b has upwards b >= 0, not all of them zero, and level b = 0."""
    solution = optimize.linprog(
        c=-upwards.sum(axis=0),
        A_ub=-upwards,
        b_ub=np.zeros(len(upwards)),
        A_eq=level,
        b_eq=None if level is None else np.zeros(len(level)),
        bounds=(-1, 1),
        method="highs",
    )
    if solution.fun is None:
        raise RuntimeError(f"the linear program that looks for separation failed: {solution.message}")
    return bool(-solution.fun > 1e-7)
