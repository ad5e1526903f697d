"""Generalised linear models with sign constraints: many weighted fits of one design in one call."""

from dataclasses import dataclass

import numpy as np

from mixepi.arrays import BoolArray, FloatArray, IntArray
from mixepi.errors import EstimationError, SeparationError
from mixepi.glm.families import COUNTS, FREE_DISPERSION, SOLVER_CODES
from mixepi.separation import are_counts_separated, empty_indicators

PERFECT_FIT = 1e-12
# Inverse condition of the information, in correlations, below which counts are looked at for groups of zeros:
# a group whose mean goes to zero takes its information with it.
SINGULAR = 1e-6


@dataclass(frozen=True)
class ConstrainedFits:
    """Global optima of B sign-constrained fits.

    Attributes
    ----------
    coefficients : array, shape (B, K)
        Coefficients theta of the index columns.
    index_coefficients, index_std_errors, index_tolerances : array, shape (B, 2)
        Sum of the positive coefficients (column 0) and of the negative ones (column 1), the standard
        error of that coefficient in the model with the index in place of its exposures, and 1/VIF of
        the index there. Where a side is empty the sum is 0 and the others are missing.
    deviances : array, shape (B,)
    kkt_violations : array, shape (B,)
        Largest violation of the optimality conditions: the score divided by its standard error.
    iterations : array, shape (B,)
    converged, separated : array, shape (B,)
        Separated: a binary outcome is predicted with certainty along some direction, or a gaussian one
        perfectly.
    sizes : array, shape (B,)
        Size of the negative binomial (variance mu + mu^2 / size); 1 for other families.
    """

    coefficients: FloatArray
    index_coefficients: FloatArray
    index_std_errors: FloatArray
    index_tolerances: FloatArray
    deviances: FloatArray
    kkt_violations: FloatArray
    iterations: IntArray
    converged: BoolArray
    separated: BoolArray
    sizes: FloatArray


def fit_constrained(
    index_columns: FloatArray,
    covariates: FloatArray,
    outcome: FloatArray,
    row_weights: FloatArray,
    signs: IntArray,
    *,
    family: str,
    offset: FloatArray,
    residual_df: float,
) -> ConstrainedFits:
    """Fit g(E y) = b0 + Q theta + Z c + offset under sign constraints on theta, once per row of weights.

    With theta_j = b1 w_j, b1 > 0 and w on the simplex (Carrico et al. 2015, equation 1) is the same as
    theta >= 0, and the log-likelihood is concave in theta: what is returned is the global optimum.

    Parameters
    ----------
    index_columns : array, shape (n, K)
        Scores Q, in the scale in which theta is wanted.
    covariates : array, shape (n, c)
        Z without intercept, in any scale.
    outcome, offset : array, shape (n,)
    row_weights : array, shape (B, n)
        Weight of each row in each fit, for instance bootstrap counts times survey weights. Zero excludes.
    signs : int array, shape (K,) or (B, K)
        1: theta >= 0; -1: theta <= 0; 0: free; 2: column left out (theta = 0).
    family : str
        One of `mixepi.glm.families.Family`.
    residual_df : float
        Rows minus parameters of the model with one index, for families with a dispersion.

    Returns
    -------
    ConstrainedFits
    """
    from mixepi.glm import kernels as glm_kernels

    n, K = index_columns.shape
    Z, _, _ = _standardised(covariates)
    scale = float(outcome.std()) if family == "gaussian" else 1.0
    X = np.ascontiguousarray(np.column_stack([np.ones(n), Z, index_columns]).T)
    c = Z.shape[1] + 1
    all_signs = np.zeros((signs.shape[0] if signs.ndim == 2 else 1, c + K), dtype=np.int8)
    all_signs[:, c:] = signs
    is_index = np.arange(c + K) >= c
    y = _writable((outcome - offset) / scale if family == "gaussian" else outcome)
    shift = np.zeros(n) if family == "gaussian" else _writable(offset)
    size = -1.0 if family == "negative_binomial" else 1.0
    code = SOLVER_CODES[family]
    weights = _writable(row_weights)
    start = np.zeros((1, c + K))
    if weights.shape[0] > 1:
        # One fit to the mean weights starts all others close to their optimum.
        mean = weights.mean(axis=0, keepdims=True)
        start[0, 0] = _start_intercept(family, y, shift, mean[0])
        common = all_signs[:1].copy()
        if all_signs.shape[0] > 1:
            common[0, c:] = np.where((all_signs[:, c:] == 2).all(axis=0), 2, _shared_sign(all_signs[:, c:]))
        start = glm_kernels.fit_many(X, y, shift, mean, common, start, code, size, is_index)[0]
    else:
        start[0, 0] = _start_intercept(family, y, shift, weights[0])
    coefficients, deviances, violations, iterations, status, sizes, variances, tolerances = (
        glm_kernels.fit_many(X, y, shift, weights, all_signs, start, code, size, is_index)
    )
    theta = coefficients[:, c:] * scale
    deviances = deviances * scale**2
    separated = status == glm_kernels.SEPARATED
    if family == "gaussian":
        # A perfect fit, with as many columns as rows, says as little about the index as separation does.
        separated = deviances <= PERFECT_FIT * weights.sum(axis=1) * scale**2
        variances = np.where(separated, np.nan, deviances / residual_df)[:, None] * variances
    elif family in FREE_DISPERSION:
        variances = variances * _pearson(X, y, shift, weights, coefficients, family, residual_df)[:, None]
    return ConstrainedFits(
        theta,
        np.column_stack([np.maximum(theta, 0).sum(axis=1), np.minimum(theta, 0).sum(axis=1)]),
        np.sqrt(variances),
        tolerances,
        deviances,
        violations,
        iterations,
        status != glm_kernels.NOT_CONVERGED,
        separated,
        sizes,
    )


@dataclass(frozen=True)
class GLMFit:
    """One unconstrained fit: coefficients (k,) and covariance (k, k) in the order of the design's columns."""

    coefficients: FloatArray
    covariance: FloatArray
    deviance: float
    null_deviance: float
    dispersion: float
    residual_df: float
    size: float
    iterations: int


def fit_glm(
    design: FloatArray,
    names: tuple[str, ...],
    outcome: FloatArray,
    *,
    family: str,
    weights: FloatArray,
    offset: FloatArray,
) -> GLMFit:
    """Maximum likelihood with model-based covariance, as `glm` in R reports it.

    Parameters
    ----------
    design : array, shape (n, k)
        First column all ones.
    names : tuple of str
        One per column, for messages.
    outcome, weights, offset : array, shape (n,)

    Raises
    ------
    EstimationError
        If a column is a combination of earlier ones, or rows do not exceed parameters.
    SeparationError
        If a binary outcome is predicted with certainty, or all counts of some rows are 0.
    """
    from mixepi.glm import kernels as glm_kernels

    n, k = design.shape
    if n <= k:
        raise EstimationError(
            f"expected more rows than parameters, found {n} rows for {k} parameters: use fewer terms"
        )
    Z, center, spread = _standardised(design[:, 1:])
    scale = float(outcome.std()) if family == "gaussian" else 1.0
    X = np.ascontiguousarray(np.column_stack([np.ones(n), Z]).T)
    y = _writable((outcome - offset) / scale if family == "gaussian" else outcome)
    shift = np.zeros(n) if family == "gaussian" else _writable(offset)
    code = SOLVER_CODES[family]
    w = _writable(weights)
    free = np.zeros(k, dtype=np.bool_)
    H = np.empty((k, k))
    x = np.zeros(k)
    x[0] = _start_intercept(family, y, shift, w)
    start_size = -1.0 if family == "negative_binomial" else 1.0
    deviance, _, iterations, status, size, eta = glm_kernels.solve_problem(
        X, y, shift, w, free, x, code, start_size, H
    )
    if status == glm_kernels.SEPARATED:
        certain = int(np.sum(np.abs(eta) > -np.log(glm_kernels.CERTAINTY)))
        raise SeparationError(
            f"expected finite estimates, found {certain} of {n} rows predicted with certainty by "
            f"{', '.join(names[1:])}: merge rare categories or leave terms out"
        )
    if family in COUNTS:
        _check_counts(design, names, outcome, H, status == glm_kernels.NOT_CONVERGED)
    _check_rank(H, names)
    if status == glm_kernels.NOT_CONVERGED:
        raise EstimationError(
            f"expected convergence within {glm_kernels.MAX_ITERATIONS} Newton steps, found none: check for "
            "extreme values in the outcome and the terms"
        )
    null_x = np.array([x[0]])
    one = np.ascontiguousarray(X[:1])
    null = glm_kernels.solve_problem(one, y, shift, w, free[:1], null_x, code, size, np.empty((1, 1)))[0]
    residual_df = float(n - k)
    dispersion = 1.0
    if family == "gaussian":
        dispersion = deviance / residual_df
    elif family in FREE_DISPERSION:
        dispersion = float(_pearson(X, y, shift, w[None], x[None], family, residual_df)[0])
    # Undo the scaling of columns: coefficient_j = x_j / spread_j, and the intercept takes the centers.
    back = np.diag(np.concatenate([[1.0], 1 / spread]))
    back[0, 1:] = -center / spread
    covariance = back @ np.linalg.inv(H) @ back.T * dispersion * scale**2
    return GLMFit(
        back @ x * scale,
        covariance,
        deviance * scale**2,
        null * scale**2,
        dispersion * (scale**2),
        residual_df,
        float(size),
        int(iterations),
    )


def fit_resamples(
    design: FloatArray, outcome: FloatArray, row_weights: FloatArray, *, family: str, offset: FloatArray
) -> tuple[FloatArray, BoolArray, BoolArray]:
    """Return unconstrained coefficients (B, k) of one fit per row of weights (B, n).

    And which converged, and which are separated: those stop where the predictions have reached their limit.
    """
    from mixepi.glm import kernels as glm_kernels

    n, k = design.shape
    Z, center, spread = _standardised(design[:, 1:])
    X = np.ascontiguousarray(np.column_stack([np.ones(n), Z]).T)
    scale = float(outcome.std()) if family == "gaussian" else 1.0
    y = _writable((outcome - offset) / scale if family == "gaussian" else outcome)
    shift = np.zeros(n) if family == "gaussian" else _writable(offset)
    weights = _writable(row_weights)
    code = SOLVER_CODES[family]
    size = -1.0 if family == "negative_binomial" else 1.0
    signs = np.zeros((1, k), dtype=np.int8)
    none = np.zeros(k, dtype=np.bool_)
    start = np.zeros((1, k))
    mean = weights.mean(axis=0, keepdims=True)
    start[0, 0] = _start_intercept(family, y, shift, mean[0])
    start = glm_kernels.fit_many(X, y, shift, mean, signs, start, code, size, none)[0]
    fits = glm_kernels.fit_many(X, y, shift, weights, signs, start, code, size, none)
    x = fits[0] * scale
    slopes = x[:, 1:] / spread
    return (
        np.column_stack([x[:, 0] - slopes @ center, slopes]),
        fits[4] != glm_kernels.NOT_CONVERGED,
        fits[4] == glm_kernels.SEPARATED,
    )


def _writable(values: FloatArray) -> FloatArray:
    """Return values that may be written: compiled code has another version for those that may not."""
    return np.require(values, np.float64, ["C", "W"])


def _standardised(columns: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    center = columns.mean(axis=0)
    spread = columns.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    return (columns - center) / spread, center, spread


def _start_intercept(family: str, y: FloatArray, offset: FloatArray, weights: FloatArray) -> float:
    mean = float(np.average(y, weights=weights))
    if family == "gaussian":
        return mean
    if SOLVER_CODES[family] == 1:
        share = min(max(mean, 1e-3), 1 - 1e-3)
        return float(np.log(share / (1 - share)))
    return float(np.log(max(mean, 1e-3)) - np.average(offset, weights=weights))


def _shared_sign(signs: IntArray) -> IntArray:
    used = np.where(signs == 2, 0, signs)
    return np.asarray(np.sign(used.sum(axis=0)), dtype=np.int64)


def _pearson(
    X: FloatArray,
    y: FloatArray,
    offset: FloatArray,
    row_weights: FloatArray,
    coefficients: FloatArray,
    family: str,
    residual_df: float,
) -> FloatArray:
    eta = coefficients @ X + offset
    if family == "quasibinomial":
        mu = 1 / (1 + np.exp(-eta))
        variance = mu * (1 - mu)
    else:
        mu = variance = np.exp(eta)
    return np.asarray((row_weights * (y - mu) ** 2 / variance).sum(axis=1) / residual_df)


def _check_counts(
    design: FloatArray, names: tuple[str, ...], outcome: FloatArray, H: FloatArray, moving: bool
) -> None:
    """Raise `SeparationError` if a fit that did not settle has no finite estimate: groups of zeros only."""
    scale = np.sqrt(np.diag(H))
    settled = (scale > 0).all() and np.linalg.cond(H / np.outer(scale, scale)) < 1 / SINGULAR
    if (settled and not moving) or not are_counts_separated(design, outcome):
        return
    groups = ", ".join(empty_indicators(design, names, outcome)) or "some group of rows"
    raise SeparationError(
        f"expected finite estimates, found all counts of {groups} to be 0 ({len(outcome)} rows, "
        f"{int((outcome > 0).sum())} above 0, terms {', '.join(names[1:])}): merge rare categories or leave "
        "terms out"
    )


def _check_rank(H: FloatArray, names: tuple[str, ...]) -> None:
    from mixepi.glm.cone_kernels import cholesky

    k = H.shape[0]
    aliased = np.zeros(k, dtype=np.bool_)
    cholesky(H, np.arange(k), k, np.empty((k, k)), aliased)
    if aliased.any():
        found = ", ".join(repr(name) for name, flag in zip(names, aliased, strict=True) if flag)
        raise EstimationError(
            f"expected linearly independent terms, found {found} to be constant or a combination of the "
            "terms before "
            f"({', '.join(names)}): leave it out"
        )
