"""Find the modes of the posterior before any chain runs.

A chain finds what lies uphill of where it is. A rough response to two exposures without a main effect lies
uphill of nothing: the kernel of either exposure alone explains nothing, nor does a smooth kernel of both. The
search therefore looks at every exposure, pair and (where there are few) triple, on several scales of r up to
what the spacing of the data resolves, climbs from the best of them, and approximates each mode it reaches.

lambda is integrated out on a grid, which costs next to nothing once a kernel is factored; the search is over
normal scores of r (`modes`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any

import numpy as np
from scipy import optimize, special

from mixepi.arrays import BoolArray, FloatArray
from mixepi.bkmr.likelihood.exact_stage import ExactStage
from mixepi.bkmr.likelihood.lambda_conditional import LambdaGrid
from mixepi.bkmr.likelihood.low_rank import trace_tolerance
from mixepi.bkmr.likelihood.over_lambda import LambdaLikelihood
from mixepi.bkmr.likelihood.solver import Solver
from mixepi.bkmr.likelihood.surrogate import Surrogate
from mixepi.bkmr.model.model import Model
from mixepi.bkmr.model.projected_data import LOG_2PI, ProjectedData
from mixepi.bkmr.sampler.chain import first_stage
from mixepi.bkmr.sampler.modes import LARGEST_SCORE, Mode, log_normal, point_at
from mixepi.random_streams import random_stream

# Of r for an exposure of sd 1: from a gentle curve to what only a large n can resolve. A mode is about a
# factor of 3 wide on either side, so that a grid by 5 has a point on the slope of each.
SCALES = (0.05, 0.5, 2.5, 12.0, 60.0, 300.0, 1500.0)
# Of triples those alone that a few hundred rows resolve.
SCALES_OF_TRIPLES = (1, 2, 3)
# Widths of a kernel across an exposure of sd 1 with r = 1: the range of a uniform distribution, 3.5 sd, over
# the distance at which the correlation is 0.13. A set with more cells than rows cannot be resolved.
CELLS = 2.5
# Rows of the first look: at more it would cost more than it finds, since what is followed up is looked at in
# all rows.
SCREENED_ROWS = 300
# Sets of exposures looked at, at most: all triples up to 7 exposures, all pairs up to 40.
MAX_TRIPLES, MAX_PAIRS = 35, 780
# Of a kernel's factor: above it the likelihood is approximate (what is left out becomes noise) until
# a mode's height is computed exactly. In the first look, and of what is followed up: n rank^2 at most, which
# is 400 at n = 905, where an evaluation takes some 30 ms.
SCREENED_RANK, LARGEST_WORK = 80, 1.5e8
# Points of the grid over lambda: differences of the integral are exact to about 1e-3.
GRID = 32
# Places followed up, at most, and at n = 1000 and more in proportion fewer, at least so many; how far they
# must reach from the largest height of a smooth kernel to the largest of all.
MAX_STARTS, MIN_STARTS, RISE = 40, 6, 0.5
# Steps of the ascent; step of its differences; step of second differences, in normal scores.
ASCENTS, SLOPE_STEP, CURVATURE_STEP = 12, 0.03, 0.2
# A mode's precision relative to the prior's, at least: a skewed mode may be a little wider than its prior.
MIN_PRECISION = 0.5
# Squared Mahalanobis distance below which two modes of one set are the same.
SAME = 4.0
# Log mass below the largest at which a mode is of no use but as a place to start from, and how many of
# those are kept.
DEPTH, KEPT = 12.0, 4


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """The likelihood as the search sees it.

    Attributes
    ----------
    model : Model
    surrogate : Surrogate
        With a higher cap on the rank than that of the chains.
    cluster_variance : float
        lambda_2, held.
    """

    model: Model
    surrogate: Surrogate
    cluster_variance: float

    @classmethod
    def of(
        cls, model: Model, data: ProjectedData, tolerance: float, cluster_variance: float, max_rank: int
    ) -> "Landscape":
        """For the outcome `data` of `model`."""
        surrogate = Surrogate(
            zt=model.zt,
            data=data,
            grid=LambdaGrid.for_prior(model.priors.lambda_, GRID),
            max_rank=min(max_rank, model.n),
            trace=trace_tolerance(tolerance, model.max_change, 10.0),
            flat_intercept=model.intercept,
        )
        return cls(model=model, surrogate=surrogate, cluster_variance=cluster_variance)

    def r_at(self, active: BoolArray, x: FloatArray) -> FloatArray:
        """r of scores, shape (included,)."""
        r = np.zeros(len(active))
        r[active] = self.model.priors.r.quantile(special.ndtr(np.clip(x, -LARGEST_SCORE, LARGEST_SCORE)))
        return r

    def likelihood(self, active: BoolArray, x: FloatArray) -> LambdaLikelihood:
        """The likelihood over lambda."""
        return self.surrogate.likelihood(self.r_at(active, x), self.cluster_variance)[0]

    def over_lambda(self, active: BoolArray, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log of likelihood x prior at the grid's log lambdas, and those."""
        grid = self.surrogate.grid
        return self.likelihood(active, x).log_likelihood(grid.lambdas) + grid.log_prior, grid.nodes

    def height(self, active: BoolArray, x: FloatArray) -> float:
        """Log posterior density of the scores of r, lambda integrated out, up to the constant of all sets."""
        values, nodes = self.over_lambda(active, x)
        integral = float(special.logsumexp(values)) + np.log(nodes[1] - nodes[0])
        return float(integral) + log_normal(x) + self.model.log_prior_set(active)


def search(task: tuple[Model, Solver, int]) -> tuple[Mode, ...]:
    """The modes of a model, for a solver and the seed of the fit."""
    model, solver, seed = task
    if not model.use_likelihood:
        return ()
    stage = first_stage(model, solver)
    return find_modes(model, stage, solver.tolerance, random_stream(seed, "bkmr", "search"))


def find_modes(
    model: Model, stage: ExactStage[Any], tolerance: float, rng: np.random.Generator
) -> tuple[Mode, ...]:
    """The modes that were found, the one of the largest mass first."""
    data = stage.surrogate_data()
    variance = _cluster_variance(model, data)
    full = Landscape.of(model, data, tolerance, variance, int(np.sqrt(LARGEST_WORK / model.n)))
    few_model, few_data = model, data
    if model.n > SCREENED_ROWS:
        rows = np.sort(rng.choice(model.n, SCREENED_ROWS, replace=False))
        few_model, few_data = _at_rows(model, data, rows)
    few = Landscape.of(few_model, few_data, tolerance, variance, SCREENED_RANK)
    starts = _screen(few)
    found: list[Mode] = []
    for active, x in starts[: _affordable(model.n)]:
        mode = _climb(full, stage, active, x, rng)
        if not any(np.array_equal(mode.active, m.active) and m.distance(mode.centre) < SAME for m in found):
            found.append(mode)
    found.sort(key=lambda mode: -mode.log_mass)
    return tuple(m for k, m in enumerate(found) if k < KEPT or m.log_mass > found[0].log_mass - DEPTH)


def _affordable(n: int) -> int:
    return max(MIN_STARTS, min(MAX_STARTS, MAX_STARTS * 1000 // n))


def _cluster_variance(model: Model, data: ProjectedData) -> float:
    """lambda_2 at which the outcome without any exposure is most probable, of its prior's deciles."""
    if model.cluster is None:
        return 0.0
    places = model.priors.cluster.quantile(np.linspace(0.05, 0.95, 10)).tolist()
    values = []
    for variance in places:
        at = replace(data, cluster_variance=variance)
        values.append(float(at.noise.log_density(np.array(at.total), np.array(at.log_det_xx), at.degrees)))
    return float(places[int(np.argmax(values))])


def _at_rows(model: Model, data: ProjectedData, rows: np.ndarray) -> tuple[Model, ProjectedData]:
    """Model and outcome of some of the rows; covariates that are dependent there are left out."""
    left, strengths, _ = np.linalg.svd(data.X[rows], full_matrices=False)
    X = left[:, strengths > 1e-9 * strengths.max(initial=0.0)]
    cluster = None if data.cluster is None else np.unique(data.cluster[rows], return_inverse=True)[1]
    few = replace(
        data,
        y=data.y[rows],
        X=X,
        root_weights=None if data.root_weights is None else data.root_weights[rows],
        power=None if data.power is None else data.power[rows],
        cluster=cluster,
    )
    weights = None if model.weights is None else model.weights[rows]
    return replace(model, y=model.y[rows], X=X, z=model.z[rows], cluster=cluster, weights=weights), few


def _sets(model: Model) -> Iterator[tuple[int, ...]]:
    """Exposures, pairs and triples that may be rough at once, at most one of each group."""
    groups = model.groups if model.select else tuple((m,) for m in range(model.z.shape[1]))
    for size, most in ((0, 1), (1, np.inf), (2, MAX_PAIRS), (3, MAX_TRIPLES)):
        chosen = [c for pick in combinations(groups, size) for c in product(*pick)]
        if len(chosen) <= most:
            yield from chosen


def _screen(few: Landscape) -> list[tuple[BoolArray, FloatArray]]:
    """Where to climb from: the local maxima of every set's grid of scales, the highest first."""
    model = few.model
    sd = model.z.std(axis=0)
    found: list[tuple[float, BoolArray, FloatArray]] = []
    smooth = -np.inf
    for members in _sets(model):
        active = np.ones(len(sd), dtype=bool)
        if model.select:
            active[:] = False
            active[list(members)] = True
        heights: dict[tuple[int, ...], float] = {}
        starts: dict[tuple[int, ...], FloatArray] = {}
        for places in product(
            SCALES_OF_TRIPLES if len(members) == 3 else range(len(SCALES)), repeat=len(members)
        ):
            scales = np.array([SCALES[k] for k in places])
            if np.prod(np.maximum(CELLS * np.sqrt(scales), 1.0)) > model.n:
                continue
            x = np.zeros(len(sd))
            r = scales / sd[list(members)] ** 2
            v = model.priors.r.distribution(r)
            x[list(members)] = np.clip(special.ndtri(v), -2.0, LARGEST_SCORE - 1)
            starts[places] = x[active]
            heights[places] = few.height(active, x[active])
        smooth = max(smooth, next(iter(heights.values())))
        for places, height in heights.items():
            if height >= max(heights.get(n, -np.inf) for n in (*_neighbours(places), places)):
                found.append((height, active, starts[places]))
    found.sort(key=lambda item: -item[0])
    top = found[0][0]
    enough = top - DEPTH - (1 - RISE) * max(top - smooth, 0.0)
    return [(active, x) for height, active, x in found if height > enough or len(x) <= 1]


def _neighbours(places: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    for k in range(len(places)):
        for step in (-1, 1):
            yield (*places[:k], places[k] + step, *places[k + 1 :])


def _climb(
    full: Landscape, stage: ExactStage[Any], active: BoolArray, x: FloatArray, rng: np.random.Generator
) -> Mode:
    """Ascend from x, and approximate the mode that is reached."""
    if len(x):
        x = _ascend(full, active, x)
    centre, covariance, curvature = _curvature(full, active, x)
    point = point_at(full.model, active, centre, full.cluster_variance)
    local = full.surrogate.at(point.r, point.cluster_variance)
    exact = stage.evaluate(point, local, rng).log_likelihood
    log_mass = full.height(active, x) + 0.5 * len(x) * LOG_2PI - 0.5 * curvature
    return Mode(
        active=active,
        r=point.r,
        centre=centre,
        root=np.asarray(np.linalg.cholesky(covariance), dtype=float),
        log_mass=log_mass + exact - local.log_likelihood(point.u),
    )


def _ascend(full: Landscape, active: BoolArray, x: FloatArray) -> FloatArray:
    def down(x: FloatArray) -> tuple[float, FloatArray]:
        value = full.height(active, x)
        slope = [full.height(active, x + step) - value for step in SLOPE_STEP * np.eye(len(x))]
        return -value, -np.array(slope) / SLOPE_STEP

    bounds = [(-LARGEST_SCORE, LARGEST_SCORE)] * len(x)
    found = optimize.minimize(
        down, x, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": ASCENTS, "ftol": 1e-5}
    )
    return np.asarray(found.x)


def _curvature(full: Landscape, active: BoolArray, x: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Centre and covariance of the scores of r and lambda, and log |precision| of those of r alone.

    From second differences of the log density with lambda integrated out, and from lambda's conditional at
    the same points: its mean, its variance, and how the mean follows r.
    """
    d, h = len(x), CURVATURE_STEP

    def look(step: FloatArray) -> tuple[float, float, float]:
        values, nodes = full.over_lambda(active, x + step)
        weights = special.softmax(values)
        w = special.ndtri(full.model.priors.lambda_.distribution(np.exp(nodes)))
        w = np.clip(w, -LARGEST_SCORE, LARGEST_SCORE)
        mean = float(weights @ w)
        top = float(special.logsumexp(values)) + log_normal(x + step)
        return top, mean, float(weights @ (w - mean) ** 2)

    base, mean, variance = look(np.zeros(d))
    steps = h * np.eye(d)
    up, low = [look(step) for step in steps], [look(-step) for step in steps]
    precision, slope = np.empty((d, d)), np.empty(d)
    for i in range(d):
        precision[i, i] = -(up[i][0] - 2 * base + low[i][0]) / h**2
        slope[i] = (up[i][1] - low[i][1]) / (2 * h)
        for j in range(i):
            both = look(steps[i] + steps[j])[0] + look(-steps[i] - steps[j])[0]
            axes = up[i][0] + low[i][0] + up[j][0] + low[j][0] - 2 * base
            precision[i, j] = precision[j, i] = -(both - axes) / (2 * h**2)
    values, vectors = np.linalg.eigh(precision)
    values = np.maximum(values, MIN_PRECISION)
    of_r = (vectors / values) @ vectors.T
    covariance = np.empty((d + 1, d + 1))
    covariance[:d, :d] = of_r
    covariance[d, :d] = covariance[:d, d] = of_r @ slope
    covariance[d, d] = variance + slope @ of_r @ slope
    return np.append(x, mean), covariance, float(np.sum(np.log(values)))
