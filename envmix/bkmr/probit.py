"""Exact stage of the probit family: the latent outcomes are integrated out by importance sampling.

    p(y | r, lambda) = integral of prod_i Phi(s_i eta_i) N(w; 0, I) d(b, w),  eta = X b + sqrt(lambda) G w

with s_i = +-1 and flat b. Newton's method finds the mode of the integrand, which is log-concave;
antithetic pairs of draws from the gaussian there give an unbiased estimate with a small variance.
A chain that accepts with such estimates in place of the integral, and keeps the estimate of the
current point, has the exact posterior (pseudo-marginal: Andrieu and Roberts 2009; for gaussian
processes Filippone and Girolami 2014). One of the draws, chosen by weight, is a posterior draw of
(b, w). No latent outcome is carried from sweep to sweep, so none has to mix.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from scipy import linalg, special

from envmix.arrays import FloatArray
from envmix.bkmr import probit_dense
from envmix.bkmr.exact import Evaluation, Solver
from envmix.bkmr.model import Model
from envmix.bkmr.probit_likelihood import derivatives, linearise, log_likelihoods
from envmix.bkmr.sampler import Exact, Point
from envmix.bkmr.solvers.low_rank import Factor
from envmix.bkmr.surrogate import Local
from envmix.bkmr.working import WorkingData
from envmix.errors import EstimationError, SeparationError

PAIRS = 8
RANKS_PER_PAIR = 12
NOISE = 0.2  # sd of the log estimate at rank 905, where it is largest
NEWTON_STEPS = 50
CHEAP_STEPS = 8
CHEAP_GAIN = 1e-3
LARGEST_PREDICTOR = 5.5  # Phi(-5.5) = 2e-8: no finite estimate gets there


@dataclass(frozen=True)
class Laplace:
    """Mode of the integrand and the upper Cholesky factor of its negative Hessian there."""

    mode: FloatArray
    root: FloatArray
    iterations: int


def laplace(
    design: FloatArray, p: int, signs: FloatArray, start: FloatArray, decrement: float = 1e-4
) -> Laplace:
    """Newton's method with step halving.

    Parameters
    ----------
    design : ndarray, shape (n, p + k)
        Covariates, then columns whose weights have standard normal priors.
    p : int
        Number of covariates (flat prior).
    signs : ndarray, shape (n,)
        +1 for y = 1, -1 for y = 0.
    start : ndarray, shape (p,)
        Starting coefficients of the covariates; the weights start at zero.
    decrement : float
        Stop when the objective can gain no more than about half of this. The draws are corrected by
        their weights, so the mode need not be exact.
    """
    q = design.shape[1]
    prior = np.concatenate([np.zeros(p), np.ones(q - p)])
    coefficients = np.concatenate([start, np.zeros(q - p)])
    value, gradient, weights = derivatives(signs, design @ coefficients)
    objective = value
    root = np.empty((0, 0))
    for iteration in range(NEWTON_STEPS):
        scaled = design * np.sqrt(weights)[:, None]
        precision = scaled.T @ scaled
        precision[np.arange(q), np.arange(q)] += prior
        root = linalg.cholesky(precision, lower=False, check_finite=False)
        slope = design.T @ gradient - prior * coefficients
        step = linalg.cho_solve((root, False), slope, check_finite=False)
        if float(slope @ step) < decrement:
            return Laplace(coefficients, root, iteration)
        size = 1.0
        while True:
            trial = coefficients + size * step
            value, gradient, weights = derivatives(signs, design @ trial)
            new = value - 0.5 * float(prior @ trial**2)
            if new >= objective or size < 1e-4:
                break
            size *= 0.5
        coefficients, objective = trial, new
    raise EstimationError(
        f"expected the probit mode within {NEWTON_STEPS} Newton steps, found a gain of "
        f"{float(slope @ step):.3g} still left: a covariate probably predicts the outcome perfectly"
    )


def laplace_from(design: FloatArray, p: int, signs: FloatArray, eta: FloatArray) -> Laplace:
    """Mode by a Newton step from the linear predictors `eta`, then cheap steps with the same Hessian.

    `eta` is near the posterior mean for all parameters of interest, so one factorisation serves; the
    gaussian it gives differs from the Laplace approximation a little, for which the weights make up.
    Far from `eta`, full Newton takes over. The result depends on the arguments only, as exactness of
    the chain requires.
    """
    q = design.shape[1]
    prior = np.concatenate([np.zeros(p), np.ones(q - p)])
    pseudo, weights = linearise(signs, eta)
    scaled = design * np.sqrt(weights)[:, None]
    precision = scaled.T @ scaled
    precision[np.arange(q), np.arange(q)] += prior
    root = linalg.cholesky(precision, lower=False, check_finite=False, overwrite_a=True)
    right = design.T @ (weights * pseudo)
    coefficients = linalg.cho_solve((root, False), right, check_finite=False)
    gain = np.inf
    for iteration in range(CHEAP_STEPS):
        _, gradient, _ = derivatives(signs, design @ coefficients)
        slope = design.T @ gradient - prior * coefficients
        step = linalg.cho_solve((root, False), slope, check_finite=False)
        gain, before = float(slope @ step), gain
        if gain < CHEAP_GAIN:
            return Laplace(coefficients, root, iteration)
        if gain > 0.5 * before or gain > 4.0:
            break
        coefficients = coefficients + step
    return laplace(design, p, signs, np.zeros(p))


class Proposal(Protocol):
    """A gaussian close to the integrand, as an importance density of the linear predictors."""

    @property
    def dimension(self) -> int:
        """Standard normal numbers for one draw."""

    def draw(self, normals: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Linear predictors, shape (2 pairs, n), and log prior - log proposal density, shape (2 pairs,).

        Each row of `normals`, shape (pairs, dimension), is used with both signs: the first half of the
        draws has the positive ones.
        """


@dataclass(frozen=True)
class FeatureProposal:
    """Gaussian over (b, w), for kernels of low rank: h = sqrt(lambda) G w.

    Attributes
    ----------
    design : ndarray, shape (n, p + k)
        See `laplace`.
    p : int
        Number of covariates.
    fit : Laplace
    """

    design: FloatArray
    p: int
    fit: Laplace

    @property
    def dimension(self) -> int:
        return int(self.design.shape[1])

    def draw(self, normals: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See `Proposal`."""
        design, p, fit = self.design, self.p, self.fit
        deviations = linalg.solve_triangular(fit.root, normals.T, lower=False, check_finite=False)
        centre = design @ fit.mode
        shift = (design @ deviations).T
        weights = np.concatenate([fit.mode[p:] + deviations.T[:, p:], fit.mode[p:] - deviations.T[:, p:]])
        # Prior of w has (2 pi)^(-k/2), the proposal (2 pi)^(-q/2) |root|.
        constant = 0.5 * p * np.log(2 * np.pi) - float(np.sum(np.log(np.diag(fit.root))))
        squares = np.tile(np.sum(normals**2, axis=1), 2) - np.sum(weights**2, axis=1)
        return np.concatenate([centre + shift, centre - shift]), constant + 0.5 * squares


@dataclass(frozen=True)
class ProbitEvaluation:
    """Unbiased estimate of the likelihood at one point, and one weighted draw of the linear predictors."""

    log_likelihood: float
    rank: int
    proposal: Proposal
    normal: FloatArray
    eta: FloatArray
    method: str = "lowrank"
    root_variance: FloatArray | None = None


def estimate(
    proposal: Proposal, signs: FloatArray, normals: FloatArray, rng: np.random.Generator, rank: int
) -> ProbitEvaluation:
    """Importance estimate from antithetic pairs, and one of the draws chosen by weight.

    Parameters
    ----------
    normals : ndarray, shape (pairs, proposal.dimension)
        Standard normal; each is used with both signs.
    """
    eta, log_ratio = proposal.draw(normals)
    log_weight = log_likelihoods(signs, eta) + log_ratio
    top = log_weight.max()
    relative = np.exp(log_weight - top)
    chosen = int(np.searchsorted(np.cumsum(relative), rng.random() * relative.sum()))
    chosen = min(chosen, len(relative) - 1)
    value = float(top + np.log(relative.mean()))
    if not np.isfinite(value):
        raise EstimationError(f"expected a finite probit likelihood, found {value}: rescale the covariates")
    return ProbitEvaluation(value, rank, proposal, normals[chosen % len(normals)], eta[chosen])


def null_fit(model: Model, signs: FloatArray) -> Laplace:
    """Probit regression on the covariates alone (maximum likelihood)."""
    message = (
        "expected a finite probit fit of the outcome on the covariates, found none: a combination of "
        "covariates predicts the outcome perfectly; drop or merge the covariate responsible"
    )
    try:
        fit = laplace(model.X, model.X.shape[1], signs, np.zeros(model.X.shape[1]), 1e-10)
    except (EstimationError, linalg.LinAlgError) as error:
        raise SeparationError(message) from error
    if model.X.shape[1] and float(np.abs(model.X @ fit.mode).max()) > LARGEST_PREDICTOR:
        raise SeparationError(message)
    return fit


@dataclass
class ProbitStage:
    """The exact stage for binary outcomes; `eta` is where modes are searched from, fixed after warm-up."""

    model: Model
    solver: Solver
    signs: FloatArray
    eta: FloatArray

    @staticmethod
    def pairs(rank: int) -> int:
        """Antithetic pairs for a kernel of this rank: the noise grows with it, and they cost little."""
        return max(PAIRS, rank // RANKS_PER_PAIR)

    def _features(self, point: Point, factor: Factor | None) -> tuple[FloatArray, FloatArray | None]:
        """Covariates, kernel features and cluster indicators.

        Under fitc the variance that the features leave out is part of the noise: rows are divided by
        its root, which is returned too.
        """
        model = self.model
        parts = [model.X]
        root = None
        if factor is not None:
            parts.append(np.sqrt(point.lambda_) * factor.rows.T)
            if not factor.complete:
                root = np.sqrt(1.0 + point.lambda_ * factor.residual)
        if model.cluster is not None:
            indicator = np.zeros((model.n, int(model.cluster.max()) + 1))
            indicator[np.arange(model.n), model.cluster] = np.sqrt(point.cluster_variance)
            parts.append(indicator)
        design = np.column_stack(parts)
        return (design if root is None else design / root[:, None]), root

    def evaluate(self, point: Point, local: Local, rng: np.random.Generator) -> Exact:
        """Estimate at a proposed point."""
        model = self.model
        if not model.use_likelihood:
            return Evaluation(local.spectrum.at(point.lambda_), "prior", 0)
        has_kernel = bool(np.any(point.r > 0)) or not model.intercept
        factor = self.solver.factor(model, point.r, point.lambda_) if has_kernel else None
        if has_kernel and factor is None:
            dense = probit_dense.propose(
                model, point.r, point.lambda_, point.cluster_variance, self.signs, self.eta
            )
            found = self._estimate(dense, model.n, rng)
            return replace(found, method="dense")
        design, root = self._features(point, factor)
        p = model.X.shape[1]
        proposal = FeatureProposal(design, p, laplace_from(design, p, self.signs, self.eta))
        found = self._estimate(proposal, 0 if factor is None else factor.rank, rng)
        return found if root is None else replace(found, method="fitc", root_variance=root)

    def _estimate(self, proposal: Proposal, rank: int, rng: np.random.Generator) -> ProbitEvaluation:
        normals = rng.standard_normal((self.pairs(rank), proposal.dimension))
        return estimate(proposal, self.signs, normals, rng, rank)

    def refresh(self, point: Point, exact: Exact, rng: np.random.Generator) -> Exact:
        """Redraw all pairs but the chosen one, which leaves the extended posterior invariant."""
        if not isinstance(exact, ProbitEvaluation):
            return exact
        normals = rng.standard_normal((self.pairs(exact.rank), exact.proposal.dimension))
        normals[0] = exact.normal
        new = estimate(exact.proposal, self.signs, normals, rng, exact.rank)
        return replace(new, method=exact.method, root_variance=exact.root_variance)


def draw_latent(signs: FloatArray, eta: FloatArray, rng: np.random.Generator) -> FloatArray:
    """y* given eta and y: normal with mean eta, variance 1, on the side that y says."""
    t = signs * eta
    uniform = 1.0 - rng.random(len(eta))
    # log P(x > -t) in the scale of ndtri_exp keeps the far tail exact.
    return np.asarray(eta - signs * special.ndtri_exp(np.log(uniform) + special.log_ndtr(t)))


def surrogate_data(model: Model, signs: FloatArray, eta: FloatArray) -> WorkingData:
    """The gaussian problem that stands in for the probit in the cheap stage, linearised at `eta`."""
    pseudo, weights = linearise(signs, eta)
    return WorkingData(
        pseudo,
        model.X,
        model.noise,
        root_weights=np.sqrt(weights),
        cluster=model.cluster,
        cluster_variance=1.0 if model.cluster is not None else 0.0,
    )
