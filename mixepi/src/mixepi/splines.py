"""Restricted cubic splines: cubic between the outer knots, linear beyond them."""

import numpy as np

from mixepi.arrays import FloatArray
from mixepi.errors import EstimationError


def restricted_cubic_spline(values: FloatArray, knots: FloatArray) -> FloatArray:
    """Return the columns of a restricted cubic spline.

    Parameters
    ----------
    values : array, shape (n,)
    knots : array, shape (k,)
        At least three, strictly increasing.

    Returns
    -------
    ndarray, shape (n, k - 1)
        The values themselves, then k - 2 columns that are zero below the first knot and, in any combination,
        linear above the last. Divided by the squared distance of the outer knots, so that all columns have
        the unit of the values. The curve is a straight line where the coefficients of the latter are zero.

    Raises
    ------
    EstimationError
        Fewer than three knots, or equal ones, as heavily tied values give.

    Notes
    -----
    Stone and Koo (1985); Harrell, Regression Modeling Strategies (2015), section 2.4.5, as R's
    ``Hmisc::rcspline.eval`` with ``norm = 2``.
    """
    t = np.asarray(knots, dtype=np.float64)
    if t.size < 3 or not (np.diff(t) > 0).all():
        found = ", ".join(f"{knot:.4g}" for knot in t) or "none"
        raise EstimationError(
            f"expected at least three increasing knots, found {found}: use "
            "fewer knots, or other percentiles where many values are equal"
        )
    x = np.asarray(values, dtype=np.float64)
    cubes = np.maximum(x[:, None] - t, 0.0) ** 3
    last, before = t[-1], t[-2]
    towards_last = (last - t[:-2]) / (last - before)
    towards_before = (before - t[:-2]) / (last - before)
    nonlinear = cubes[:, :-2] - cubes[:, [-2]] * towards_last + cubes[:, [-1]] * towards_before
    return np.column_stack([x, nonlinear / (last - t[0]) ** 2])
