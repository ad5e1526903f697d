"""Exact stage of the probit family: the latent outcomes are integrated out by importance sampling.

    p(y | r, lambda) = integral of prod_i Phi(s_i eta_i) N(w; 0, I) d(b, w),  eta = X b + sqrt(lambda) G w

with s_i = +-1 and flat b. Newton's method finds the mode of the integrand, which is log-concave;
antithetic pairs of draws from the gaussian there give an unbiased estimate with a small variance.
A chain that accepts with such estimates in place of the integral, and keeps the estimate of the
current point, has the exact posterior (pseudo-marginal: Andrieu and Roberts 2009; for gaussian
processes Filippone and Girolami 2014). One of the draws, chosen by weight, is a posterior draw of
(b, w). No latent outcome is carried from sweep to sweep, so none has to mix.
"""

import math
from dataclasses import dataclass, replace

import numba
import numpy as np
from scipy import linalg, special

from envmix.arrays import FloatArray
from envmix.bkmr.exact import Evaluation, Solver
from envmix.bkmr.model import Model
from envmix.bkmr.sampler import Exact, Point
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


@numba.njit(cache=True)
def log_phi(t: float) -> float:  # pragma: no cover - compiled
    """log Phi(t), with the asymptotic series far in the lower tail."""
    if t > -8.0:
        return math.log(0.5 * math.erfc(-t * 0.7071067811865476))
    square = 1.0 / (t * t)
    series = 1.0 - square * (1.0 - square * (3.0 - square * (15.0 - 105.0 * square)))
    return -0.5 * t * t - math.log(-t) - 0.9189385332046727 + math.log(series)


@numba.njit(cache=True)
def _likelihoods(signs: FloatArray, eta: FloatArray) -> FloatArray:  # pragma: no cover - compiled
    out = np.empty(eta.shape[0])
    for j in range(eta.shape[0]):
        value = 0.0
        for i in range(signs.shape[0]):
            value += log_phi(signs[i] * eta[j, i])
        out[j] = value
    return out


@numba.njit(cache=True)
def _derivatives(
    signs: FloatArray, eta: FloatArray
) -> tuple[float, FloatArray, FloatArray]:  # pragma: no cover - compiled
    n = signs.shape[0]
    gradient = np.empty(n)
    weights = np.empty(n)
    value = 0.0
    for i in range(n):
        t = signs[i] * eta[i]
        logp = log_phi(t)
        value += logp
        ratio = math.exp(-0.5 * t * t - 0.9189385332046727 - logp)
        gradient[i] = signs[i] * ratio
        weights[i] = max(ratio * (ratio + t), 1e-12)
    return value, gradient, weights


def log_likelihoods(signs: FloatArray, eta: FloatArray) -> FloatArray:
    """sum_i log Phi(s_i eta_i) for each row of `eta`, shape (draws, n)."""
    return _likelihoods(signs, np.ascontiguousarray(eta))


def linearise(signs: FloatArray, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Pseudo-outcomes and weights of the gaussian that matches the probit likelihood at `eta`."""
    _, gradient, weights = _derivatives(signs, eta)
    return eta + gradient / weights, weights


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
    value, gradient, weights = _derivatives(signs, design @ coefficients)
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
            value, gradient, weights = _derivatives(signs, design @ trial)
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
        _, gradient, _ = _derivatives(signs, design @ coefficients)
        slope = design.T @ gradient - prior * coefficients
        step = linalg.cho_solve((root, False), slope, check_finite=False)
        gain, before = float(slope @ step), gain
        if gain < CHEAP_GAIN:
            return Laplace(coefficients, root, iteration)
        if gain > 0.5 * before or gain > 4.0:
            break
        coefficients = coefficients + step
    return laplace(design, p, signs, np.zeros(p))


@dataclass(frozen=True)
class ProbitEvaluation:
    """Unbiased estimate of the likelihood at one point, and one weighted draw of (b, w)."""

    log_likelihood: float
    rank: int
    design: FloatArray
    laplace: Laplace
    normal: FloatArray
    eta: FloatArray
    approximate: bool = False
    root_variance: FloatArray | None = None

    @property
    def method(self) -> str:
        """How the kernel was represented."""
        return "fitc" if self.approximate else "lowrank"


def estimate(
    design: FloatArray,
    p: int,
    signs: FloatArray,
    fit: Laplace,
    normals: FloatArray,
    rng: np.random.Generator,
    rank: int,
) -> ProbitEvaluation:
    """Importance estimate from antithetic pairs, and one of the draws chosen by weight.

    Parameters
    ----------
    normals : ndarray, shape (pairs, p + k)
        Standard normal; each is used with both signs.
    """
    q = design.shape[1]
    deviations = linalg.solve_triangular(fit.root, normals.T, lower=False, check_finite=False)
    centre = design @ fit.mode
    shift = (design @ deviations).T
    eta = np.concatenate([centre + shift, centre - shift])
    weights = np.concatenate([fit.mode[p:] + deviations.T[:, p:], fit.mode[p:] - deviations.T[:, p:]])
    log_weight = (
        log_likelihoods(signs, eta)
        - 0.5 * np.sum(weights**2, axis=1)
        + 0.5 * np.tile(np.sum(normals**2, axis=1), 2)
    )
    # Prior of w has (2 pi)^(-k/2), the proposal (2 pi)^(-q/2) |root|.
    constant = 0.5 * p * np.log(2 * np.pi) - float(np.sum(np.log(np.diag(fit.root))))
    top = log_weight.max()
    relative = np.exp(log_weight - top)
    chosen = int(np.searchsorted(np.cumsum(relative), rng.random() * relative.sum()))
    chosen = min(chosen, len(relative) - 1)
    value = float(top + np.log(relative.mean()) + constant)
    if q and not np.isfinite(value):
        raise EstimationError(f"expected a finite probit likelihood, found {value}: rescale the covariates")
    normal = normals[chosen % len(normals)]
    return ProbitEvaluation(value, rank, design, fit, normal, eta[chosen])


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

    def design(self, point: Point) -> tuple[FloatArray, int, FloatArray | None]:
        """Covariates, kernel features and cluster indicators at one point, and the kernel's rank.

        Under fitc the variance that the features leave out is part of the noise: rows are divided by
        its root, which is returned too.
        """
        model = self.model
        parts = [model.X]
        rank = 0
        root = None
        if np.any(point.r > 0) or not model.intercept:
            factor = self.solver.feature_factor(model, point.r, point.lambda_)
            rank = factor.rank
            features = np.sqrt(point.lambda_) * factor.rows.T
            parts.append(features)
            if not factor.complete:
                root = np.sqrt(1.0 + point.lambda_ * factor.residual)
        if model.cluster is not None:
            indicator = np.zeros((model.n, int(model.cluster.max()) + 1))
            indicator[np.arange(model.n), model.cluster] = np.sqrt(point.cluster_variance)
            parts.append(indicator)
        design = np.column_stack(parts)
        return (design if root is None else design / root[:, None]), rank, root

    def evaluate(self, point: Point, local: Local, rng: np.random.Generator) -> Exact:
        """Estimate at a proposed point."""
        if not self.model.use_likelihood:
            return Evaluation(local.spectrum.at(point.lambda_), "prior", 0)
        design, rank, root = self.design(point)
        p = self.model.X.shape[1]
        fit = laplace_from(design, p, self.signs, self.eta)
        normals = rng.standard_normal((self.pairs(rank), design.shape[1]))
        found = estimate(design, p, self.signs, fit, normals, rng, rank)
        return found if root is None else replace(found, approximate=True, root_variance=root)

    def refresh(self, point: Point, exact: Exact, rng: np.random.Generator) -> Exact:
        """Redraw all pairs but the chosen one, which leaves the extended posterior invariant."""
        if not isinstance(exact, ProbitEvaluation):
            return exact
        normals = rng.standard_normal((self.pairs(exact.rank), exact.design.shape[1]))
        normals[0] = exact.normal
        p = self.model.X.shape[1]
        new = estimate(exact.design, p, self.signs, exact.laplace, normals, rng, exact.rank)
        return replace(new, approximate=exact.approximate, root_variance=exact.root_variance)


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
