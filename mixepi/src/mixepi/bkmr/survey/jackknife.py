"""Design-based variances from the draws: the Bayesian infinitesimal jackknife.

The derivative of a posterior mean with respect to the weight of a row is the posterior covariance of the
quantity with the row's log likelihood (Giordano and Broderick 2023, arXiv:2305.06466). Times the weights it
is a linearised score, whose totals over PSUs give a Taylor variance as of any other estimator; no refit is
needed. The same scores, totalled over random groups of rows, tell the variance under independent sampling.

Given a draw of (r, lambda, sigma2) the response is normal, and covariances are computed, not sampled: for a
gaussian outcome with fitted value f_i, Cov(theta, log p(y_i)) = (y_i - E f_i) Cov(theta, f_i) / sigma2, to
which the covariance over the draws of the two conditional means is added. For the probit the kept linear
predictors tell each row's log likelihood, and the covariance over the draws is all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy import special
from scipy.sparse import csr_array

from mixepi.arrays import FloatArray, IntArray
from mixepi.bkmr.likelihood.contrasts import Contrasts
from mixepi.bkmr.likelihood.solver import Solver
from mixepi.bkmr.model.model import Model
from mixepi.bkmr.sampler.draws import Draws
from mixepi.fan_out import fan_out
from mixepi.random_streams import random_stream
from mixepi.survey.design import SamplingUnits, SurveyDesign, sampling_units

# Random groups of rows for the variance under independent sampling, whose own relative standard error is then
# sqrt(2 / 200) = 10 %; under a design of 15 degrees of freedom that of the other variance is 37 %.
GROUPS = 200
# Draws whose sums are made at once: a sum must not depend on the number of workers.
BATCH = 25


@dataclass(frozen=True, kw_only=True)
class DesignVariance:
    """Variances of c posterior means over samples, each of shape (c,).

    Attributes
    ----------
    clustered : of samples of the design.
    independent : of samples of as many rows, with these weights, drawn one by one.
    """

    clustered: FloatArray
    independent: FloatArray

    @property
    def design_effect(self) -> FloatArray:
        """What clusters and strata multiply the variance by; 1 where nothing varies."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = self.clustered / self.independent
        return np.where(self.independent > 0, ratio, 1.0)


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What the scores of m rows are added up to: S PSUs, then G random groups.

    Attributes
    ----------
    units : SamplingUnits
    weights : ndarray, shape (m,)
        Powers of the rows' likelihoods.
    columns : csr_array, shape (S + G, m)
        1 where a row belongs to a PSU or a group.
    """

    units: SamplingUnits
    weights: FloatArray
    columns: csr_array

    @classmethod
    def of(cls, model: Model, design: SurveyDesign, seed: int) -> "Totals":
        """The totals of one fit."""
        units = sampling_units(design)
        unit: IntArray = units.of_row[np.flatnonzero(design.domain)]
        m, psus = len(unit), units.strata.size
        groups = min(GROUPS, m)
        group = random_stream(seed, "bkmr", "jackknife").permutation(m) % groups
        rows = np.concatenate([unit, psus + group])
        places = (rows, np.tile(np.arange(m), 2))
        columns = csr_array((np.ones(2 * m), places), shape=(psus + groups, m))
        weights = np.ones(m) if model.weights is None else model.weights
        return cls(units=units, weights=weights, columns=columns)

    def variances(self, scores: FloatArray) -> DesignVariance:
        """Variances from the totals of the weighted scores, shape (S + G, c)."""
        # The weights' sum is fixed, whoever is sampled: only their shares vary.
        shares = self.columns @ self.weights / self.weights.sum()
        psus = self.units.strata.size
        scores = scores - shares[:, None] * scores[:psus].sum(axis=0)
        clustered = np.zeros(scores.shape[1])
        for members in self.units.by_stratum():
            clustered += _between(scores[members])
        return DesignVariance(clustered=clustered, independent=_between(scores[psus:]))


def _between(totals: FloatArray) -> FloatArray:
    m = len(totals)
    return np.asarray(m / (m - 1) * np.sum((totals - totals.mean(axis=0)) ** 2, axis=0))


@dataclass(frozen=True, kw_only=True)
class Jackknife:
    """The infinitesimal jackknife of one fit.

    Attributes
    ----------
    model, solver, draws : of the fit.
    totals : Totals
    kept : sequence of (chain, draw)
        The draws to use.
    """

    model: Model
    solver: Solver
    draws: Draws
    totals: Totals
    kept: Sequence[tuple[int, int]]

    @classmethod
    def of(
        cls,
        draws: Draws,
        model: Model,
        design: SurveyDesign,
        seed: int,
        solver: Solver,
        kept: Sequence[tuple[int, int]],
    ) -> Self:
        """That of a fit under `design`."""
        totals = Totals.of(model, design, seed)
        return cls(model=model, solver=solver, draws=draws, totals=totals, kept=kept)

    def variances(
        self, contrasts: Sequence[Contrasts | None], means: Sequence[FloatArray], workers: int | None = 1
    ) -> list[DesignVariance]:
        """Variances of the posterior means of each group of quantities.

        Parameters
        ----------
        contrasts : sequence of Contrasts
            What the quantities are; None for functions of the draw, which given it are constant.
        means : sequence of ndarray, shape (draws, c)
            Conditional mean of each quantity in each draw used.
        workers : int, optional
            Threads.
        """
        batches = [range(k, min(k + BATCH, len(self.kept))) for k in range(0, len(self.kept), BATCH)]

        def one_batch(batch: range) -> tuple[FloatArray, list[FloatArray]]:
            expected = []
            within = [np.zeros((self.totals.columns.shape[0], mean.shape[1])) for mean in means]
            for k in batch:
                log_likelihood, added = self._of_draw(*self.kept[k], contrasts)
                expected.append(self.totals.columns @ (self.totals.weights * log_likelihood))
                for total, one in zip(within, added, strict=True):
                    if one is not None:
                        total += one
            return np.array(expected), within

        found = fan_out(one_batch, batches, workers=workers, backend="threads")
        expected = np.concatenate([batch[0] for batch in found])
        expected -= expected.mean(axis=0)
        count = len(self.kept)
        variances = []
        for k, mean in enumerate(means):
            within = np.sum([batch[1][k] for batch in found], axis=0) / count
            between = expected.T @ (mean - mean.mean(axis=0)) / max(count - 1, 1)
            variances.append(self.totals.variances(within + between))
        return variances

    def _of_draw(
        self, chain: int, draw: int, contrasts: Sequence[Contrasts | None]
    ) -> tuple[FloatArray, list[FloatArray | None]]:
        """Expected log likelihood of each row, and weighted totals of conditional covariances with it."""
        model, draws = self.model, self.draws
        if model.family == "binomial":
            return self._binary(chain, draw), [None] * len(contrasts)
        sigma2, lambda_ = float(draws.sigma2[chain, draw]), float(draws.lambda_[chain, draw])
        data = model.projected()
        # A solver of its own: threads share none.
        posterior = replace(self.solver).posterior(model, draws.r[chain, draw], lambda_, data)
        fitted, variance = posterior.fitted(data)
        residual = model.y - fitted
        log_likelihood = -0.5 * (np.log(sigma2) + residual**2 / sigma2 + variance)
        sums = csr_array(self.totals.columns.multiply((self.totals.weights * residual)[None, :]))
        return log_likelihood, [
            None if contrast is None else posterior.covariance_with(sums, data, model.z, contrast)
            for contrast in contrasts
        ]

    def _binary(self, chain: int, draw: int) -> FloatArray:
        model = self.model
        signs = 2.0 * model.y - 1.0
        return np.asarray(special.log_ndtr(signs * self.draws.latent[chain, draw]))
