"""Importance sampling of the linear predictors: the estimate of the probit likelihood, and a kept draw.

An importance density q(eta) is the posterior with a gaussian site N_i in place of each Phi(s_i eta_i):
q(eta) = prod_i N_i(eta_i) p(eta) / Z. In the weight p(y | eta) p(eta) / q(eta) the prior cancels, so that it
is a function of the linear predictors alone, whichever way they are drawn.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy import linalg

from mixepi.arrays import FloatArray
from mixepi.bkmr.probit.likelihood import log_likelihoods
from mixepi.bkmr.probit.sites import Sites
from mixepi.errors import EstimationError

# What was tried, "eight such steps a refresh".
SLICE_STEPS = 8
# Of an estimate whose few pairs happen to agree.
MIN_NOISE = 0.1


class ImportanceDensity(Protocol):
    """A gaussian close to the integrand, as an importance density of the linear predictors.

    Attributes
    ----------
    mean : ndarray, shape (n,)
        Of the linear predictors.
    sites : Sites
        What stands in for the likelihood.
    log_constant : float
        log Z.
    """

    @property
    def mean(self) -> FloatArray: ...

    @property
    def sites(self) -> Sites: ...

    @property
    def log_constant(self) -> float: ...

    @property
    def dimension(self) -> int:
        """Standard normal numbers for one draw."""

    def deviations(self, normals: FloatArray) -> FloatArray:
        """Linear predictors less their mean, shape (draws, n), a linear map of each row of `normals`."""


@dataclass(frozen=True, kw_only=True)
class FeatureProposal:
    """Gaussian over (b, w), for kernels of low rank: h = sqrt(lambda) G w.

    Attributes
    ----------
    design : ndarray, shape (n, p + k)
        Covariates (flat prior), then columns whose weights have standard normal priors.
    root : ndarray, shape (p + k, p + k)
        Upper Cholesky factor of the precision.
    mean, sites, log_constant
        See `ImportanceDensity`.
    """

    design: FloatArray
    root: FloatArray
    mean: FloatArray
    sites: Sites
    log_constant: float

    @classmethod
    def for_sites(cls, design: FloatArray, p: int, sites: Sites) -> "FeatureProposal":
        """The posterior of (b, w) with the sites in place of the likelihood; p covariates."""
        scaled = design * np.sqrt(sites.weights)[:, None]
        precision = scaled.T @ scaled
        precision[np.arange(p, len(precision)), np.arange(p, len(precision))] += 1.0
        root = linalg.cholesky(precision, lower=False, check_finite=False, overwrite_a=True)
        right = design.T @ (sites.weights * sites.pseudo)
        centre = linalg.cho_solve((root, False), right, check_finite=False)
        mean = design @ centre
        # log Z at the mean: the sites there, the prior of w ((2 pi)^(-k/2)), less q ((2 pi)^(-q/2) |root|).
        quadratic = float(sites.weights @ (mean - sites.pseudo) ** 2 + np.sum(centre[p:] ** 2))
        log_root = float(np.sum(np.log(np.diag(root))))
        log_constant = 0.5 * p * np.log(2 * np.pi) - log_root - 0.5 * quadratic
        return cls(design=design, root=root, mean=mean, sites=sites, log_constant=log_constant)

    @property
    def dimension(self) -> int:
        return int(self.design.shape[1])

    def deviations(self, normals: FloatArray) -> FloatArray:
        """See `ImportanceDensity`."""
        weights = linalg.solve_triangular(self.root, normals.T, lower=False, check_finite=False)
        return np.asarray((self.design @ weights).T)


def log_weights(proposal: ImportanceDensity, signs: FloatArray, eta: FloatArray) -> FloatArray:
    """log p(y | eta) p(eta) / q(eta) for each row of `eta`, shape (draws, n)."""
    sites = 0.5 * ((eta - proposal.sites.pseudo) ** 2 @ proposal.sites.weights)
    return np.asarray(log_likelihoods(signs, eta, proposal.sites.power) + sites + proposal.log_constant)


@dataclass(frozen=True, kw_only=True)
class ProbitEvaluation:
    """Unbiased estimate of the likelihood at one point, and one weighted draw of the linear predictors.

    `noise` is the standard error of its log, judged by how the weights of the pairs vary. Checkpoints
    leave `proposal` out (None): it can be two n x n arrays, and the point determines it.
    """

    log_likelihood: float
    rank: int
    proposal: ImportanceDensity | None
    normal: FloatArray
    eta: FloatArray
    noise: float
    method: str = "lowrank"
    root_variance: FloatArray | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "proposal": None}


def estimate(
    proposal: ImportanceDensity, signs: FloatArray, normals: FloatArray, rng: np.random.Generator, rank: int
) -> ProbitEvaluation:
    """Importance estimate from antithetic pairs, and one of the draws chosen by weight.

    Parameters
    ----------
    proposal : ImportanceDensity
    signs : ndarray, shape (n,)
        +1 for cases, -1 for the others.
    normals : ndarray, shape (pairs, proposal.dimension)
        Standard normal; each is used with both signs.
    rng : Generator
        Chooses the draw.
    rank : int
        Of the kernel, for the record.

    Returns
    -------
    ProbitEvaluation

    Raises
    ------
    EstimationError
        If the estimate is not finite.
    """
    deviations = proposal.deviations(normals)
    eta = np.concatenate([proposal.mean + deviations, proposal.mean - deviations])
    log_weight = log_weights(proposal, signs, eta)
    top = log_weight.max()
    relative = np.exp(log_weight - top)
    chosen = int(np.searchsorted(np.cumsum(relative), rng.random() * relative.sum()))
    chosen = min(chosen, len(relative) - 1)
    value = float(top + np.log(relative.mean()))
    if not np.isfinite(value):
        raise EstimationError(
            f"expected a finite probit likelihood, found {value}: check covariates for extreme values"
        )
    pairs = len(normals)
    sign = 1.0 if chosen < pairs else -1.0
    of_pairs = relative[:pairs] + relative[pairs:]
    noise = float(of_pairs.std() / (of_pairs.mean() * math.sqrt(pairs)))
    return ProbitEvaluation(
        log_likelihood=value,
        rank=rank,
        proposal=proposal,
        normal=sign * normals[chosen % pairs],
        eta=eta[chosen].copy(),
        noise=max(noise, MIN_NOISE),
    )


def slice_steps(
    proposal: ImportanceDensity,
    signs: FloatArray,
    normal: FloatArray,
    rng: np.random.Generator,
    count: int = SLICE_STEPS,
) -> FloatArray:
    """Move one weighted draw of the importance density by elliptical slice steps.

    Importance density times weight is the posterior of the linear predictors: in the space of the
    standard normal numbers, a normal prior times the weight, which a step leaves invariant
    (Murray, Adams and MacKay 2010). A draw far in the tail of the importance density, whose weight
    would hold the chain at one point, walks back to where the posterior is. All points of an ellipse
    are combinations of two draws, so that a step costs no more than a few evaluations of the likelihood.

    Parameters
    ----------
    proposal : ImportanceDensity
    signs : ndarray, shape (n,)
        +1 for cases, -1 for the others.
    normal : ndarray, shape (proposal.dimension,)
        The numbers behind the draw, whose weight must not be zero.
    rng : Generator
    count : int, default 8
        Steps. With one, a draw of great weight held some chains for tens of sweeps.

    Returns
    -------
    ndarray, shape (proposal.dimension,)
        The numbers behind the moved draw.
    """
    normals = np.vstack([normal, rng.standard_normal((count, len(normal)))])
    deviations = proposal.deviations(normals)
    at, deviation = normals[0], deviations[0]
    log_weight = _log_weight(proposal, signs, deviation)
    for other, other_deviation in zip(normals[1:], deviations[1:], strict=True):
        level = log_weight + math.log(1.0 - rng.random())
        angle = 2.0 * math.pi * rng.random()
        low, high = angle - 2.0 * math.pi, angle
        while True:
            cosine, sine = math.cos(angle), math.sin(angle)
            moved = cosine * deviation + sine * other_deviation
            log_weight = _log_weight(proposal, signs, moved)
            if log_weight >= level:
                break
            if angle < 0:
                low = angle
            else:
                high = angle
            angle = low + (high - low) * rng.random()
        at, deviation = cosine * at + sine * other, moved
    return np.asarray(at)


def _log_weight(proposal: ImportanceDensity, signs: FloatArray, deviation: FloatArray) -> float:
    return float(log_weights(proposal, signs, (proposal.mean + deviation)[None, :])[0])
