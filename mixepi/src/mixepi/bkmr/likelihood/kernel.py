"""The Gaussian kernel and its pivoted Cholesky factor, compiled.

K_r(z, z') = exp(-sum_m r_m (z_m - z'_m)^2)   (Bobb et al. 2015, equation 3)
"""

import numpy as np

from mixepi.arrays import FloatArray, IntArray
from mixepi.compiled import njit

# Products and sums may be fused, sums not reordered: LLVM would order those of `_subtract` in one way when it
# compiles them and in another when it inlines them, so that the process that fills numba's cache and those
# that read it would differ in the last bit. Reordering saves no time.
CONTRACT = {"contract"}


@njit(fastmath=CONTRACT, inline="always")
def _exp_of_negative(x: float) -> float:  # pragma: no cover - compiled
    # exp(x) = exp(x / 1024) ** 1024 with a Taylor polynomial of degree 7: relative error below
    # 3e-13, free of branches and tables, so that the loop runs four to eight numbers at a time.
    # Below -45 (3e-20) the value no longer matters beside a diagonal of one.
    v = max(x, -45.0) * (1.0 / 1024.0)
    p = 1.0 + v * (1.0 + v * (1 / 2 + v * (1 / 6 + v * (1 / 24 + v * (1 / 120 + v * (1 / 720 + v / 5040))))))
    for _ in range(10):
        p = p * p
    return p


@njit(fastmath=CONTRACT)
def _kernel_column(
    zt: FloatArray, r: FloatArray, point: FloatArray, out: FloatArray
) -> None:  # pragma: no cover - compiled
    n = out.shape[0]
    for i in range(n):
        out[i] = 0.0
    for m in range(r.shape[0]):
        centre = point[m]
        scale = r[m]
        row = zt[m]
        for i in range(n):
            step = row[i] - centre
            out[i] -= scale * step * step
    for i in range(n):
        out[i] = _exp_of_negative(out[i])


@njit()
def _cross(zt: FloatArray, r: FloatArray, points: FloatArray) -> FloatArray:  # pragma: no cover - compiled
    out = np.empty((points.shape[0], zt.shape[1]))
    for j in range(points.shape[0]):
        _kernel_column(zt, r, points[j], out[j])
    return out


@njit()
def _dense(
    zt: FloatArray, r: FloatArray, scale: float, ridge: float
) -> FloatArray:  # pragma: no cover - compiled
    n = zt.shape[1]
    out = np.empty((n, n))
    point = np.empty(r.shape[0])
    for j in range(n):
        for m in range(r.shape[0]):
            point[m] = zt[m, j]
        # Row j up to the diagonal: the lower triangle in C order, the upper in Fortran order.
        _kernel_column(zt[:, : j + 1], r, point, out[j, : j + 1])
        for i in range(j + 1):
            out[j, i] *= scale
        out[j, j] += ridge
    return out


@njit(fastmath=CONTRACT)
def _subtract(
    weights: FloatArray, rows: FloatArray, column: FloatArray
) -> None:  # pragma: no cover - compiled
    # Four rows at a time, so that the column is read and written a quarter as often: a factor in a quarter to
    # two fifths less time than with BLAS.
    n, count = column.shape[0], weights.shape[0]
    in_fours = count - count % 4
    for j in range(0, in_fours, 4):
        a, b, c, d = weights[j], weights[j + 1], weights[j + 2], weights[j + 3]
        row_a, row_b, row_c, row_d = rows[j], rows[j + 1], rows[j + 2], rows[j + 3]
        for i in range(n):
            column[i] -= a * row_a[i] + b * row_b[i] + c * row_c[i] + d * row_d[i]
    for j in range(in_fours, count):
        a, row_a = weights[j], rows[j]
        for i in range(n):
            column[i] -= a * row_a[i]


@njit()
def _pivoted_cholesky(
    zt: FloatArray, r: FloatArray, max_rank: int, tolerance: float
) -> tuple[FloatArray, IntArray, FloatArray]:  # pragma: no cover - compiled
    n = zt.shape[1]
    factor = np.empty((max_rank, n))
    pivots = np.empty(max_rank, dtype=np.int64)
    residual = np.ones(n)
    column = np.empty(n)
    point = np.empty(r.shape[0])
    rank = 0
    while rank < max_rank:
        pivot = 0
        trace = 0.0
        largest = -1.0
        for i in range(n):
            trace += residual[i]
            if residual[i] > largest:
                largest = residual[i]
                pivot = i
        # Below about n times the rounding unit the residual is noise: nothing is left to factor.
        if trace <= tolerance or largest <= 1e-14:
            break
        for m in range(r.shape[0]):
            point[m] = zt[m, pivot]
        _kernel_column(zt, r, point, column)
        if rank > 0:
            _subtract(factor[:rank, pivot].copy(), factor, column)
        root = np.sqrt(largest)
        for i in range(n):
            value = column[i] / root
            factor[rank, i] = value
            residual[i] = max(residual[i] - value * value, 0.0)
        for j in range(rank):
            factor[rank, pivots[j]] = 0.0
        residual[pivot] = 0.0
        pivots[rank] = pivot
        rank += 1
    return factor[:rank], pivots[:rank].copy(), residual


def active_part(zt: FloatArray, r: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rows of `zt` (exposures x observations) with r > 0, and those r: the others leave K unchanged."""
    keep = r > 0
    return np.ascontiguousarray(zt[keep]), np.ascontiguousarray(r[keep])


def kernel_between(z_new: FloatArray, z: FloatArray, r: FloatArray) -> FloatArray:
    """K(z_new, z), shape (new, observations), for points in rows.

    Parameters
    ----------
    z_new, z : ndarray, shapes (q, M) and (n, M)
        Exposures on the scale of the model.
    r : ndarray, shape (M,)
        Non-negative; zero removes an exposure.
    """
    zt, scales = active_part(np.ascontiguousarray(z.T), r)
    points = np.ascontiguousarray(z_new[:, r > 0])
    return _cross(zt, scales, points)


def kernel_upper(zt: FloatArray, r: FloatArray, *, scale: float = 1.0, ridge: float = 0.0) -> FloatArray:
    """scale * K + ridge * I as a Fortran-ordered array of which only the upper triangle is filled."""
    rows, scales = active_part(zt, r)
    return _dense(rows, scales, scale, ridge).T


def pivoted_cholesky(
    zt: FloatArray, r: FloatArray, *, max_rank: int, tolerance: float
) -> tuple[FloatArray, IntArray, FloatArray]:
    """Factor K = G G' + E by Cholesky with the largest residual as pivot.

    Parameters
    ----------
    zt : ndarray, shape (M, n)
        Exposures, one per row.
    r : ndarray, shape (M,)
        Kernel parameters.
    max_rank : int
        Stop after so many columns.
    tolerance : float
        Stop when trace(E) is no larger.

    Returns
    -------
    factor : ndarray, shape (k, n)
        G', each row one column of G.
    pivots : ndarray of int, shape (k,)
        The observations chosen, in order; G restricted to them is lower triangular.
    residual : ndarray, shape (n,)
        The diagonal of E, which is positive semidefinite, so that trace(E) bounds its norm.
    """
    rows, scales = active_part(zt, r)
    return _pivoted_cholesky(rows, scales, min(max_rank, zt.shape[1]), tolerance)
