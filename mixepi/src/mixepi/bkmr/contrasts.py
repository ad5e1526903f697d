"""Posterior of contrasts of the response surface, exact: from every draw, not from posterior means.

Link scale: given (r, lambda, sigma2) a contrast of h is normal with known mean and variance; the
posterior is the mixture of these normals over the draws, whose mean, sd and quantiles are computed
without further sampling. Probability scale (probit): from one joint draw of (b, h) per kept draw,
averaged over the covariates of the rows analysed, by their weights. One factorisation per draw serves
all points.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special

from mixepi.arguments import require_choice, require_integer
from mixepi.arrays import BoolArray, FloatArray, IntArray
from mixepi.bkmr.likelihood.contrasts import Contrasts
from mixepi.bkmr.likelihood.kernel import kernel_between
from mixepi.bkmr.likelihood.response import response_contrasts, response_joint, symmetric_root
from mixepi.bkmr.likelihood.solver import Joint, Solver
from mixepi.bkmr.model.model import Model
from mixepi.bkmr.posterior import Posterior
from mixepi.bkmr.survey.intervals import SurveyColumns, design_interval
from mixepi.bkmr.survey.jackknife import Jackknife
from mixepi.errors import SpecificationError
from mixepi.fan_out import fan_out
from mixepi.random_streams import random_stream

Scale = Literal["link", "probability"]
LEVEL = 0.95
# A table that takes less shows no progress.
SECONDS_BEFORE_PROGRESS = 2.0


@dataclass(frozen=True)
class Contrast:
    """Linear combinations C h(points): points (q, M) on the model's scale, C (c, q)."""

    points: FloatArray
    matrix: FloatArray

    def combine(self, values: FloatArray) -> FloatArray:
        """C times values of shape (q, k), or (q,)."""
        return np.asarray(self.matrix @ values)

    def prior_variance(self, r: FloatArray) -> FloatArray:
        """Diagonal of C K C', shape (c,)."""
        between = self.matrix @ kernel_between(self.points, self.points, r)
        return np.asarray(np.sum(between * self.matrix, axis=1))

    def distinct(self, r: FloatArray) -> tuple["Contrast", IntArray]:
        """Itself, and where its c combinations are."""
        return self, np.arange(len(self.matrix))


@dataclass(frozen=True, kw_only=True)
class CentredGrid:
    """h at the points of a grid over two exposures less its mean over the grid: what C = I - 11'/q does.

    Attributes
    ----------
    points : ndarray, shape (b, a, M)
        The first exposure varies along the second axis.
    wanted : ndarray of bool, shape (b, a)
        The c points that are wanted.
    exposures : tuple of int
        Positions of the two.
    """

    points: FloatArray
    wanted: BoolArray
    exposures: tuple[int, int]

    def combine(self, values: FloatArray) -> FloatArray:
        """C times values of shape (q, k), or (q,): rows wanted only."""
        return np.asarray(values[self.wanted.ravel()] - values.mean(axis=0))

    def prior_variance(self, r: FloatArray) -> FloatArray:
        """Diagonal of C K C': the gaussian kernel on a grid is a product of one kernel for each exposure."""
        i, j = self.exposures
        first, second = self.points[0, :, i], self.points[:, 0, j]
        means = np.outer(_mean_kernel(second, r[j]), _mean_kernel(first, r[i]))
        return np.asarray(1.0 - 2.0 * means[self.wanted] + means.mean())

    def distinct(self, r: FloatArray) -> tuple["CentredGrid", IntArray]:
        """The grid without the axes of exposures that are out of the model, and where its c points went."""
        i, j = self.exposures
        rows, columns = self.wanted.shape
        row = np.arange(rows) if r[j] > 0 else np.zeros(rows, dtype=np.int64)
        column = np.arange(columns) if r[i] > 0 else np.zeros(columns, dtype=np.int64)
        kept = np.zeros((row[-1] + 1, column[-1] + 1), dtype=np.bool_)
        found_rows, found_columns = np.nonzero(self.wanted)
        at = row[found_rows], column[found_columns]
        kept[at] = True
        number = np.cumsum(kept.ravel()).reshape(kept.shape) - 1
        points = self.points[: kept.shape[0], : kept.shape[1]]
        return CentredGrid(points=points, wanted=kept, exposures=self.exposures), number[at]


def _mean_kernel(values: FloatArray, r: float) -> FloatArray:
    return np.asarray(np.exp(-r * (values[:, None] - values[None, :]) ** 2).mean(axis=1))


@dataclass(frozen=True)
class Request:
    """A table that is wanted: its contrasts, and what makes the table of their posteriors."""

    contrasts: Sequence[Contrast | CentredGrid]
    scale: Scale
    finish: Callable[[list["ContrastSummary"]], pd.DataFrame]


@dataclass(frozen=True)
class ContrastSummary:
    """Summary of c quantities: estimate, std_error, conf_low, conf_high, each of shape (c,).

    `survey` has further columns under a survey design.
    """

    estimate: FloatArray
    std_error: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    survey: SurveyColumns | None = None

    def mapped(self, function: Callable[[FloatArray], FloatArray]) -> "ContrastSummary":
        """The summary with every array replaced by a function of it."""
        return ContrastSummary(
            estimate=function(self.estimate),
            std_error=function(self.std_error),
            conf_low=function(self.conf_low),
            conf_high=function(self.conf_high),
            survey=None if self.survey is None else self.survey.mapped(function),
        )


@dataclass(frozen=True, kw_only=True)
class FactoredDraw:
    """One kept draw, its kernel factored."""

    chain: int
    draw: int
    r: FloatArray
    cluster_variance: float
    sigma2: float
    posterior: Joint


def check_scale(result: Posterior, scale: str) -> None:
    """Raise `SpecificationError` unless the scale has such a name, and is one of the family."""
    require_choice("scale", scale, ("link", "probability"))
    if scale == "probability" and result.spec.family != "binomial":
        raise SpecificationError("expected scale='link' for family='gaussian', found scale='probability'")


def kept_draws(result: Posterior, draws: int) -> list[tuple[int, int]]:
    """Chain and draw of at most `draws` draws, evenly spaced."""
    require_integer("draws", draws, 1, "1000 is usual")
    chains, count = result.lambda_.shape
    total = chains * count
    chosen = np.unique(np.linspace(0, total - 1, min(draws, total)).round().astype(int))
    return [(int(k) // count, int(k) % count) for k in chosen]


def factored(result: Posterior, chain: int, draw: int) -> FactoredDraw:
    """Factor the kernel of one draw."""
    model, solver = result.model, solver_of(result)
    cluster_variance = float(result.cluster_variance[chain, draw])
    latent = result.latent[chain, draw] if result.spec.family == "binomial" else None
    data = model.projected(cluster_variance, latent)
    r = result.r[chain, draw]
    return FactoredDraw(
        chain=chain,
        draw=draw,
        r=r,
        cluster_variance=cluster_variance,
        sigma2=float(result.sigma2[chain, draw]),
        posterior=solver.posterior(model, r, float(result.lambda_[chain, draw]), data),
    )


def answer(
    result: Posterior,
    requests: Sequence[Request],
    draws: int,
    *,
    workers: int | None = 1,
    description: str | None = None,
) -> list[pd.DataFrame]:
    """The tables of all requests, from one factorisation per draw.

    A table depends neither on what else is asked for nor on the number of threads.

    Parameters
    ----------
    result : Posterior
    requests : sequence of Request
    draws : int
        How many of the kept draws to use.
    workers : int, optional
        Threads; all available processors if None.
    description : str, optional
        Shows progress under this name.

    Raises
    ------
    SpecificationError
        If the scale has no such name, or the probability scale is asked of a gaussian fit.
    """
    for request in requests:
        check_scale(result, request.scale)

    def one_draw(place: tuple[int, int]) -> list[list[tuple[FloatArray, FloatArray]]]:
        now = factored(result, *place)
        return [_moments(result, now, request) for request in requests]

    kept = kept_draws(result, draws)
    moments = fan_out(
        one_draw,
        kept,
        workers=workers,
        description=description,
        backend="threads",
        delay=SECONDS_BEFORE_PROGRESS,
    )
    asked: list[Contrasts | None] = []
    means, summaries = [], []
    for k, request in enumerate(requests):
        for j, contrast in enumerate(request.contrasts):
            mean, sds = (np.array([draw[k][j][part] for draw in moments]) for part in (0, 1))
            asked.append(_with_intercept(result, contrast) if request.scale == "link" else None)
            means.append(mean)
            summaries.append(summarise(mean, sds, request.scale))
    found = iter(under_design(result, kept, asked, means, summaries, workers))
    return [request.finish([next(found) for _ in request.contrasts]) for request in requests]


def _with_intercept(result: Posterior, contrast: Contrast | CentredGrid) -> Contrasts:
    """The contrast and what it takes of the flat intercept."""
    model = result.model
    points = contrast.points.reshape(-1, model.z.shape[1])
    ones = contrast.combine(np.ones(len(points)))
    covariates = np.zeros((len(ones), model.X.shape[1]))
    if model.intercept:
        covariates[:, 0] = ones
    return Contrasts(points=points, combine=contrast.combine, covariates=covariates)


def under_design(
    result: Posterior,
    kept: Sequence[tuple[int, int]],
    contrasts: Sequence[Contrasts | None],
    means: Sequence[FloatArray],
    summaries: Sequence[ContrastSummary],
    workers: int | None = 1,
) -> list[ContrastSummary]:
    """Summaries with the intervals of the survey design, if there is one (`mixepi.bkmr.survey.intervals`).

    Parameters
    ----------
    result : Posterior
    kept : sequence of (chain, draw)
        The draws used.
    contrasts : sequence
        Of the link scale; None on the probability scale.
    means : sequence of ndarray, shape (draws, c)
        Conditional mean of each quantity in each of these draws.
    summaries : sequence of ContrastSummary
        Of the pseudo-posterior.
    workers : int, optional
        Threads.
    """
    if result.design is None:
        return list(summaries)
    jackknife = Jackknife.of(result, result.model, result.design, result.seed, solver_of(result), kept)
    variances = jackknife.variances(contrasts, means, workers)
    found = []
    for summary, variance in zip(summaries, variances, strict=True):
        std_error, low, high, survey = design_interval(
            summary.estimate, summary.std_error, variance, jackknife.totals.units.df, LEVEL
        )
        found.append(ContrastSummary(summary.estimate, std_error, low, high, survey))
    return found


def solver_of(result: Posterior) -> Solver:
    """The solver of a fit."""
    return Solver(result.spec.solver, result.spec.tolerance, min(result.spec.inducing, result.model.n))


def _moments(result: Posterior, now: FactoredDraw, request: Request) -> list[tuple[FloatArray, FloatArray]]:
    """Mean and sd of each contrast given one draw; on the probability scale one value and 0."""
    model = result.model
    rng = random_stream(result.seed, "bkmr", "summary", now.chain, now.draw)
    found = []
    for contrast in request.contrasts:
        if request.scale == "link":
            asked, place = contrast.distinct(now.r)
            mean, variance = response_contrasts(
                model,
                now.posterior,
                asked.points.reshape(-1, model.z.shape[1]),
                asked.combine,
                asked.prior_variance(now.r),
            )
            found.append((mean[place], np.sqrt(now.sigma2 * np.maximum(variance, 0.0))[place]))
        else:
            points = contrast.points.reshape(-1, model.z.shape[1])
            mean, covariance = response_joint(model, now.posterior, points)
            risk = _risks(mean, covariance, model, now.cluster_variance, rng)
            value = contrast.combine(risk)
            found.append((value, np.zeros_like(value)))
    return found


def _risks(
    mean: FloatArray,
    covariance: FloatArray,
    model: Model,
    cluster_variance: float,
    rng: np.random.Generator,
) -> FloatArray:
    """P(y = 1) at each point, averaged over the rows' covariates, for one joint draw of (b, h)."""
    sample = mean + symmetric_root(covariance) @ rng.standard_normal(len(mean))
    p = model.X.shape[1]
    first = 1 if model.intercept else 0  # the intercept is already part of the response
    offset = model.X[:, first:] @ sample[first:p]
    risks = special.ndtr((offset[:, None] + sample[None, p:]) / np.sqrt(1.0 + cluster_variance))
    return np.asarray(risks.mean(axis=0) if model.weights is None else model.weights @ risks / model.size)


def summarise(means: FloatArray, sds: FloatArray, scale: Scale) -> ContrastSummary:
    """Summarise equal mixtures of normals (link), or draws (probability); both of shape (draws, c)."""
    estimate = means.mean(axis=0)
    sd = np.sqrt((sds**2).mean(axis=0) + means.var(axis=0))
    tail = 0.5 * (1 - LEVEL)
    if scale == "probability":
        low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    else:
        low = mixture_quantile(means, sds, tail)
        high = mixture_quantile(means, sds, 1 - tail)
    return ContrastSummary(estimate, sd, low, high)


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
