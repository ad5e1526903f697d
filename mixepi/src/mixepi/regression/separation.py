"""Does a combination of columns predict a binary outcome perfectly?"""

import numpy as np
from numpy.typing import NDArray
from scipy import optimize


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
    scaled = matrix / np.abs(matrix).max(axis=0)
    signed = np.where(outcome[:, None] == 1, scaled, -scaled)
    solution = optimize.linprog(
        c=-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1), method="highs"
    )
    if solution.fun is None:
        raise RuntimeError(f"the linear program that looks for separation failed: {solution.message}")
    return bool(-solution.fun > 1e-7)
