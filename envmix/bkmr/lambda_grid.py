"""Draw lambda from (nearly) its conditional given r, with the exact density of the draw.

The conditional of u = log lambda is evaluated on a grid and interpolated linearly. Because the
density of the draw is known exactly, a Metropolis-Hastings step that uses it is exact, however
coarse the grid; a fine grid only makes the step nearly always accepted, as if lambda had been
integrated out.
"""

from dataclasses import dataclass

import numpy as np

from envmix.bkmr.arrays import Array
from envmix.bkmr.priors import PositivePrior

POINTS = 64
TAIL = 1e-6


@dataclass(frozen=True)
class LambdaGrid:
    """Grid over log lambda, and the log prior density of log lambda on it."""

    nodes: Array
    lambdas: Array
    log_prior: Array

    @classmethod
    def for_prior(cls, prior: PositivePrior, points: int = POINTS) -> "LambdaGrid":
        """A grid that holds all but about 1e-6 of the prior at each end."""
        low, high = prior.quantile(np.array([TAIL, 1 - TAIL]))
        nodes = np.linspace(np.log(max(float(low), 1e-8)), np.log(float(high)), points)
        lambdas = np.exp(nodes)
        return cls(nodes, lambdas, prior.log_density(lambdas) + nodes)


@dataclass(frozen=True)
class LambdaProposal:
    """A piecewise linear density of u = log lambda."""

    nodes: Array
    heights: Array
    cumulative: Array

    @classmethod
    def from_log_density(cls, nodes: Array, log_density: Array) -> "LambdaProposal":
        """Interpolate exp(log_density), known up to a constant at `nodes` (equally spaced)."""
        heights = np.exp(log_density - np.max(log_density))
        step = nodes[1] - nodes[0]
        cumulative = np.concatenate([[0.0], np.cumsum(0.5 * step * (heights[1:] + heights[:-1]))])
        return cls(nodes, heights / cumulative[-1], cumulative / cumulative[-1])

    def draw(self, rng: np.random.Generator) -> float:
        """One draw of log lambda."""
        p = rng.random()
        j = min(int(np.searchsorted(self.cumulative, p, side="right")) - 1, len(self.nodes) - 2)
        step = self.nodes[1] - self.nodes[0]
        left, right = self.heights[j], self.heights[j + 1]
        rest = p - self.cumulative[j]
        slope = (right - left) / step
        # Solve left * t + slope * t^2 / 2 = rest, in the form that is stable for a small slope.
        root = np.sqrt(max(left * left + 2 * slope * rest, 0.0))
        t = 2 * rest / (left + root) if left + root > 0 else 0.0
        return float(self.nodes[j] + min(max(t, 0.0), step))

    def log_density(self, u: float) -> float:
        """Log density of a draw at `u`; minus infinity outside the grid."""
        step = self.nodes[1] - self.nodes[0]
        position = (u - self.nodes[0]) / step
        if not 0 <= position <= len(self.nodes) - 1:
            return -np.inf
        j = min(int(position), len(self.nodes) - 2)
        t = position - j
        height = (1 - t) * self.heights[j] + t * self.heights[j + 1]
        return float(np.log(height)) if height > 0 else -np.inf
