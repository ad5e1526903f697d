"""Sites that follow the parameters, for sets of exposures whose kernel is of high rank.

Sites matched under an average kernel serve every kernel of low rank. Where h can bend at every observation
they fit some parameters and miss others: at a large lambda the estimate is then low, and now and then far too
high. Within one set of exposures matched sites are smooth in theta = (log r, log lambda), so that a few of
them, matched in warm-up, give those in between. The sites of a point depend on the point alone: whatever
they are, the estimate stays unbiased. They do not follow the variance of a random intercept: each state has
the one of the chain when it was matched.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mixepi.arrays import FloatArray
from mixepi.bkmr.probit.sites import Sites

# What was tried, "sites that follow the parameters". Every evaluation sums over the states; ten updates of
# warm-up match 60 at most, of which the latest are nearest to the posterior.
MAX_STATES = 48
# Of the process, in standard deviations of the states times sqrt(d): sites are smooth, so the states around a
# point all tell of it.
LENGTH = 2.0
# Share of the process's variance that one matched state may miss: matching stops at a change of 0.02.
NUGGET = 0.01
# Of log r and log lambda: the first few states of a slow chain are nearly one, and their covariance singular.
SMALLEST_VARIANCE = 0.01
# Of the range of what was matched: how far beyond it a site may lie.
BEYOND = 0.5


@dataclass(frozen=True)
class SiteMap:
    """Logs of the sites' weights, and weights x pseudo-outcomes, interpolated by a gaussian process.

    Far from all states it returns to their average.

    Attributes
    ----------
    theta : ndarray, shape (T, d)
        Distinct states within one set of exposures, d = number included + 1; the oldest first.
    sites : tuple of Sites, length T
        Matched at each of them.
    """

    theta: FloatArray
    sites: tuple[Sites, ...]

    def including(self, theta: FloatArray, sites: tuple[Sites, ...]) -> "SiteMap":
        """The map with more states; the latest `MAX_STATES` are kept."""
        again = {place.tobytes() for place in theta}
        old = [k for k, place in enumerate(self.theta) if place.tobytes() not in again]
        old = old[max(0, len(old) + len(theta) - MAX_STATES) :]
        return SiteMap(np.concatenate([self.theta[old], theta]), (*(self.sites[k] for k in old), *sites))

    @property
    def is_determined(self) -> bool:
        """Whether there are more states than directions: fewer say little about others."""
        return bool(len(self.theta) > self.theta.shape[1])

    @cached_property
    def _root(self) -> FloatArray:
        """Root of the states' covariance, kept positive definite."""
        d = self.theta.shape[1]
        return np.asarray(
            np.linalg.cholesky(np.cov(self.theta.T).reshape(d, d) + SMALLEST_VARIANCE * np.eye(d))
        )

    @cached_property
    def _values(self) -> FloatArray:
        """Log weights and weights x pseudo-outcomes, shape (T, 2 n)."""
        return np.array([np.append(np.log(s.weights), s.weights * s.pseudo) for s in self.sites])

    @cached_property
    def _bounds(self) -> tuple[FloatArray, FloatArray]:
        """Between which each value may lie: far beyond all that were matched a site is not to be believed."""
        low, high = self._values.min(axis=0), self._values.max(axis=0)
        return low - BEYOND * (high - low), high + BEYOND * (high - low)

    @cached_property
    def _interpolation(self) -> tuple[FloatArray, FloatArray]:
        """Average of the values, shape (2 n,), and what every state adds to it."""
        values = self._values
        average = values.mean(axis=0)
        gram = self._correlation(self.theta) + NUGGET * np.eye(len(self.theta))
        return average, np.linalg.solve(gram, values - average)

    def _correlation(self, theta: FloatArray) -> FloatArray:
        """Of the process at theta, shape (t, d), and at the states, shape (t, T)."""
        steps = np.linalg.solve(self._root, (theta[:, None, :] - self.theta).reshape(-1, theta.shape[1]).T)
        distance = np.sum(steps**2, axis=0).reshape(len(theta), -1)
        return np.asarray(np.exp(-0.5 * distance / (LENGTH**2 * theta.shape[1])))

    def at(self, theta: FloatArray) -> Sites:
        """Sites at theta, shape (d,)."""
        average, added = self._interpolation
        values = np.clip(average + (self._correlation(theta[None]) @ added)[0], *self._bounds)
        log_weights, natural = np.split(values, 2)
        weights = np.exp(log_weights)
        return Sites(natural / weights, weights, self.sites[0].power)
