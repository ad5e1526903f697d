"""Compiled Newton solver for generalised linear models with sign constraints.

Everything here works on plain arrays; `mixepi.glm.constrained` is the readable face. A problem is

    minimise  f(x) = -sum_i w_i loglik(y_i, offset_i + X_i x)   subject to  s_j x_j >= 0,

convex for every family, so the point that satisfies the Karush-Kuhn-Tucker conditions is the global
optimum. Each Newton step solves its quadratic model over the cone exactly, by a primal active-set method.
"""

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixepi.arrays import BoolArray, FloatArray, IntArray
from mixepi.compiled import njit
from mixepi.glm.cone_kernels import cholesky, cone_step, linear_predictor, negative_gradient, weighted_gram
from mixepi.glm.family_kernels import (
    BINOMIAL,
    GAUSSIAN,
    NEGATIVE_BINOMIAL,
    deviance,
    maximise_size,
    objective,
    score_and_curvature,
)

FREE, NON_NEGATIVE, NON_POSITIVE, EXCLUDED = 0, 1, -1, 2
CONVERGED, SEPARATED, NOT_CONVERGED = 0, 1, 2

# A squared Newton decrement is twice the distance of f from its minimum.
DECREMENT_TOLERANCE = 1e-15
REUSE_BELOW = 3e-2  # steps smaller than this reuse the last Gram matrix
MAX_ITERATIONS = 60
# A binary fit is separated if some row is this close to certainty and some column has lost its information:
# an outlying row alone may be predicted with certainty by a fit that is perfectly finite.
CERTAINTY = 1e-7
LOST_INFORMATION = 1e-4  # a standard error of 100 per standard deviation of a column

SignArray: TypeAlias = NDArray[np.int8]
Solutions: TypeAlias = tuple[
    FloatArray, FloatArray, FloatArray, IntArray, IntArray, FloatArray, FloatArray, FloatArray
]


@njit(nogil=True)
def fill(out: FloatArray, value: float) -> None:
    """Set every element; a plain loop compiles in a tenth of the time of a slice."""
    for i in range(out.shape[0]):
        out[i] = value


@njit(nogil=True)
def copy_into(values: FloatArray, out: FloatArray) -> None:
    """Copy every element; see `fill`."""
    for i in range(out.shape[0]):
        out[i] = values[i]


@njit(nogil=True)
def largest(values: FloatArray) -> float:
    """Return the largest absolute value."""
    found = 0.0
    for i in range(values.shape[0]):
        found = max(found, abs(values[i]))
    return found


@njit(nogil=True)
def newton(
    X: FloatArray,
    y: FloatArray,
    offset: FloatArray,
    w: FloatArray,
    constrained: BoolArray,
    x: FloatArray,
    family: int,
    size: float,
    H: FloatArray,
    eta: FloatArray,
    score: FloatArray,
    curvature: FloatArray,
) -> tuple[int, bool]:
    """Move x (feasible) to the optimum; leave eta, score and H there. Returns (iterations, converged)."""
    p, n = X.shape
    g = np.empty(p)
    d = np.empty(p)
    direction = np.empty(n)
    trial = np.empty(n)
    copy_into(offset, eta)
    linear_predictor(X, x, eta)
    last = math.inf
    done = False
    iterations = 0
    score_and_curvature(family, size, y, eta, w, score, curvature)
    while iterations < MAX_ITERATIONS and not done:
        negative_gradient(X, score, g)
        for j in range(p):
            g[j] = -g[j]
        if iterations == 0 or (family != GAUSSIAN and last > REUSE_BELOW):
            weighted_gram(X, curvature, H)
        cone_step(H, g, x, constrained, d)
        decrement = 0.0
        for j in range(p):
            decrement -= g[j] * d[j]
        fill(direction, 0.0)
        linear_predictor(X, d, direction)
        share = 1.0
        while True:
            for i in range(n):
                trial[i] = eta[i] + share * direction[i]
            score_and_curvature(family, size, y, trial, w, score, curvature)
            if family == GAUSSIAN or decrement < 1e-6 or share < 1e-10:
                break
            slope = 0.0
            for i in range(n):
                slope -= score[i] * direction[i]
            # f is convex: still descending at the trial point means that f fell on the way.
            if slope <= 0.0:
                break
            before = objective(family, size, y, eta, w)
            if objective(family, size, y, trial, w) <= before - 1e-4 * share * decrement:
                break
            share *= 0.5
        for j in range(p):
            x[j] = 0.0 if (share == 1.0 and d[j] == -x[j]) else x[j] + share * d[j]
        copy_into(trial, eta)
        iterations += 1
        if share == 1.0 and decrement < DECREMENT_TOLERANCE:
            done = True
        # A reused matrix that no longer shrinks the step fast is rebuilt.
        last = math.inf if (share < 1.0 or decrement > 0.1 * last) else decrement
    if family != GAUSSIAN:
        weighted_gram(X, curvature, H)
    return iterations, done


@njit(nogil=True)
def kkt_violation(
    X: FloatArray, score: FloatArray, H: FloatArray, constrained: BoolArray, x: FloatArray
) -> float:
    """Return the largest violation of the optimality conditions, in standard-error units of the score."""
    p = x.shape[0]
    g = np.empty(p)
    negative_gradient(X, score, g)
    worst = 0.0
    for j in range(p):
        if H[j, j] <= 0.0:
            continue
        pull = g[j] / math.sqrt(H[j, j])
        at_bound = constrained[j] and x[j] == 0.0
        worst = max(worst, pull if at_bound else abs(pull))
    return worst


@njit(nogil=True)
def index_information(
    H: FloatArray,
    x: FloatArray,
    is_index: BoolArray,
    side: IntArray,
    variance: FloatArray,
    tolerance: FloatArray,
) -> None:
    """Write variance and 1/VIF of each index coefficient from the information matrix at the optimum.

    An index that has neither keeps what stands there.

    The index of side k is sum_j |x_j| X_j / sum |x_j| over the index columns with side[j] == k;
    the other columns of the model are the covariates, the first of them the intercept.
    """
    p = x.shape[0]
    q = 2
    for j in range(p):
        if not is_index[j]:
            q += 1
    T = np.zeros((q, p))
    sums = np.zeros(2)
    a = 0
    for j in range(p):
        if is_index[j]:
            T[q - 2 + side[j], j] = x[j]
            sums[side[j]] += x[j]
        else:
            T[a, j] = 1.0
            a += 1
    for k in range(2):
        for j in range(p):
            if sums[k] != 0.0:
                T[q - 2 + k, j] /= sums[k]
    R = np.zeros((q, q))
    for a in range(q):
        for j in range(p):
            if T[a, j] != 0.0:
                for k in range(p):
                    for b in range(q):
                        R[a, b] += T[a, j] * H[j, k] * T[b, k]
    order = np.arange(q)
    L = np.zeros((q, q))
    aliased = np.zeros(q, np.bool_)
    for k in range(2):
        if sums[k] == 0.0:
            continue
        # The wanted index goes last: its squared pivot is then the inverse of its variance.
        order[q - 1] = q - 2 + k
        order[q - 2] = q - 1 - k
        cholesky(R, order, q, L, aliased)
        if aliased[q - 1]:
            continue
        variance[k] = 1.0 / L[q - 1, q - 1] ** 2
        u = q - 2 + k
        centred = R[u, u] - R[u, 0] ** 2 / R[0, 0]
        tolerance[k] = 1.0 / (variance[k] * centred)


@njit(nogil=True)
def nearly_singular(H: FloatArray) -> bool:
    """Return whether some column carries next to no information given the columns before it."""
    p = H.shape[0]
    L = np.empty((p, p))
    aliased = np.zeros(p, np.bool_)
    cholesky(H, np.arange(p), p, L, aliased)
    lost = 0
    for j in range(p):
        if H[j, j] > 0.0 and (aliased[j] or L[j, j] ** 2 < LOST_INFORMATION):
            lost += 1
    return lost > 0


@njit(nogil=True)
def solve_problem(
    X: FloatArray,
    y: FloatArray,
    offset: FloatArray,
    w: FloatArray,
    constrained: BoolArray,
    x: FloatArray,
    family: int,
    size: float,
    H: FloatArray,
) -> tuple[float, float, int, int, float, FloatArray]:
    """Optimise one problem, the negative binomial size included; return what describes the optimum."""
    n = y.shape[0]
    eta = np.empty(n)
    score = np.empty(n)
    curvature = np.empty(n)
    # A negative size is a start: the size itself is then estimated, alternating with the coefficients.
    settled = not (family == NEGATIVE_BINOMIAL and size < 0.0)
    size = abs(size)
    iterations, done = 0, False
    for _ in range(200):
        more, done = newton(X, y, offset, w, constrained, x, family, size, H, eta, score, curvature)
        iterations += more
        if settled:
            break
        done = False
        new = maximise_size(y, eta, w, size)
        # Near the Poisson limit the size itself is flat; what enters the variance is 1 / size.
        settled = abs(math.log(new / size)) < 1e-9 or abs(1.0 / new - 1.0 / size) < 1e-9
        size = new
    violation = kkt_violation(X, score, H, constrained, x)
    if family == NEGATIVE_BINOMIAL:
        # Standard errors use the expected information, as negative binomial fits in R do.
        for i in range(n):
            mu = math.exp(eta[i])
            curvature[i] = w[i] * mu * size / (size + mu)
        weighted_gram(X, curvature, H)
    status = CONVERGED if done else NOT_CONVERGED
    if family == BINOMIAL and largest(eta) > -math.log(CERTAINTY) and nearly_singular(H):
        status = SEPARATED
    return deviance(family, size, y, eta, w), violation, iterations, status, size, eta


@njit(nogil=True)
def fit_many(
    X: FloatArray,
    y: FloatArray,
    offset: FloatArray,
    row_weights: FloatArray,
    signs: SignArray,
    starts: FloatArray,
    family: int,
    size: float,
    is_index: BoolArray,
) -> Solutions:
    """Solve one problem per row of `row_weights` (B, n); rows of weight zero cost nothing.

    `signs` and `starts` are (B, p) or (1, p). Index columns come after the intercept.
    """
    p, n = X.shape
    B = row_weights.shape[0]
    coefficients = np.zeros((B, p))
    deviances = np.empty(B)
    violations = np.empty(B)
    iterations = np.empty(B, np.int64)
    status = np.empty(B, np.int64)
    sizes = np.empty(B)
    variances = np.full((B, 2), np.nan)
    tolerances = np.full((B, 2), np.nan)
    rows = np.empty(n, np.int64)
    columns = np.empty(p, np.int64)
    any_index = is_index.any()
    for b in range(B):
        sign = signs[b if signs.shape[0] > 1 else 0]
        start = starts[b if starts.shape[0] > 1 else 0]
        m = 0
        for i in range(n):
            if row_weights[b, i] > 0.0:
                rows[m] = i
                m += 1
        c = 0
        for j in range(p):
            if sign[j] != EXCLUDED:
                columns[c] = j
                c += 1
        Z = np.empty((c, m))
        yb = np.empty(m)
        ob = np.empty(m)
        wb = np.empty(m)
        x = np.empty(c)
        constrained = np.empty(c, np.bool_)
        index = np.empty(c, np.bool_)
        for i in range(m):
            yb[i] = y[rows[i]]
            ob[i] = offset[rows[i]]
            wb[i] = row_weights[b, rows[i]]
        for a in range(c):
            j = columns[a]
            flip = -1.0 if sign[j] == NON_POSITIVE else 1.0
            constrained[a] = sign[j] != FREE
            index[a] = is_index[j]
            x[a] = flip * start[j]
            if constrained[a]:
                x[a] = max(x[a], 0.0)
            for i in range(m):
                Z[a, i] = flip * X[j, rows[i]]
        H = np.empty((c, c))
        found = solve_problem(Z, yb, ob, wb, constrained, x, family, size, H)
        deviances[b], violations[b], iterations[b], status[b], sizes[b] = found[:5]
        for a in range(c):
            j = columns[a]
            coefficients[b, j] = -x[a] if sign[j] == NON_POSITIVE else x[a]
        if any_index:
            side = np.zeros(c, np.int64)
            for a in range(c):
                side[a] = 1 if coefficients[b, columns[a]] < 0.0 else 0
                if sign[columns[a]] == NON_POSITIVE:
                    side[a] = 1
            index_information(H, x, index, side, variances[b], tolerances[b])
    return coefficients, deviances, violations, iterations, status, sizes, variances, tolerances
