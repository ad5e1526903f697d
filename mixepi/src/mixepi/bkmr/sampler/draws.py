"""The kept draws: of one chain while it runs, and of all chains in a result."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from mixepi.arrays import FloatArray, IntArray
from mixepi.bkmr.model.model import Model


@dataclass(frozen=True)
class Draws:
    """T kept draws of one chain; of several chains when every array has a first axis for them.

    Attributes
    ----------
    r : ndarray, shape (T, M)
        Kernel parameters; zero when the exposure is out.
    lambda_, sigma2, cluster_variance, log_likelihood : ndarray, shape (T,)
    beta : ndarray, shape (T, p)
        Covariates' coefficients, the flat intercept first when there is one.
    response : ndarray, shape (T, monitors)
        h, with the flat intercept, at fixed points.
    latent : ndarray, shape (T, n) or (T, 0)
        Latent outcomes of the probit.
    rank : ndarray of int, shape (T,)
        Rank of the kernel's factor, n when dense.
    approximate : ndarray, shape (T,)
        1 where fitc stood in because the rank was too high for n.
    """

    r: FloatArray
    lambda_: FloatArray
    sigma2: FloatArray
    cluster_variance: FloatArray
    log_likelihood: FloatArray
    beta: FloatArray
    response: FloatArray
    latent: FloatArray
    rank: IntArray
    approximate: FloatArray

    @classmethod
    def empty(cls, model: Model, count: int, monitors: int) -> "Draws":
        """Room for `count` draws of one chain."""
        latent = model.n if model.family == "binomial" and model.use_likelihood else 0
        return cls(
            r=np.zeros((count, model.z.shape[1])),
            lambda_=np.zeros(count),
            sigma2=np.zeros(count),
            cluster_variance=np.zeros(count),
            log_likelihood=np.zeros(count),
            beta=np.zeros((count, model.X.shape[1])),
            response=np.zeros((count, monitors)),
            latent=np.zeros((count, latent)),
            rank=np.zeros(count, dtype=np.int64),
            approximate=np.zeros(count),
        )

    def resized(self, count: int) -> "Draws":
        """The first `count` draws of one chain, or all of them and room for more."""
        sized = {}
        for name, array in self.arrays().items():
            sized[name] = np.zeros((count, *array.shape[1:]), dtype=array.dtype)
            kept = min(count, len(array))
            sized[name][:kept] = array[:kept]
        return Draws(**sized)

    def arrays(self) -> dict[str, Any]:
        """The arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(Draws)}


def stack(chains: Sequence[Draws]) -> dict[str, Any]:
    """The arrays of all chains by name, with a first axis for the chain."""
    return {name: np.stack([chain.arrays()[name] for chain in chains]) for name in chains[0].arrays()}
