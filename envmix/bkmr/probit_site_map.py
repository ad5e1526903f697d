"""Sites that follow the parameters, for sets of exposures whose kernel is rough.

Sites matched under an average kernel serve every kernel of low rank. Where h can bend at every person they
fit some parameters and miss others: at a large lambda the estimate is then low, and now and then far too
high. Within one set of exposures matched sites are smooth in theta = (log r, log lambda), so that a few of
them, matched in warm-up, give those in between. The sites of a point depend on the point alone: whatever
they are, the estimate stays unbiased.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from envmix.arrays import FloatArray
from envmix.bkmr.probit_sites import Sites

MOST_STATES = 48
LENGTH = 2.0
NUGGET = 0.01


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
        """The map with more states; the latest `MOST_STATES` are kept."""
        return SiteMap(
            np.concatenate([self.theta, theta])[-MOST_STATES:], (*self.sites, *sites)[-MOST_STATES:]
        )

    @cached_property
    def _root(self) -> FloatArray:
        """Root of the states' covariance, with something of the first steps where they are few."""
        d = self.theta.shape[1]
        covariance = np.cov(self.theta.T).reshape(d, d) if len(self.theta) > 1 else np.zeros((d, d))
        return np.asarray(np.linalg.cholesky(covariance + 0.01 * np.eye(d)))

    @cached_property
    def _interpolation(self) -> tuple[FloatArray, FloatArray]:
        """Average of log weights and weights x pseudo-outcomes, shape (2 n,); what a state adds to it."""
        values = np.array([np.append(np.log(s.weights), s.weights * s.pseudo) for s in self.sites])
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
        log_weights, natural = np.split(average + (self._correlation(theta[None]) @ added)[0], 2)
        weights = np.exp(log_weights)
        return Sites(natural / weights, weights)
