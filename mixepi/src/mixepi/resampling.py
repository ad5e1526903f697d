"""Rows drawn with replacement, as counts."""

import numpy as np

from mixepi.arrays import FloatArray, IntArray


def draw_counts(generator: np.random.Generator, rows: int, bootstraps: int) -> FloatArray:
    """Return how often each row is drawn in each bootstrap, shape (B, n); one row of ones for B = 1."""
    if bootstraps == 1:
        return np.ones((1, rows))
    return count_rows(generator.integers(0, rows, size=(bootstraps, rows)), rows)


def count_rows(drawn: IntArray, rows: int) -> FloatArray:
    """Return counts (B, n) of the row numbers `drawn` (B, m)."""
    B = drawn.shape[0]
    flat = (drawn + rows * np.arange(B)[:, None]).ravel()
    return np.bincount(flat, minlength=B * rows).reshape(B, rows).astype(np.float64)
