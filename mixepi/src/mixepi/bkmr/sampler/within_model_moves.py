"""Joint moves of (log r, log lambda) within one set of exposures, against the exact likelihood.

Used for sets whose kernel is too rough for the capped surrogate. Both moves keep the set, and are
applied depending on the set only, so each leaves the posterior invariant on its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mixepi.arrays import BoolArray, FloatArray
from mixepi.bkmr.sampler.emulator import Emulator, coordinates, fit_emulator

EMULATOR_STEPS = 250
EXPLORING_POWER = 0.5
USEFUL_ERROR = 3.0
FIRST_STEP = 0.3
LENGTHS = 0.7


@dataclass(frozen=True)
class Block:
    """Shape of the posterior of theta = (log r, log lambda) for one set, learned in warm-up.

    Attributes
    ----------
    active : ndarray of bool, shape (M,)
    centre, covariance : ndarray, shapes (d,), (d, d)
    emulator : Emulator or None
    """

    active: BoolArray
    centre: FloatArray
    covariance: FloatArray
    emulator: Emulator | None

    @property
    def root(self) -> FloatArray:
        return np.asarray(np.linalg.cholesky(self.covariance), dtype=float)


def walk(block: Block, theta: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Random walk with the learned covariance and a length of its own; symmetric in theta, log q-ratio 0.

    Long steps climb while the chain is far from where it belongs, short ones are accepted when it is there.
    """
    d = len(theta)
    size = 2.0 / np.sqrt(d) * np.exp(LENGTHS * rng.standard_normal())
    return np.asarray(theta + size * (block.root @ rng.standard_normal(d)))


def emulated_walk(
    emulator: Emulator,
    x: FloatArray,
    log_prior: Callable[[FloatArray, float], float],
    rng: np.random.Generator,
    power: float = 1.0,
    steps: int = EMULATOR_STEPS,
) -> FloatArray:
    """A random-walk Metropolis chain of `steps` on emulator^power x prior, in standardised theta.

    Reversible with respect to emulator^power x prior, so the endpoint y is accepted with probability
    min(1, [exact(y) / emulator(y)^power] / [exact(x) / emulator(x)^power]), where exact is the likelihood:
    the prior is in both and cancels.
    """
    scale = 2.0 / np.sqrt(len(x) * power)
    density = power * emulator.log_likelihood(x) + log_prior(*emulator.restore(x))
    normals = rng.standard_normal((steps, len(x)))
    thresholds = np.log(rng.random(steps))
    for step, threshold in zip(normals, thresholds, strict=True):
        y = x + scale * step
        new = power * emulator.log_likelihood(y) + log_prior(*emulator.restore(y))
        if threshold < new - density:
            x, density = y, new
    return x


def initial_block(r: FloatArray) -> Block:
    """Before anything is known: independent steps on every log."""
    d = int(np.count_nonzero(r > 0)) + 1
    return Block(r > 0, np.zeros(d), FIRST_STEP**2 * np.eye(d), None)


def learn_block(
    block: Block,
    r: FloatArray,
    u: FloatArray,
    evaluated: list[tuple[FloatArray, float, float, float]],
) -> Block:
    """Update a block from warm-up.

    Parameters
    ----------
    block : Block
    r, u : ndarray, shapes (T, M), (T,)
        Recent states of the chain.
    evaluated : list of (r, log lambda, exact log-likelihood, standard deviation of its error)
    """
    same = np.all((r > 0) == block.active, axis=1)
    theta = np.array([coordinates(a, b) for a, b in zip(r[same], u[same], strict=True)])
    if len(theta) < 20:
        return block
    # Shrink the covariance to the one in use: early draws are few and correlated.
    weight = len(theta) / (len(theta) + 20.0)
    covariance = weight * np.cov(theta.T) + (1 - weight) * block.covariance
    centre = theta.mean(axis=0)
    useful = [e for e in evaluated if np.array_equal(e[0] > 0, block.active)]
    if not useful:
        return replace(block, centre=centre, covariance=covariance)
    points = np.array([coordinates(a, b) for a, b, _, _ in useful])
    values, noise = np.array([e[2:] for e in useful]).T
    emulator = fit_emulator(block.active, points, values, centre, covariance, noise)
    if emulator is not None and emulator.residual_sd > USEFUL_ERROR:
        emulator = None
    return Block(block.active, centre, covariance, emulator)
