"""Whether the chains have visited the modes that the search found."""

from collections.abc import Sequence

import numpy as np

from mixepi.arrays import BoolArray, FloatArray
from mixepi.bkmr.model.model import Model
from mixepi.bkmr.model.point import Point
from mixepi.bkmr.model.projected_data import LOG_2PI
from mixepi.bkmr.sampler.draws import Draws
from mixepi.bkmr.sampler.modes import Mode, log_normal, scores

# Of the posterior: less moves no estimate by more than chance does at the usual length, and so much is
# visited some 80 times in 4,000 draws.
NOTICEABLE = 0.02
# Squared Mahalanobis distance within which a draw is at a mode: beyond it lies less than 1e-3 of a normal
# distribution in up to seven dimensions.
AT_A_MODE = 25.0
# Draws of one set below which its share of the posterior is not judged by them.
MIN_DRAWS = 20


def faults_of_modes(model: Model, modes: Sequence[Mode], draws: Draws, names: Sequence[str]) -> list[str]:
    """What the chains have missed, in words; empty where they have missed nothing.

    Parameters
    ----------
    model : Model
    modes : sequence of Mode
    draws : Draws
        Of all chains: every array with a first axis for the chain.
    names : sequence of str
        Of the exposures.
    """
    if not modes:
        return []
    chains, kept = draws.lambda_.shape
    points = [
        Point(draws.r[c, t], float(np.log(draws.lambda_[c, t]))) for c in range(chains) for t in range(kept)
    ]
    x = [scores(model, point) for point in points]
    active = draws.r.reshape(chains * kept, -1) > 0
    at = np.array([_at(mode, x, active) for mode in modes]).reshape(len(modes), chains, kept)
    faults = []
    shares = np.exp([mode.log_mass - _log_evidence(model, draws, x, active) for mode in modes])
    shares[at.any(axis=(1, 2))] = 0.0
    missed = float(min(shares.sum(), 1.0))
    if missed > NOTICEABLE:
        place = _place(modes[int(np.argmax(shares))], names)
        faults.append(f"no chain visited {place}, where about {100 * missed:.0f} % of the posterior lies")
    always = at.all(axis=2)
    for k, c in zip(*np.nonzero(always), strict=True):
        others = np.delete(at[k], c, axis=0)
        if chains > 1 and others.mean(axis=1).min() < 0.5:
            faults.append(f"chain {c + 1} never left {_place(modes[k], names)}")
    return faults


def _at(mode: Mode, x: list[FloatArray], active: BoolArray) -> BoolArray:
    """Which draws are at a mode."""
    found = np.zeros(len(x), dtype=bool)
    same = np.flatnonzero((active == mode.active).all(axis=1))
    if len(same):
        steps = np.linalg.solve(mode.root, (np.array([x[k] for k in same]) - mode.centre).T)
        found[same] = np.sum(steps**2, axis=0) < AT_A_MODE
    return found


def _log_evidence(model: Model, draws: Draws, x: list[FloatArray], active: BoolArray) -> float:
    """Log of the integral of likelihood x prior, judged by the draws of the set that most of them have.

    The mean of log (likelihood x prior) less log density, the draws of that set taken as normal with their
    own moments; less the log of the set's share of all draws.
    """
    sets, which, counts = np.unique(active, axis=0, return_inverse=True, return_counts=True)
    k = int(np.argmax(counts))
    mine = np.flatnonzero(which.ravel() == k)
    if len(mine) < MIN_DRAWS:
        return np.inf
    z = np.array([x[i] for i in mine])
    prior = np.array([log_normal(row) for row in z]) + model.log_prior_set(sets[k])
    covariance = np.atleast_2d(np.cov(z.T)) + 1e-6 * np.eye(z.shape[1])
    steps = np.linalg.solve(np.linalg.cholesky(covariance), (z - z.mean(axis=0)).T)
    log_determinant = float(np.linalg.slogdet(covariance)[1])
    density = -0.5 * (np.sum(steps**2, axis=0) + log_determinant + z.shape[1] * LOG_2PI)
    joint = draws.log_likelihood.ravel()[mine] + prior
    return float(np.mean(joint - density)) - float(np.log(counts[k] / len(x)))


def _place(mode: Mode, names: Sequence[str]) -> str:
    """A mode in words: "r of z0 8.4, z1 9.9"."""
    parts = [f"{name} {r:.2g}" for name, r in zip(names, mode.r.tolist(), strict=True) if r > 0]
    return "r of " + ", ".join(parts) if parts else "the model without exposures"
