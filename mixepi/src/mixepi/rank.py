"""Which columns of a matrix are combinations of others."""

from collections.abc import Sequence

import numpy as np
from scipy import linalg

from mixepi.arrays import FloatArray, IntArray
from mixepi.errors import EstimationError

# A column whose part that the others do not give is this small, relative to its length, counts as theirs:
# far above rounding (1e-16 times some thousand), far below what a measured covariate leaves.
TOLERANCE = 1e-9


def dependent_columns(matrix: FloatArray) -> IntArray:
    """Return the positions of columns that the others make up, by a pivoted QR of columns of length 1.

    No column may be all zeros.
    """
    if not matrix.shape[1]:
        return np.empty(0, dtype=np.int64)
    scaled = matrix / np.linalg.norm(matrix, axis=0)
    _, triangle, order = linalg.qr(scaled, mode="economic", pivoting=True)
    rank = int(np.sum(np.abs(np.diag(triangle)) > TOLERANCE))
    return np.sort(order[rank:]).astype(np.int64)


def require_independent(matrix: FloatArray, names: Sequence[str]) -> None:
    """Raise `EstimationError` that names the columns which are zero or which others make up.

    Parameters
    ----------
    matrix : array, shape (n, k)
    names : sequence of str, length k
    """
    empty = [name for name, column in zip(names, matrix.T, strict=True) if not column.any()]
    if empty:
        raise EstimationError(
            f"expected columns that vary, found only zeros in {', '.join(empty)}: leave them out"
        )
    found = dependent_columns(matrix)
    if found.size:
        raise EstimationError(
            f"expected linearly independent columns, found {', '.join(names[j] for j in found)} to be a "
            f"combination of the others in {len(matrix)} rows: leave out one of the columns involved (for "
            "instance one indicator of each category)"
        )
