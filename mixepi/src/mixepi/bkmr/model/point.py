"""A point of the parameter space."""

from dataclasses import dataclass

import numpy as np

from mixepi.arrays import BoolArray, FloatArray

# exp(709.78) overflows: a walk that strays there meets a prior of zero, not a warning.
LARGEST_LOG = 700.0


@dataclass(frozen=True)
class Point:
    """r, u = log lambda and lambda_2, the random intercept's variance over sigma2.

    An exposure is in the model when its r is positive.
    """

    r: FloatArray
    u: float
    cluster_variance: float = 0.0

    @property
    def lambda_(self) -> float:
        return float(np.exp(self.u))

    @property
    def subset(self) -> bytes:
        """Which exposures are in: a key for what is learned of each set."""
        return (self.r > 0).tobytes()

    @property
    def coordinates(self) -> FloatArray:
        """theta = (log r of the included exposures, log lambda)."""
        return np.append(np.log(self.r[self.r > 0]), self.u)


def from_coordinates(theta: FloatArray, active: BoolArray) -> tuple[FloatArray, float]:
    """(r, log lambda) of theta, where `active`, shape (M,), says which exposures are in."""
    r = np.zeros(len(active))
    r[active] = np.exp(np.minimum(theta[:-1], LARGEST_LOG))
    return r, float(theta[-1])
