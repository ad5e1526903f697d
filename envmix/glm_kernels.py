"""Compiled Newton solver for generalised linear models with sign constraints.

Everything here works on plain arrays; `envmix.constrained_glm` is the readable face. A problem is

    minimise  f(x) = -sum_i w_i loglik(y_i, offset_i + X_i x)   subject to  s_j x_j >= 0,

convex for every family below, so the point that satisfies the Karush-Kuhn-Tucker conditions is the
global optimum. Each Newton step solves its quadratic model over the cone exactly, by a primal
active-set method. Designs are stored column by column, shape (p, n), so that every inner loop runs
over contiguous rows.
"""

import math

import numpy as np
from numba import njit

GAUSSIAN, BINOMIAL, POISSON, NEGATIVE_BINOMIAL = 0, 1, 2, 3
FREE, NON_NEGATIVE, NON_POSITIVE, EXCLUDED = 0, 1, -1, 2
CONVERGED, SEPARATED, NOT_CONVERGED = 0, 1, 2

# A squared Newton decrement is twice the distance of f from its minimum.
DECREMENT_TOLERANCE = 1e-15
REUSE_BELOW = 1e-3  # steps smaller than this reuse the last Gram matrix
MAX_ITERATIONS = 60
ALIASED_PIVOT = 1e-10  # share of a column's variance below which it counts as a combination of earlier ones
SEPARATION_DEVIANCE = 1e-7  # a row fitted this close to certainty is numerically 0 or 1
LARGEST_SIZE = 1e7  # negative binomial size beyond which the model is Poisson

FAST = {"reassoc", "contract", "nsz", "arcp"}
ROWS = 512  # rows per block of a Gram matrix: two blocks of columns stay in the first-level cache


@njit(cache=True, nogil=True, fastmath=FAST)
def score_and_curvature(family, size, y, eta, w, score, curvature):
    """Write d loglik/d eta and -d2 loglik/d eta2 of every row, both times its weight."""
    for i in range(y.shape[0]):
        if family == GAUSSIAN:
            score[i] = w[i] * (y[i] - eta[i])
            curvature[i] = w[i]
        elif family == BINOMIAL:
            e = math.exp(-abs(eta[i]))
            d = 1.0 / (1.0 + e)
            mu = d if eta[i] >= 0.0 else e * d
            score[i] = w[i] * (y[i] - mu)
            curvature[i] = w[i] * e * d * d
        elif family == POISSON:
            mu = math.exp(eta[i])
            score[i] = w[i] * (y[i] - mu)
            curvature[i] = w[i] * mu
        else:
            mu = math.exp(eta[i])
            d = size / (size + mu)
            score[i] = w[i] * (y[i] - mu) * d
            curvature[i] = w[i] * mu * d * (y[i] + size) / (size + mu)


@njit(cache=True, nogil=True)
def objective(family, size, y, eta, w):
    """Return f up to a term that does not depend on eta."""
    total = 0.0
    for i in range(y.shape[0]):
        if family == GAUSSIAN:
            total += 0.5 * w[i] * (y[i] - eta[i]) ** 2
        elif family == BINOMIAL:
            total += w[i] * (max(eta[i], 0.0) - y[i] * eta[i] + math.log1p(math.exp(-abs(eta[i]))))
        elif family == POISSON:
            total += w[i] * (math.exp(eta[i]) - y[i] * eta[i])
        else:
            total += w[i] * ((y[i] + size) * math.log(size + math.exp(eta[i])) - y[i] * eta[i])
    return total


@njit(cache=True, nogil=True)
def deviance(family, size, y, eta, w):
    """Return the deviance: twice the log-likelihood of the saturated model minus that of eta."""
    total = 0.0
    for i in range(y.shape[0]):
        if w[i] == 0.0:
            continue
        if family == GAUSSIAN:
            total += w[i] * (y[i] - eta[i]) ** 2
        elif family == BINOMIAL:
            loss = max(eta[i], 0.0) - y[i] * eta[i] + math.log1p(math.exp(-abs(eta[i])))
            if 0.0 < y[i] < 1.0:
                loss += y[i] * math.log(y[i]) + (1.0 - y[i]) * math.log1p(-y[i])
            total += 2.0 * w[i] * loss
        else:
            mu = math.exp(eta[i])
            own = y[i] * (math.log(y[i]) - eta[i]) if y[i] > 0.0 else 0.0
            if family == POISSON:
                total += 2.0 * w[i] * (own - (y[i] - mu))
            else:
                total += 2.0 * w[i] * (own - (y[i] + size) * math.log((y[i] + size) / (mu + size)))
    return total


@njit(cache=True, nogil=True, fastmath=FAST)
def weighted_gram(X, h, H):
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


@njit(cache=True, nogil=True, fastmath=FAST)
def negative_gradient(X, score, out):
    """Write X @ score: the gradient of -f."""
    for j in range(X.shape[0]):
        total = 0.0
        row = X[j]
        for i in range(row.shape[0]):
            total += row[i] * score[i]
        out[j] = total


@njit(cache=True, nogil=True, fastmath=FAST)
def linear_predictor(X, x, out):
    """Add X' x to out."""
    for j in range(X.shape[0]):
        factor = x[j]
        if factor != 0.0:
            row = X[j]
            for i in range(row.shape[0]):
                out[i] += factor * row[i]


@njit(cache=True, nogil=True)
def cholesky(H, index, m, L, aliased):
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


@njit(cache=True, nogil=True)
def cone_step(H, g, x, constrained, d):
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


@njit(cache=True, nogil=True)
def digamma_trigamma(x):
    """Return the first two derivatives of log gamma, by recurrence and asymptotic series."""
    first, second = 0.0, 0.0
    while x < 10.0:
        first -= 1.0 / x
        second += 1.0 / (x * x)
        x += 1.0
    r = 1.0 / (x * x)
    first += math.log(x) - 0.5 / x - r * (1 / 12.0 - r * (1 / 120.0 - r * (1 / 252.0 - r / 240.0)))
    second += 1.0 / x + 0.5 * r + (1.0 / x) * r * (1 / 6.0 - r * (1 / 30.0 - r * (1 / 42.0 - r / 30.0)))
    return first, second


@njit(cache=True, nogil=True)
def maximise_size(y, eta, w, size):
    """Return the maximum-likelihood size of a negative binomial given its means (Newton on log size)."""
    log_size = math.log(size)
    for _ in range(100):
        k = math.exp(log_size)
        g0, t0 = digamma_trigamma(k)
        first, second = 0.0, 0.0
        for i in range(y.shape[0]):
            mu = math.exp(eta[i])
            g1, t1 = digamma_trigamma(k + y[i])
            first += w[i] * (g1 - g0 + math.log(k / (k + mu)) + (mu - y[i]) / (k + mu))
            second += w[i] * (t1 - t0 + 1.0 / k - 2.0 / (k + mu) + (k + y[i]) / (k + mu) ** 2)
        slope = first * k
        bend = second * k * k + slope
        step = -slope / bend if bend < 0.0 else (1.0 if slope > 0.0 else -1.0)
        step = min(max(step, -2.0), 2.0)
        log_size += step
        if log_size > math.log(LARGEST_SIZE):
            return LARGEST_SIZE
        if abs(step) < 1e-10:
            break
    return math.exp(log_size)


@njit(cache=True, nogil=True)
def newton(X, y, offset, w, constrained, x, family, size, H, eta, score, curvature):
    """Move x (feasible) to the optimum; leave eta, score and H there. Returns (iterations, converged)."""
    p, n = X.shape
    g = np.empty(p)
    d = np.empty(p)
    direction = np.empty(n)
    trial = np.empty(n)
    eta[:] = offset
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
        direction[:] = 0.0
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
        eta[:] = trial
        iterations += 1
        if share == 1.0 and decrement < DECREMENT_TOLERANCE:
            done = True
        # A reused matrix that no longer shrinks the step fast is rebuilt.
        last = math.inf if (share < 1.0 or decrement > 0.1 * last) else decrement
    if family != GAUSSIAN:
        weighted_gram(X, curvature, H)
    return iterations, done


@njit(cache=True, nogil=True)
def kkt_violation(X, score, H, constrained, x):
    """Return the largest violation of the optimality conditions, in standard-error units of the score."""
    p = x.shape[0]
    g = np.empty(p)
    negative_gradient(X, score, g)
    worst = 0.0
    for j in range(p):
        if H[j, j] <= 0.0:
            continue
        pull = g[j] / math.sqrt(H[j, j])
        if constrained[j] and x[j] == 0.0:
            worst = max(worst, pull)
        else:
            worst = max(worst, abs(pull))
    return worst


@njit(cache=True, nogil=True)
def index_information(H, x, is_index, side):
    """Return variance and 1/VIF of each index coefficient from the information matrix at the optimum.

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
    R = T @ H @ T.T
    order = np.arange(q)
    L = np.zeros((q, q))
    aliased = np.zeros(q, np.bool_)
    variance = np.full(2, np.nan)
    tolerance = np.full(2, np.nan)
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
    return variance, tolerance


@njit(cache=True, nogil=True)
def solve_problem(X, y, offset, w, constrained, x, family, size, H):
    """Optimise one problem, the negative binomial size included; return what describes the optimum."""
    n = y.shape[0]
    eta = np.empty(n)
    score = np.empty(n)
    curvature = np.empty(n)
    iterations, done = newton(X, y, offset, w, constrained, x, family, abs(size), H, eta, score, curvature)
    # A negative size is a start: the size itself is then estimated, alternating with the coefficients.
    if family == NEGATIVE_BINOMIAL and size < 0.0:
        k = -size
        done = False
        for _ in range(50):
            new = maximise_size(y, eta, w, k)
            settled = abs(math.log(new / k)) < 1e-9
            k = new
            more, inner = newton(X, y, offset, w, constrained, x, family, k, H, eta, score, curvature)
            iterations += more
            if settled:
                done = inner
                break
        size = k
    violation = kkt_violation(X, score, H, constrained, x)
    if family == NEGATIVE_BINOMIAL:
        # Standard errors use the expected information, as negative binomial fits in R do.
        for i in range(n):
            mu = math.exp(eta[i])
            curvature[i] = w[i] * mu * size / (size + mu)
        weighted_gram(X, curvature, H)
    status = CONVERGED if done else NOT_CONVERGED
    if family == BINOMIAL:
        for i in range(n):
            if abs(eta[i]) > -math.log(SEPARATION_DEVIANCE):
                status = SEPARATED
    return deviance(family, size, y, eta, w), violation, iterations, status, size, eta


@njit(cache=True, nogil=True)
def fit_many(X, y, offset, row_weights, signs, starts, family, size, is_index):
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
            variances[b], tolerances[b] = index_information(H, x, index, side)
    return coefficients, deviances, violations, iterations, status, sizes, variances, tolerances
