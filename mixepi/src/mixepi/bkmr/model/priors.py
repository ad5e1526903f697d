"""Prior distributions, each with its density, distribution function and quantiles.

The defaults are those of R's bkmr (Bobb et al. 2015, 2018).
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from scipy import special, stats

from mixepi.arguments import is_number, require_flag
from mixepi.arrays import BoolArray, FloatArray
from mixepi.errors import SpecificationError

# Of r for an exposure of sd 1: at 0.01 two people 2 sd apart still have a correlation of 0.96, at 1 those
# 2 sd apart one of 0.02. bkmr's uniform prior on [0, 100] has 1 % of its mass below 1, and is in use.
FLAT, JAGGED, MIN_REACH = 0.01, 1.0, 0.005


class PositivePrior(Protocol):
    """What the sampler needs of a prior for a positive quantity."""

    def log_density(self, x: FloatArray) -> FloatArray:
        """Log density at `x`; minus infinity outside the support."""

    def distribution(self, x: FloatArray) -> FloatArray:
        """P(X <= x)."""

    def quantile(self, probability: FloatArray) -> FloatArray:
        """The inverse of `distribution`."""

    def log_density_at(self, x: float) -> float:
        """`log_density` of one number, without the cost of arrays."""

    def distribution_at(self, x: float) -> float:
        """`distribution` of one number, without the cost of arrays."""


@dataclass(frozen=True)
class GammaPrior:
    """Gamma distribution given by its mean and standard deviation, as in bkmr's `mu.` and `sigma.`."""

    mean: float = 10.0
    sd: float = 10.0

    def __post_init__(self) -> None:
        if not (_is_positive(self.mean) and _is_positive(self.sd)):
            raise SpecificationError(
                f"expected a gamma prior with positive mean and sd, found mean={self.mean!r}, "
                f"sd={self.sd!r}: choose positive numbers"
            )

    @property
    def shape(self) -> float:
        return (self.mean / self.sd) ** 2

    @property
    def rate(self) -> float:
        return self.mean / self.sd**2

    def log_density(self, x: FloatArray) -> FloatArray:
        x = np.asarray(x, dtype=float)
        a, rate = self.shape, self.rate
        inside = np.where(x > 0, x, 1.0)
        value = a * np.log(rate) - special.gammaln(a) + (a - 1) * np.log(inside) - rate * inside
        return np.where(x > 0, value, -np.inf)

    def log_density_at(self, x: float) -> float:
        if not 0 < x < math.inf:
            return -math.inf
        a, rate = self.shape, self.rate
        return a * math.log(rate) - math.lgamma(a) + (a - 1) * math.log(x) - rate * x

    def distribution(self, x: FloatArray) -> FloatArray:
        return np.asarray(special.gammainc(self.shape, self.rate * np.maximum(x, 0.0)))

    def distribution_at(self, x: float) -> float:
        return float(special.gammainc(self.shape, self.rate * max(x, 0.0)))

    def quantile(self, probability: FloatArray) -> FloatArray:
        return np.asarray(special.gammaincinv(self.shape, probability) / self.rate)


@dataclass(frozen=True)
class UniformPrior:
    """Uniform distribution on [lower, upper] (bkmr's `r.prior = "unif"`)."""

    lower: float = 0.0
    upper: float = 100.0

    def __post_init__(self) -> None:
        _check_bounds(self.lower, self.upper)

    def log_density(self, x: FloatArray) -> FloatArray:
        x = np.asarray(x, dtype=float)
        inside = (x > 0) & (x >= self.lower) & (x <= self.upper)
        return np.where(inside, -np.log(self.upper - self.lower), -np.inf)

    def log_density_at(self, x: float) -> float:
        inside = x > 0 and self.lower <= x <= self.upper
        return -math.log(self.upper - self.lower) if inside else -math.inf

    def distribution(self, x: FloatArray) -> FloatArray:
        return np.clip((np.asarray(x, dtype=float) - self.lower) / (self.upper - self.lower), 0.0, 1.0)

    def distribution_at(self, x: float) -> float:
        return min(max((x - self.lower) / (self.upper - self.lower), 0.0), 1.0)

    def quantile(self, probability: FloatArray) -> FloatArray:
        return self.lower + (self.upper - self.lower) * np.asarray(probability, dtype=float)


@dataclass(frozen=True)
class InverseUniformPrior:
    """1/r uniform on [lower, upper] (bkmr's default `r.prior = "invunif"`, r.a = 0, r.b = 100).

    The density of r is r^-2 / (upper - lower) on [1/upper, 1/lower]: r is never below 0.01 by
    default, and half of the prior lies below 0.02.
    """

    lower: float = 0.0
    upper: float = 100.0

    def __post_init__(self) -> None:
        _check_bounds(self.lower, self.upper)

    def _inside(self, x: FloatArray) -> BoolArray:
        with np.errstate(divide="ignore"):
            inverse = 1.0 / x
        return np.asarray((x > 0) & (inverse >= self.lower) & (inverse <= self.upper * (1 + 1e-12)))

    def log_density(self, x: FloatArray) -> FloatArray:
        x = np.asarray(x, dtype=float)
        inside = self._inside(x)
        safe = np.where(inside, x, 1.0)
        return np.where(inside, -2 * np.log(safe) - np.log(self.upper - self.lower), -np.inf)

    def log_density_at(self, x: float) -> float:
        if not 0 < x < math.inf or not self.lower <= 1.0 / x <= self.upper * (1 + 1e-12):
            return -math.inf
        return -2 * math.log(x) - math.log(self.upper - self.lower)

    def distribution(self, x: FloatArray) -> FloatArray:
        x = np.asarray(x, dtype=float)
        with np.errstate(divide="ignore"):
            value = (self.upper - 1.0 / np.maximum(x, 0.0)) / (self.upper - self.lower)
        return np.clip(value, 0.0, 1.0)

    def distribution_at(self, x: float) -> float:
        if x <= 0:
            return 0.0
        return min(max((self.upper - 1.0 / x) / (self.upper - self.lower), 0.0), 1.0)

    def quantile(self, probability: FloatArray) -> FloatArray:
        inverse = self.upper - (self.upper - self.lower) * np.asarray(probability, dtype=float)
        with np.errstate(divide="ignore"):
            return np.asarray(1.0 / inverse)


@lru_cache(maxsize=1024)
def _log_inclusion(a: float, b: float, included: int, total: int) -> float:
    return float(special.betaln(a + included, b + total - included) - special.betaln(a, b))


@dataclass(frozen=True)
class InclusionPrior:
    """pi ~ Beta(a, b) and each exposure (or group) in with probability pi, pi integrated out.

    P(delta) = B(a + s, b + S - s) / B(a, b) for s of S in (bkmr's a.p0, b.p0; 1 and 1 make every
    model size equally probable). Within a group exactly one member is in, each equally probable.
    """

    a: float = 1.0
    b: float = 1.0

    def __post_init__(self) -> None:
        if not (_is_positive(self.a) and _is_positive(self.b)):
            raise SpecificationError(
                f"expected a, b > 0 in the inclusion prior, found {self.a!r}, {self.b!r}: "
                "choose positive numbers"
            )

    def log_probability(self, included: int, total: int) -> float:
        """Log prior probability of one particular set of `included` out of `total`."""
        return _log_inclusion(self.a, self.b, included, total)

    def inclusion_probability(self) -> float:
        """Prior PIP of each exposure (or group)."""
        return self.a / (self.a + self.b)


@dataclass(frozen=True)
class InverseGammaPrior:
    """1/sigma2 ~ Gamma(shape, rate) (bkmr's a.sigsq, b.sigsq).

    Attributes
    ----------
    shape, rate : float
    relative : bool
        The rate is in units of the outcome's residual variance on the covariates (default), so that no
        answer depends on the outcome's unit. False: in squared units of the outcome, as in bkmr.
    """

    shape: float = 1e-3
    rate: float = 1e-3
    relative: bool = True

    def __post_init__(self) -> None:
        if not (_is_positive(self.shape) and _is_positive(self.rate)):
            raise SpecificationError(
                f"expected a positive shape and rate for 1/sigma2, found {self.shape!r}, "
                f"{self.rate!r}: choose positive numbers"
            )
        require_flag("relative", self.relative)

    def in_units(self, residual_variance: float) -> "InverseGammaPrior":
        """The same prior with its rate in squared units of the outcome."""
        if not self.relative:
            return self
        return InverseGammaPrior(self.shape, self.rate * residual_variance, relative=False)

    def log_density(self, sigma2: FloatArray) -> FloatArray:
        return np.asarray(stats.invgamma.logpdf(sigma2, self.shape, scale=self.rate))


def _is_positive(value: float) -> bool:
    return is_number(value) and 0 < value < math.inf


def _check_bounds(lower: float, upper: float) -> None:
    if not (is_number(lower) and is_number(upper) and 0 <= lower < upper < math.inf):
        raise SpecificationError(
            f"expected 0 <= lower < upper < infinity, found {lower!r}, {upper!r}: choose such numbers"
        )


def responses_allowed(prior: PositivePrior, sd: float) -> str | None:
    """What a prior of r allows of the response to an exposure with this sd; None where that is enough.

    r sd^2 is what r would be for an exposure of sd 1. Below `FLAT` the kernel hardly changes over the data,
    above `JAGGED` it joins few people; a prior should leave something of its mass on either side.
    """
    if prior.distribution_at(JAGGED / sd**2) < MIN_REACH:
        return "jagged responses only"
    if 1.0 - prior.distribution_at(FLAT / sd**2) < MIN_REACH:
        return "hardly any response"
    return None
