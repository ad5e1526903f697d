"""Summaries of the response surface, exact: from every draw, not from posterior means.

Link scale: given (r, lambda, sigma2) a contrast of h is normal with known mean and variance; the
posterior is the mixture of these normals over the draws, whose mean, sd and quantiles are computed
without further sampling. Probability scale (probit): from one joint draw of (b, h) per kept draw,
averaged over the covariates of the rows analysed. One factorisation per draw serves all points.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special

from mixepi.arguments import is_number, require_choice, require_integer
from mixepi.arrays import FloatArray
from mixepi.bkmr.design import numeric_columns
from mixepi.bkmr.likelihood.response import response_joint, symmetric_root
from mixepi.bkmr.likelihood.solver import Solver
from mixepi.bkmr.posterior import Posterior
from mixepi.errors import DataError, SpecificationError
from mixepi.random_streams import random_stream

Scale = Literal["link", "probability"]
MAX_DRAWS = 1000
BLOCK = 200
LEVEL = 0.95


@dataclass(frozen=True)
class Contrast:
    """Linear combinations C h(points): points (q, M) on the model's scale, C (c, q)."""

    points: FloatArray
    matrix: FloatArray


@dataclass(frozen=True)
class Request:
    """A table that is wanted: its contrasts, and what makes the table of their posteriors."""

    contrasts: Sequence[Contrast]
    scale: Scale
    finish: Callable[[list["ContrastSummary"]], pd.DataFrame]


@dataclass(frozen=True)
class ContrastSummary:
    """Summary of c quantities: estimate, std_error, conf_low, conf_high, each of shape (c,)."""

    estimate: FloatArray
    std_error: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray


def mixture_quantile(means: FloatArray, sds: FloatArray, probability: float) -> FloatArray:
    """Quantile of equal mixtures of normals, by bisection.

    Parameters
    ----------
    means, sds : ndarray, shape (draws, c)
    """
    tail = 10.0
    low = (means - tail * sds).min(axis=0)
    high = (means + tail * sds).max(axis=0)
    safe = np.maximum(sds, 1e-12 * (1 + np.abs(means)))
    for _ in range(40):
        middle = 0.5 * (low + high)
        below = special.ndtr((middle - means) / safe).mean(axis=0) < probability
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray(0.5 * (low + high))


def _kept(result: Posterior, draws: int) -> list[tuple[int, int]]:
    require_integer("draws", draws, 1, "1000 is usual")
    chains, count = result.lambda_.shape
    total = chains * count
    chosen = np.unique(np.linspace(0, total - 1, min(draws, total)).round().astype(int))
    return [(int(k) // count, int(k) % count) for k in chosen]


def _check_scale(result: Posterior, scale: str) -> None:
    require_choice("scale", scale, ("link", "probability"))
    if scale == "probability" and result.spec.family != "binomial":
        raise SpecificationError("expected scale='link' for family='gaussian', found scale='probability'")


def answer(result: Posterior, requests: Sequence[Request], draws: int = MAX_DRAWS) -> list[pd.DataFrame]:
    """The tables of all requests, from one factorisation per draw.

    A table does not depend on what else is asked for.

    Raises
    ------
    SpecificationError
        If the scale has no such name, or the probability scale is asked of a gaussian fit.
    """
    for request in requests:
        _check_scale(result, request.scale)
    model = result.model
    solver = Solver(result.spec.solver, result.spec.tolerance, min(result.spec.inducing, model.n))
    kept = _kept(result, draws)
    means = [[np.empty((len(kept), len(c.matrix))) for c in request.contrasts] for request in requests]
    sds = [[np.zeros((len(kept), len(c.matrix))) for c in request.contrasts] for request in requests]
    p = model.X.shape[1]
    for t, (chain, draw) in enumerate(kept):
        cluster_variance = float(result.cluster_variance[chain, draw])
        latent = result.latent[chain, draw] if result.spec.family == "binomial" else None
        data = model.projected(cluster_variance, latent)
        posterior = solver.posterior(model, result.r[chain, draw], float(result.lambda_[chain, draw]), data)
        sigma2 = float(result.sigma2[chain, draw])
        for k, request in enumerate(requests):
            rng = random_stream(result.seed, "bkmr", "summary", chain, draw)
            for j, contrast in enumerate(request.contrasts):
                mean, covariance = response_joint(model, posterior, contrast.points)
                if request.scale == "link":
                    means[k][j][t] = contrast.matrix @ mean[p:]
                    variance = np.sum((contrast.matrix @ covariance[p:, p:]) * contrast.matrix, axis=1)
                    sds[k][j][t] = np.sqrt(sigma2 * np.maximum(variance, 0.0))
                else:
                    risk = _risks(mean, covariance, model.X, model.intercept, cluster_variance, rng)
                    means[k][j][t] = contrast.matrix @ risk
    return [
        request.finish([_summarise(m, sd, request.scale) for m, sd in zip(means[k], sds[k], strict=True)])
        for k, request in enumerate(requests)
    ]


def _risks(
    mean: FloatArray,
    covariance: FloatArray,
    X: FloatArray,
    intercept: bool,
    cluster_variance: float,
    rng: np.random.Generator,
) -> FloatArray:
    """P(y = 1) at each point, averaged over the rows' covariates, for one joint draw of (b, h)."""
    sample = mean + symmetric_root(covariance) @ rng.standard_normal(len(mean))
    p = X.shape[1]
    first = 1 if intercept else 0  # the intercept is already part of the response
    offset = X[:, first:] @ sample[first:p]
    eta = (offset[:, None] + sample[None, p:]) / np.sqrt(1.0 + cluster_variance)
    return np.asarray(special.ndtr(eta).mean(axis=0))


def _summarise(means: FloatArray, sds: FloatArray, scale: Scale) -> ContrastSummary:
    estimate = means.mean(axis=0)
    sd = np.sqrt((sds**2).mean(axis=0) + means.var(axis=0))
    tail = 0.5 * (1 - LEVEL)
    if scale == "probability":
        low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    else:
        low = mixture_quantile(means, sds, tail)
        high = mixture_quantile(means, sds, 1 - tail)
    return ContrastSummary(estimate, sd, low, high)


def _table(result: Posterior, rows: pd.DataFrame, posterior: ContrastSummary, scale: Scale) -> pd.DataFrame:
    return result.label(
        rows.assign(
            estimate=posterior.estimate,
            std_error=posterior.std_error,
            conf_low=posterior.conf_low,
            conf_high=posterior.conf_high,
            scale=scale,
        )
    )


def _one_table(result: Posterior, rows: pd.DataFrame, contrast: Contrast, scale: Scale) -> Request:
    return Request([contrast], scale, lambda summaries: _table(result, rows, summaries[0], scale))


def _natural(result: Posterior, exposure: int, z: FloatArray) -> FloatArray:
    return result.scaler.to_natural(z, exposure)


def _base(result: Posterior, quantile: float) -> FloatArray:
    _check_quantile(quantile)
    return np.asarray(np.quantile(result.model.z, quantile, axis=0))


def _check_quantile(quantile: float) -> None:
    if not (is_number(quantile) and 0 <= quantile <= 1):
        raise SpecificationError(f"expected quantiles from 0 to 1, found {quantile!r}: 0.5 is the median")


def univariate(
    result: Posterior, *, grid: int = 50, fixed: float = 0.5, center: bool = True, scale: Scale = "link"
) -> Request:
    """h along each exposure, the others at their `fixed` quantile (bkmr's PredictorResponseUnivar)."""
    _check_grid(grid)
    z = result.model.z
    frames, contrasts = [], []
    for m, name in enumerate(result.spec.exposures):
        values = np.linspace(z[:, m].min(), z[:, m].max(), grid)
        points = np.tile(_base(result, fixed), (grid, 1))
        points[:, m] = values
        matrix = np.eye(grid) - (1 / grid if center else 0.0)
        contrasts.append(Contrast(points, matrix))
        frames.append(pd.DataFrame({"exposure": name, "z": values, "value": _natural(result, m, values)}))

    def finish(summaries: list[ContrastSummary]) -> pd.DataFrame:
        tables = [_table(result, f, s, scale) for f, s in zip(frames, summaries, strict=True)]
        return pd.concat(tables, ignore_index=True)

    return Request(contrasts, scale, finish)


def bivariate(
    result: Posterior, *, pairs: Sequence[tuple[str, str]] | None = None, grid: int = 20,
    fixed: float = 0.5, min_distance: float = 0.5, scale: Scale = "link",
) -> Request:  # fmt: skip
    """h over a grid of two exposures, the others at their `fixed` quantile, centred over the grid.

    Points farther than `min_distance` (model's scale) from every row are missing.
    """
    _check_grid(grid)
    names = result.spec.exposures
    z = result.model.z
    frames, contrasts = [], []
    for pair in combinations(names, 2) if pairs is None else pairs:
        if isinstance(pair, str) or len(pair) != 2 or not set(pair) <= set(names):
            raise SpecificationError(
                f"expected pairs of exposures among {', '.join(names)}, found {pair!r}: name two of them"
            )
        first, second = pair
        i, j = names.index(first), names.index(second)
        a, b = np.meshgrid(
            np.linspace(z[:, i].min(), z[:, i].max(), grid), np.linspace(z[:, j].min(), z[:, j].max(), grid)
        )
        points = np.tile(_base(result, fixed), (grid * grid, 1))
        points[:, i], points[:, j] = a.ravel(), b.ravel()
        gaps = np.sqrt(((points[:, None, [i, j]] - z[None, :, [i, j]]) ** 2).sum(axis=2)).min(axis=1)
        contrasts.append(Contrast(points, np.eye(grid * grid) - 1 / (grid * grid)))
        frames.append(
            pd.DataFrame(
                {
                    "exposure_1": first,
                    "exposure_2": second,
                    "z_1": a.ravel(),
                    "z_2": b.ravel(),
                    "value_1": _natural(result, i, a.ravel()),
                    "value_2": _natural(result, j, b.ravel()),
                    "near_data": gaps <= min_distance,
                }
            )
        )

    def finish(summaries: list[ContrastSummary]) -> pd.DataFrame:
        tables = []
        for frame, summary in zip(frames, summaries, strict=True):
            table = _table(result, frame, summary, scale)
            far = ~table["near_data"]
            table.loc[far, ["estimate", "std_error", "conf_low", "conf_high"]] = np.nan
            tables.append(table.drop(columns="near_data"))
        return pd.concat(tables, ignore_index=True)

    return Request(contrasts, scale, finish)


def overall(
    result: Posterior, *, quantiles: Sequence[float] = tuple(np.round(np.arange(0.1, 0.91, 0.05), 2)),
    fixed: float = 0.5, scale: Scale = "link",
) -> Request:  # fmt: skip
    """h with all exposures at each quantile minus h with all at `fixed` (OverallRiskSummaries)."""
    points = np.vstack([_base(result, q) for q in [*quantiles, fixed]])
    count = len(quantiles)
    matrix = np.column_stack([np.eye(count), -np.ones(count)])
    rows = pd.DataFrame({"quantile": list(quantiles), "fixed": fixed})
    return _one_table(result, rows, Contrast(points, matrix), scale)


def _check_grid(grid: int) -> None:
    require_integer("grid", grid, 2, "it is the number of points along an exposure")


def _change(result: Posterior, m: int, others: float, low: float, high: float) -> FloatArray:
    points = np.vstack([_base(result, others), _base(result, others)])
    _check_quantile(low)
    _check_quantile(high)
    points[0, m], points[1, m] = np.quantile(result.model.z[:, m], [low, high])
    return points


def single(
    result: Posterior, *, low: float = 0.25, high: float = 0.75,
    fixed: Sequence[float] = (0.25, 0.5, 0.75), scale: Scale = "link",
) -> Request:  # fmt: skip
    """h(exposure at `high`) - h(at `low`), the others at each `fixed` quantile (SingVarRiskSummaries)."""
    rows, points = [], []
    for m, name in enumerate(result.spec.exposures):
        for q in fixed:
            rows.append({"exposure": name, "fixed": q})
            points.append(_change(result, m, q, low, high))
    matrix = np.kron(np.eye(len(rows)), np.array([[-1.0, 1.0]]))
    return _one_table(result, pd.DataFrame(rows), Contrast(np.vstack(points), matrix), scale)


def interactions(
    result: Posterior, *, low: float = 0.25, high: float = 0.75, fixed: tuple[float, float] = (0.25, 0.75),
    scale: Scale = "link",
) -> Request:  # fmt: skip
    """Difference of the single-exposure effect between the others at fixed[1] and at fixed[0]."""
    points = []
    for m in range(len(result.spec.exposures)):
        points += [_change(result, m, fixed[0], low, high), _change(result, m, fixed[1], low, high)]
    matrix = np.kron(np.eye(len(result.spec.exposures)), np.array([[1.0, -1.0, -1.0, 1.0]]))
    rows = pd.DataFrame({"exposure": list(result.spec.exposures)})
    return _one_table(result, rows, Contrast(np.vstack(points), matrix), scale)


def predict(
    result: Posterior, data: pd.DataFrame, *, scale: Scale = "link", draws: int = MAX_DRAWS
) -> pd.DataFrame:
    """ContrastSummary of h(z) + x'b (or of P(y = 1 | z, x)) for new rows, cluster effects at zero / averaged.

    One row per row of `data`, with its labels. The interval is for the mean of the outcome, not for a new
    outcome.

    Raises
    ------
    DataError
        If there is no row, or one with missing or infinite values.
    SpecificationError
        If the scale has no such name, or the probability scale is asked of a gaussian fit.
    """
    _check_scale(result, scale)
    z = result.scaler.transform(data)
    if len(z) == 0:
        raise DataError("expected at least one row to predict for, found none: check the selection of rows")
    x = numeric_columns(data, result.spec.covariates, "covariate")
    model = result.model
    solver = Solver(result.spec.solver, result.spec.tolerance, min(result.spec.inducing, model.n))
    kept = _kept(result, draws)
    # The intercept is already part of the response.
    x = np.column_stack([np.zeros((len(z), 1 if model.intercept else 0)), x])
    means, sds = np.empty((len(kept), len(z))), np.empty((len(kept), len(z)))
    for t, (chain, draw) in enumerate(kept):
        cluster_variance = float(result.cluster_variance[chain, draw])
        latent = result.latent[chain, draw] if result.spec.family == "binomial" else None
        data_now = model.projected(cluster_variance, latent)
        posterior = solver.posterior(
            model, result.r[chain, draw], float(result.lambda_[chain, draw]), data_now
        )
        # Only the variance of each row is wanted: blocks keep the covariances of all pairs small.
        for start in range(0, len(z), BLOCK):
            rows = slice(start, start + BLOCK)
            design = np.column_stack([x[rows], np.eye(len(z[rows]))])
            mean, covariance = response_joint(model, posterior, z[rows])
            means[t, rows] = design @ mean
            variance = np.sum((design @ covariance) * design, axis=1)
            sds[t, rows] = np.sqrt(result.sigma2[chain, draw] * np.maximum(variance, 0.0))
        if scale == "probability":
            rng = random_stream(result.seed, "bkmr", "predict", chain, draw)
            eta = means[t] + sds[t] * rng.standard_normal(len(z))
            means[t], sds[t] = special.ndtr(eta / np.sqrt(1.0 + cluster_variance)), 0.0
    summary = _summarise(means, sds, scale)
    return _table(result, pd.DataFrame(index=data.index), summary, scale)
