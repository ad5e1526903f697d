"""Linear combinations of the response surface and of coefficients, as the posteriors take them."""

from collections.abc import Callable
from dataclasses import dataclass

from mixepi.arrays import FloatArray


@dataclass(frozen=True, kw_only=True)
class Contrasts:
    """C h(points) + covariates b.

    Attributes
    ----------
    points : ndarray, shape (q, M)
        On the model's scale.
    combine : callable
        C times an array of q rows.
    covariates : ndarray, shape (c, p)
        Those of the flat intercept included.
    """

    points: FloatArray
    combine: Callable[[FloatArray], FloatArray]
    covariates: FloatArray
