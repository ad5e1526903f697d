"""The cheap stage: a capped low-rank likelihood that most proposals are decided on.

For the gaussian family it is the same likelihood with a looser tolerance and a cap on the rank;
for the probit the likelihood is replaced by a gaussian with fixed weights and pseudo-outcomes.
What it gets wrong is corrected by the exact stage (delayed acceptance, Christen and Fox 2005).
"""

import math
from collections import OrderedDict
from dataclasses import dataclass, field, replace

import numpy as np

from mixepi.arrays import FloatArray
from mixepi.bkmr.likelihood import low_rank
from mixepi.bkmr.likelihood.lambda_conditional import LambdaGrid, LambdaProposal
from mixepi.bkmr.likelihood.over_lambda import LambdaLikelihood, lambda_likelihood
from mixepi.bkmr.likelihood.solver import naming
from mixepi.bkmr.model.point import LARGEST_LOG
from mixepi.bkmr.model.projected_data import NoiseModel, ProjectedData

# Factors kept: a walk on lambda or lambda_2, or a refused proposal, comes back to the latest few r.
MEMORY = 8
# Log density 0 whatever lambda and lambda_2: what is left is the prior.
NO_LIKELIHOOD = LambdaLikelihood(
    diagonal=np.empty(0),
    off_diagonal=np.empty(0),
    strength=0.0,
    total=0.0,
    dimensions=0,
    degrees=0.0,
    observations=0.0,
    log_det_xx=0.0,
    noise=NoiseModel(None),
    trace=0.0,
    leftover=0.0,
)


@dataclass(frozen=True)
class Local:
    """The surrogate at one r: log density for every lambda, and lambda's conditional."""

    likelihood: LambdaLikelihood
    proposal: LambdaProposal
    rank: int

    def log_likelihood(self, u: float) -> float:
        """Surrogate log density at u = log lambda."""
        return self.likelihood.at(math.exp(min(u, LARGEST_LOG)))


@dataclass(kw_only=True)
class Surrogate:
    """Surrogate likelihood over (r, lambda, lambda_2), with a small memory of recent factors.

    Attributes
    ----------
    zt : ndarray, shape (M, n)
        Exposures, one a row.
    data : ProjectedData
        The outcome, or the probit's pseudo-outcomes.
    grid : LambdaGrid
    max_rank : int
        Cap on the rank.
    trace : float
        Below the cap a factor is complete when trace(E) is no larger.
    flat_intercept : bool
        Whether X starts with a column of ones.
    use_likelihood : bool
        False: log density 0 everywhere.
    """

    zt: FloatArray
    data: ProjectedData
    grid: LambdaGrid
    max_rank: int
    trace: float
    flat_intercept: bool
    use_likelihood: bool = True
    _factors: OrderedDict[bytes, low_rank.Factor] = field(default_factory=OrderedDict)
    _data: tuple[float, ProjectedData] | None = None

    def _projected(self, cluster_variance: float) -> ProjectedData:
        if cluster_variance == self.data.cluster_variance:
            return self.data
        if self._data is None or self._data[0] != cluster_variance:
            self._data = (cluster_variance, replace(self.data, cluster_variance=cluster_variance))
        return self._data[1]

    def factor(self, r: FloatArray) -> low_rank.Factor:
        """The capped factor of the kernel at r."""
        key = r.tobytes()
        known = self._factors.get(key)
        if known is None:
            known = low_rank.factorise(self.zt, r, max_rank=self.max_rank, trace=self.trace)
            self._factors[key] = known
            if len(self._factors) > MEMORY:
                self._factors.popitem(last=False)
        return known

    def likelihood(self, r: FloatArray, cluster_variance: float) -> tuple[LambdaLikelihood, int]:
        """The surrogate's log density as a function of lambda, and the rank used."""
        data = self._projected(cluster_variance)
        if not self.use_likelihood:
            return NO_LIKELIHOOD, 0
        if self.flat_intercept and not np.any(r > 0):
            # K is all ones and the flat intercept absorbs it: the linear model, whatever lambda.
            plain = lambda_likelihood(
                np.empty((0, 0)),
                np.empty(0),
                total=data.total,
                dimensions=data.dimensions,
                degrees=data.degrees,
                observations=data.size,
                log_det_xx=data.log_det_xx,
                noise=data.noise,
                trace=0.0,
                leftover=0.0,
            )
            return plain, 0
        factor = self.factor(r)
        return low_rank.likelihood(factor, data), factor.rank

    def at(self, r: FloatArray, cluster_variance: float) -> Local:
        """Everything the moves need at one r."""
        with naming(r, cluster_variance=cluster_variance):
            likelihood, rank = self.likelihood(r, cluster_variance)
        log_density = likelihood.log_likelihood(self.grid.lambdas) + self.grid.log_prior
        proposal = LambdaProposal.from_log_density(self.grid.nodes, log_density)
        return Local(likelihood, proposal, rank)
