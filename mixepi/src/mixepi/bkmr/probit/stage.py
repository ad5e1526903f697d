"""Exact stage of the probit family: the latent outcomes are integrated out by importance sampling.

    p(y | r, lambda) = integral of prod_i Phi(s_i eta_i) N(w; 0, I) d(b, w),  eta = X b + sqrt(lambda) G w

with s_i = +-1 and flat b. The importance density is the gaussian that comes of replacing each factor
Phi(s_i eta_i) by its site (`sites`); antithetic pairs of draws give an unbiased estimate with a
small variance. A chain that accepts with such estimates in place of the integral, and keeps the estimate
of the current point, has the exact posterior (pseudo-marginal: Andrieu and Roberts 2009; for gaussian
processes Filippone and Girolami 2014). One of the draws, chosen by weight, is a posterior draw of
eta. No latent outcome is carried from sweep to sweep, so none has to mix.
"""

import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np
from scipy import linalg, special

from mixepi.arrays import FloatArray
from mixepi.bkmr.likelihood.low_rank import Factor
from mixepi.bkmr.likelihood.solver import LARGEST_DENSE, Solver, naming
from mixepi.bkmr.likelihood.surrogate import Local
from mixepi.bkmr.model.model import Model
from mixepi.bkmr.model.point import Point
from mixepi.bkmr.model.projected_data import ProjectedData
from mixepi.bkmr.probit import dense as probit_dense
from mixepi.bkmr.probit.importance import (
    FeatureProposal,
    ImportanceDensity,
    ProbitEvaluation,
    estimate,
    slice_steps,
)
from mixepi.bkmr.probit.likelihood import linearise
from mixepi.bkmr.probit.site_map import SiteMap
from mixepi.bkmr.probit.sites import (
    Sites,
    covariance_marginals,
    expectation_propagation,
    feature_marginals,
)
from mixepi.errors import SeparationError

# What was tried, "pseudo-marginal" (8 pairs at low rank), "pairs of draws growing with the rank" and "half
# the pairs of draws" (37 at rank 905).
PAIRS = 8
RANKS_PER_PAIR = 24
# What was tried, "the same from expectation propagation": states whose kernels are averaged.
AVERAGED = 4
# States that one update of warm-up adds to a site map: ten updates fill it (`site_map.MAX_STATES`), at 0.1 s
# each.
MATCHED = 6
# Separated: some predictor so far out that Phi(-5.5) = 2e-8, and some combination of covariates about which
# the data have lost what they know at equal probabilities. An outlying covariate does the first alone.
LARGEST_PREDICTOR = 5.5
MIN_INFORMATION = 1e-4


def null_predictors(model: Model) -> FloatArray:
    """Linear predictors of the probit regression on the covariates alone (maximum likelihood).

    Raises
    ------
    SeparationError
        If a combination of covariates predicts the outcome perfectly.
    """
    from statsmodels.discrete.discrete_model import Probit

    if not model.X.shape[1]:
        return np.zeros(model.n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            eta = model.X @ Probit(model.y, model.X).fit(disp=False, maxiter=100).params
        except np.linalg.LinAlgError:
            eta = np.full(model.n, np.inf)
    if not np.abs(eta).max() <= LARGEST_PREDICTOR and not _is_informed(model, eta):
        raise SeparationError(
            "expected a finite probit fit of the outcome on the covariates, found none: a combination of "
            "covariates predicts the outcome perfectly; drop or merge the covariate responsible"
        )
    return np.asarray(eta, dtype=float)


def _is_informed(model: Model, eta: FloatArray) -> bool:
    """Whether the information about every combination of covariates is still there at `eta`."""
    if not np.isfinite(eta).all():
        return False
    weights = linearise(signs(model), eta)[1]
    at_zero = 2.0 / np.pi
    smallest = linalg.eigh(
        model.X.T @ (model.X * weights[:, None]),
        at_zero * model.X.T @ model.X,
        eigvals_only=True,
        subset_by_index=[0, 0],
    )[0]
    return bool(smallest > MIN_INFORMATION)


@dataclass(frozen=True, kw_only=True)
class ProbitStage:
    """The exact stage for binary outcomes; sites are fixed after warm-up.

    Attributes
    ----------
    model : Model
    solver : Solver
    sites : Sites
        Matched under the average kernel.
    site_maps : dict
        For sets of exposures (`Point.subset`) whose kernel is of high rank.
    """

    model: Model
    solver: Solver
    sites: Sites
    site_maps: dict[bytes, SiteMap] = field(default_factory=dict)

    @classmethod
    def at_null(cls, model: Model, solver: Solver) -> Self:
        """Before any state is known: sites at the probit regression on the covariates alone.

        Raises
        ------
        SeparationError
        """
        sites = Sites.at(signs(model), null_predictors(model), model.weights)
        return cls(model=model, solver=solver, sites=sites)

    @cached_property
    def signs(self) -> FloatArray:
        """+1 for cases, -1 for the others, shape (n,)."""
        return signs(self.model)

    def surrogate_data(self) -> ProjectedData:
        """The sites: gaussian pseudo-outcomes with weights."""
        model = self.model
        return ProjectedData(
            y=self.sites.pseudo,
            X=model.X,
            noise=model.noise,
            root_weights=np.sqrt(self.sites.weights),
            cluster=model.cluster,
            cluster_variance=1.0 if model.cluster is not None else 0.0,
        )

    def sites_at(self, point: Point) -> Sites:
        """Sites of the importance density at a point: a function of the point alone."""
        site_map = self.site_maps.get(point.subset)
        if site_map is None or not site_map.is_determined:
            return self.sites
        return site_map.at(point.coordinates)

    @staticmethod
    def pairs(rank: int) -> int:
        """Antithetic pairs for a kernel of this rank: the noise grows with it, and they cost little."""
        return max(PAIRS, rank // RANKS_PER_PAIR)

    def _has_kernel(self, point: Point) -> bool:
        return bool(np.any(point.r > 0)) or not self.model.intercept

    def _cluster_columns(self, variance: float) -> list[FloatArray]:
        cluster = self.model.cluster
        if cluster is None:
            return []
        indicator = np.zeros((self.model.n, int(cluster.max()) + 1))
        indicator[np.arange(self.model.n), cluster] = np.sqrt(variance)
        return [indicator]

    def _features(self, point: Point, factor: Factor | None) -> tuple[FloatArray, FloatArray | None]:
        """Covariates, kernel features and cluster indicators.

        Under fitc the variance that the features leave out is part of the noise: rows are divided by
        its root, which is returned too.
        """
        parts = [self.model.X]
        root = None
        if factor is not None:
            parts.append(np.sqrt(point.lambda_) * factor.rows.T)
            if not factor.complete:
                root = np.sqrt(1.0 + point.lambda_ * factor.residual)
        design = np.column_stack([*parts, *self._cluster_columns(point.cluster_variance)])
        return (design if root is None else design / root[:, None]), root

    def evaluate(self, point: Point, local: Local, rng: np.random.Generator) -> ProbitEvaluation:
        """Estimate at a proposed point."""
        with naming(point.r, point.lambda_, point.cluster_variance):
            return self._evaluate(point, rng)

    def _evaluate(self, point: Point, rng: np.random.Generator) -> ProbitEvaluation:
        proposal, rank, method, root = self._propose(point)
        normals = rng.standard_normal((self.pairs(rank), proposal.dimension))
        found = estimate(proposal, self.signs, normals, rng, rank)
        return replace(found, method=method, root_variance=root)

    def _propose(self, point: Point) -> tuple[ImportanceDensity, int, str, FloatArray | None]:
        """The importance density at a point, the kernel's rank, its method, what rows were divided by."""
        model, factor, sites = self.model, None, self.sites_at(point)
        if self._has_kernel(point):
            factor = self.solver.factor(model, point.r, point.lambda_)
            if factor is None:
                dense, root = probit_dense.propose(
                    model, point.r, point.lambda_, point.cluster_variance, sites
                )
                return dense, model.n, "dense", root
        design, root = self._features(point, factor)
        proposal = FeatureProposal.for_sites(design, model.X.shape[1], sites)
        rank = 0 if factor is None else factor.rank
        return proposal, rank, "lowrank" if root is None else "fitc", root

    def refresh(self, point: Point, exact: ProbitEvaluation, rng: np.random.Generator) -> ProbitEvaluation:
        """Move the chosen draw and redraw all others, which leaves the extended posterior invariant."""
        proposal = exact.proposal or self._propose(point)[0]
        normals = rng.standard_normal((self.pairs(exact.rank), proposal.dimension))
        normals[0] = slice_steps(proposal, self.signs, exact.normal, rng)
        new = estimate(proposal, self.signs, normals, rng, exact.rank)
        return replace(new, method=exact.method, root_variance=exact.root_variance)

    def latent_outcome(self, exact: ProbitEvaluation, rng: np.random.Generator) -> FloatArray:
        """y* given the draw of the linear predictors, shape (n,); the predictors themselves where rows are
        weighted, because no gaussian outcome stands behind a power of Phi.
        """
        if self.model.weights is not None:
            return exact.eta
        latent = draw_latent(self.signs, exact.eta, rng)
        return latent if exact.root_variance is None else latent * exact.root_variance

    def adapted(self, points: Sequence[Point], high_rank: Collection[bytes]) -> Self:
        """Sites matched to the latest states, and maps of sites for sets of high rank: see `ExactStage`."""
        # Maps do not follow lambda_2, nor does an average kernel.
        variance = points[-1].cluster_variance
        points = [replace(point, cluster_variance=variance) for point in points]
        known = {key: site_map for key, site_map in self.site_maps.items() if key in high_rank}
        stage = replace(self, sites=self.matched_sites(points), site_maps=known)
        for key in high_rank:
            of_this_set = [point for point in points if point.subset == key]
            if of_this_set:
                stage = stage.with_map_of(of_this_set)
        return stage

    def matched_sites(self, points: Sequence[Point]) -> Sites:
        """Sites matched under the average over `points` of the prior covariance of h.

        Parameters
        ----------
        points : sequence of Point
            States of the chain, with one cluster variance. At most `AVERAGED` of them are used,
            evenly spaced and ending with the last;
            the last alone where n is too large for more.
        """
        with naming(points[-1].r, points[-1].lambda_, points[-1].cluster_variance):
            return self._matched_sites(points)

    def _matched_sites(self, points: Sequence[Point]) -> Sites:
        wanted = AVERAGED if self.model.n <= LARGEST_DENSE["binomial"] else 1
        used = [points[k] for k in np.unique(np.linspace(0, len(points) - 1, wanted + 1).astype(int))[1:]]
        return self._match(used or [points[-1]])

    def _match(self, points: Sequence[Point]) -> Sites:
        """Sites under the average over these states of the prior covariance of h."""
        model = self.model
        parts, full, left_out = [], False, np.zeros(model.n)
        kernels = [point for point in points if self._has_kernel(point)]
        for point in kernels:
            factor = self.solver.factor(model, point.r, point.lambda_)
            if factor is None:
                full = True
                break
            parts.append(np.sqrt(point.lambda_ / len(points)) * factor.rows.T)
            if not factor.complete:
                left_out += point.lambda_ / len(points) * factor.residual
        if full or sum(part.shape[1] for part in parts) > model.n:
            covariance, noise = probit_dense.average_covariance(model, kernels, len(points))
            marginals = covariance_marginals(covariance, model.X / np.sqrt(noise))
        else:
            cluster = self._cluster_columns(points[-1].cluster_variance)
            design = np.column_stack([model.X, *parts, *cluster]) / np.sqrt(1.0 + left_out)[:, None]
            marginals = feature_marginals(design, model.X.shape[1])
        return expectation_propagation(marginals, self.signs, self.sites_at(points[-1]))

    def with_map_of(self, points: Sequence[Point]) -> Self:
        """Match sites at some states of one set of exposures of high rank, for the map of that set.

        Parameters
        ----------
        points : sequence of Point
            States of the chain. At most `MATCHED` of them are used, evenly spaced;
            the last alone where n is too large for more.
        """
        key = points[0].subset
        distinct = list({(point.r.tobytes(), point.u): point for point in points}.values())
        wanted = MATCHED if self.model.n <= LARGEST_DENSE["binomial"] else 1
        used = [distinct[k] for k in np.unique(np.linspace(len(distinct) - 1, 0, wanted).astype(int))]
        sites = tuple(self.matched_sites([point]) for point in used)
        theta = np.array([point.coordinates for point in used])
        known = self.site_maps.get(key)
        extended = SiteMap(theta, sites) if known is None else known.including(theta, sites)
        return replace(self, site_maps={**self.site_maps, key: extended})


def signs(model: Model) -> FloatArray:
    """+1 for cases, -1 for the others, shape (n,)."""
    return 2.0 * model.y - 1.0


def draw_latent(signs: FloatArray, eta: FloatArray, rng: np.random.Generator) -> FloatArray:
    """y* given eta and y: normal with mean eta, variance 1, on the side that y says."""
    t = signs * eta
    uniform = 1.0 - rng.random(len(eta))
    # log P(x > -t) in the scale of ndtri_exp keeps the far tail exact.
    return np.asarray(eta - signs * special.ndtri_exp(np.log(uniform) + special.log_ndtr(t)))
