"""Compiled linear algebra: Gram matrices and quadratic programs over a cone.

Designs are stored column by column, shape (p, n), so that every inner loop runs over contiguous rows.
"""

import math

import numpy as np

from mixepi.arrays import BoolArray, FloatArray, IntArray
from mixepi.compiled import njit
from mixepi.glm.family_kernels import FAST

ALIASED_PIVOT = 1e-10  # share of a column's variance below which it counts as a combination of earlier ones
ROWS = 512  # rows per block of a Gram matrix: two blocks of columns stay in the first-level cache


@njit(nogil=True, fastmath=FAST)
def weighted_gram(X: FloatArray, h: FloatArray, H: FloatArray) -> None:
    """Write X diag(h) X' into H for X of shape (p, n)."""
    p, n = X.shape
    H[:] = 0.0
    scaled = np.empty(ROWS)
    for start in range(0, n, ROWS):
        m = min(ROWS, n - start)
        hb = h[start : start + m]
        for j in range(p):
            xj = X[j, start : start + m]
            for i in range(m):
                scaled[i] = xj[i] * hb[i]
            k = 0
            while k + 3 <= j:
                a, b, c, d = 0.0, 0.0, 0.0, 0.0
                xa = X[k, start : start + m]
                xb = X[k + 1, start : start + m]
                xc = X[k + 2, start : start + m]
                xd = X[k + 3, start : start + m]
                for i in range(m):
                    a += scaled[i] * xa[i]
                    b += scaled[i] * xb[i]
                    c += scaled[i] * xc[i]
                    d += scaled[i] * xd[i]
                H[j, k] += a
                H[j, k + 1] += b
                H[j, k + 2] += c
                H[j, k + 3] += d
                k += 4
            while k <= j:
                a = 0.0
                xa = X[k, start : start + m]
                for i in range(m):
                    a += scaled[i] * xa[i]
                H[j, k] += a
                k += 1
    for j in range(p):
        for k in range(j):
            H[k, j] = H[j, k]


@njit(nogil=True, fastmath=FAST)
def negative_gradient(X: FloatArray, score: FloatArray, out: FloatArray) -> None:
    """Write X @ score: the gradient of -f."""
    for j in range(X.shape[0]):
        total = 0.0
        row = X[j]
        for i in range(row.shape[0]):
            total += row[i] * score[i]
        out[j] = total


@njit(nogil=True, fastmath=FAST)
def linear_predictor(X: FloatArray, x: FloatArray, out: FloatArray) -> None:
    """Add X' x to out."""
    for j in range(X.shape[0]):
        factor = x[j]
        if factor != 0.0:
            row = X[j]
            for i in range(row.shape[0]):
                out[i] += factor * row[i]


@njit(nogil=True)
def cholesky(H: FloatArray, index: IntArray, m: int, L: FloatArray, aliased: BoolArray) -> None:
    """Factor H[index[:m], index[:m]]; mark columns that are combinations of earlier ones."""
    for a in range(m):
        ja = index[a]
        for b in range(a):
            if aliased[b]:
                L[a, b] = 0.0
                continue
            total = H[ja, index[b]]
            for c in range(b):
                total -= L[a, c] * L[b, c]
            L[a, b] = total / L[b, b]
        pivot = H[ja, ja]
        for c in range(a):
            pivot -= L[a, c] * L[a, c]
        aliased[a] = not pivot > ALIASED_PIVOT * H[ja, ja]
        L[a, a] = 1.0 if aliased[a] else math.sqrt(pivot)


@njit(nogil=True)
def cone_step(H: FloatArray, g: FloatArray, x: FloatArray, constrained: BoolArray, d: FloatArray) -> None:
    """Write into d the minimiser of g'd + d'Hd/2 over x + d >= 0 (constrained entries only).

    Primal active set: variables at zero enter one at a time by the steepest multiplier, and leave
    when a step would carry them through zero. A column aliased with others keeps its value.
    """
    p = x.shape[0]
    inside = np.empty(p, np.bool_)
    banned = np.zeros(p, np.bool_)
    aliased = np.zeros(p, np.bool_)
    index = np.empty(p, np.int64)
    L = np.empty((p, p))
    s = np.empty(p)
    for j in range(p):
        inside[j] = not constrained[j] or x[j] > 0.0
        d[j] = 0.0
    for _ in range(20 * p + 20):
        m = 0
        for j in range(p):
            if inside[j]:
                index[m] = j
                m += 1
        cholesky(H, index, m, L, aliased)
        for a in range(m):
            j = index[a]
            total = -g[j]
            for k in range(p):
                if not inside[k]:
                    total -= H[j, k] * d[k]
            for b in range(m):
                if aliased[b]:
                    total -= H[j, index[b]] * d[index[b]]
            for b in range(a):
                total -= L[a, b] * s[b]
            s[a] = 0.0 if aliased[a] else total / L[a, a]
        for a in range(m - 1, -1, -1):
            if aliased[a]:
                continue
            total = s[a]
            for b in range(a + 1, m):
                if not aliased[b]:
                    total -= L[b, a] * s[b]
            s[a] = total / L[a, a]
        for a in range(m):
            if aliased[a]:
                s[a] = d[index[a]]
        share = 1.0
        for a in range(m):
            j = index[a]
            if constrained[j] and x[j] + s[a] < 0.0 and not aliased[a]:
                share = min(share, (x[j] + d[j]) / (d[j] - s[a]))
        if share < 1.0:
            for a in range(m):
                j = index[a]
                blocks = constrained[j] and x[j] + s[a] < 0.0
                d[j] += share * (s[a] - d[j])
                if blocks and x[j] + d[j] <= 1e-14 * (1.0 + abs(s[a])):
                    d[j] = -x[j]
                    inside[j] = False
                    banned[j] = banned[j] or share == 0.0
            continue
        for a in range(m):
            d[index[a]] = s[a]
        worst, enters = -1e-11, -1
        for j in range(p):
            if not inside[j] and not banned[j] and H[j, j] > 0.0:
                multiplier = g[j]
                for k in range(p):
                    multiplier += H[j, k] * d[k]
                multiplier /= math.sqrt(H[j, j])
                if multiplier < worst:
                    worst, enters = multiplier, j
        if enters < 0:
            return
        inside[enters] = True
