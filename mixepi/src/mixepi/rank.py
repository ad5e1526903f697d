"""Which columns of a matrix are combinations of others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from mixepi.arrays import FloatArray, IntArray
from mixepi.errors import EstimationError

# A column whose part that the others do not give is this small, relative to its length about its mean, counts
# as theirs: far above rounding (1e-16 times some thousand), far below what a measured covariate leaves.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Standardised:
    """A design whose columns, but for the intercept, have mean 0 and standard deviation 1.

    Solvers that square a design lose the part of a column that varies where its mean is large, such as the
    day number of a date.

    Attributes
    ----------
    matrix : array, shape (n, k)
    back : array, shape (k, k)
        back @ b are the coefficients of the design as it was; back @ V @ back.T their covariance.
    """

    matrix: FloatArray
    back: FloatArray


def standardise(design: FloatArray) -> Standardised:
    """Standardise a design, shape (n, k), whose first column is all ones."""
    centre, spread = design[:, 1:].mean(axis=0), design[:, 1:].std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    back = np.diag(np.concatenate([[1.0], 1 / spread]))
    back[0, 1:] = -centre / spread
    return Standardised(np.column_stack([design[:, 0], (design[:, 1:] - centre) / spread]), back)


def dependent_columns(matrix: FloatArray) -> IntArray:
    """Return the positions of columns that the others make up, by a pivoted QR of columns of length 1.

    Beside a column that is constant the others are judged about their means: a large mean is not collinear.
    """
    spread = np.ptp(matrix, axis=0) if len(matrix) else np.zeros(matrix.shape[1])
    constant = np.flatnonzero((spread == 0) & matrix.any(axis=0))
    varying = np.flatnonzero(spread > 0)
    judged = matrix[:, varying]
    for _ in range(2 if constant.size else 0):  # twice: the mean of numbers around 1e10 is off by 1e-6
        judged = judged - judged.mean(axis=0)
    repeated = np.setdiff1d(np.arange(matrix.shape[1]), np.concatenate([varying, constant[:1]]))
    if not varying.size:
        return repeated.astype(np.int64)
    scaled = judged / np.linalg.norm(judged, axis=0)
    _, triangle, order = linalg.qr(scaled, mode="economic", pivoting=True)
    rank = int(np.sum(np.abs(np.diag(triangle)) > TOLERANCE))
    return np.sort(np.concatenate([repeated, varying[order[rank:]]])).astype(np.int64)


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
