"""Modes of the posterior, and an independence proposal from their mixture.

Coordinates here are normal scores of the prior: Phi^-1(F(r_m)) of each included exposure, and the same of
lambda, F being the distribution function of its prior. In them the prior of a set of exposures is standard
normal, whatever prior was chosen. So what the data say little about is nearly normal too, and a normal
approximation to a mode has its tails where the prior has them.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from mixepi.arrays import BoolArray, FloatArray
from mixepi.bkmr.model.model import Model
from mixepi.bkmr.model.point import Point
from mixepi.bkmr.model.projected_data import LOG_2PI

# Normal scores beyond which a distribution function is 0 or 1 in floating point.
LARGEST_SCORE = 7.5
# Degrees of freedom of the proposal from a mode: tails heavier than a posterior's, so that no place is
# proposed too seldom to be left again (Tierney 1994); and what the spread is multiplied by.
DEGREES, WIDER = 5.0, 1.15


def scores(model: Model, point: Point) -> FloatArray:
    """Normal scores of the included r and of lambda, shape (included + 1,)."""
    included = point.r[point.r > 0]
    v = np.append(model.priors.r.distribution(included), model.priors.lambda_.distribution_at(point.lambda_))
    return np.clip(special.ndtri(v), -LARGEST_SCORE, LARGEST_SCORE)


def point_at(model: Model, active: BoolArray, x: FloatArray, cluster_variance: float = 0.0) -> Point:
    """The point with these exposures in and these scores."""
    v = special.ndtr(np.clip(x, -LARGEST_SCORE, LARGEST_SCORE))
    r = np.zeros(len(active))
    r[active] = model.priors.r.quantile(v[:-1])
    u = math.log(float(model.priors.lambda_.quantile(v[-1:])[0]))
    return Point(r, u, cluster_variance)


@dataclass(frozen=True, kw_only=True)
class Mode:
    """A mode within one set of exposures.

    Attributes
    ----------
    active : ndarray of bool, shape (M,)
        The set.
    r : ndarray, shape (M,)
        Where it is.
    centre, root : ndarray, shapes (d,), (d, d)
        Mean of the scores (d = number included + 1) and the lower root of their covariance.
    log_mass : float
        Laplace's approximation to the log of its likelihood times prior, integrated.
    """

    active: BoolArray
    r: FloatArray
    centre: FloatArray
    root: FloatArray
    log_mass: float

    def distance(self, x: FloatArray) -> float:
        """Squared Mahalanobis distance of scores from the centre."""
        step = np.linalg.solve(self.root, x - self.centre)
        return float(step @ step)

    def log_density(self, x: FloatArray) -> float:
        """Log density of a proposal from this mode."""
        d = len(x)
        constant = (
            math.lgamma(0.5 * (DEGREES + d))
            - math.lgamma(0.5 * DEGREES)
            - 0.5 * d * math.log(DEGREES * math.pi)
            - float(np.sum(np.log(np.diag(self.root))))
            - d * math.log(WIDER)
        )
        return constant - 0.5 * (DEGREES + d) * math.log1p(self.distance(x) / (WIDER**2 * DEGREES))

    def draw(self, rng: np.random.Generator, wider: float = WIDER) -> FloatArray:
        """Scores from a multivariate t around the centre."""
        normal = rng.standard_normal(len(self.centre))
        size = wider * math.sqrt(DEGREES / rng.chisquare(DEGREES))
        return np.asarray(self.centre + size * (self.root @ normal))


@dataclass(frozen=True)
class ModeMixture:
    """The mixture of the modes, each weighted by its mass.

    Attributes
    ----------
    modes : tuple of Mode
    """

    modes: tuple[Mode, ...]

    @cached_property
    def weights(self) -> FloatArray:
        """Share of each mode in the mass of all."""
        return np.asarray(special.softmax([mode.log_mass for mode in self.modes]))

    def draw(self, model: Model, cluster_variance: float, rng: np.random.Generator) -> Point:
        """A point of the mixture, with this lambda_2."""
        mode = self.modes[int(rng.choice(len(self.modes), p=self.weights))]
        return point_at(model, mode.active, mode.draw(rng), cluster_variance)

    def log_prior_over_density(self, model: Model, point: Point) -> float:
        """Log of the prior over the density of the proposal: infinite where no mode has this set."""
        x, active = scores(model, point), point.r > 0
        parts = [
            math.log(weight) + mode.log_density(x)
            for mode, weight in zip(self.modes, self.weights.tolist(), strict=True)
            if weight > 0 and np.array_equal(mode.active, active)
        ]
        if not parts:
            return math.inf
        return model.log_prior_set(active) + log_normal(x) - float(special.logsumexp(parts))


def log_normal(x: FloatArray) -> float:
    """Log density of scores under the prior of their set."""
    return -0.5 * float(x @ x) - 0.5 * len(x) * LOG_2PI
