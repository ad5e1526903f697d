"""Joint moves of (log r, log lambda) within one set of exposures, against the exact likelihood.

Used for sets whose kernel is of too high a rank for the capped surrogate. Both moves keep the set, and are
applied depending on the set only, so each leaves the posterior invariant on its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mixepi.arrays import BoolArray, FloatArray
from mixepi.bkmr.model.point import Point
from mixepi.bkmr.sampler.emulator import Emulator, fit_emulator

# What was tried, "Gaussian-process emulator": the end of a walk of this many steps is far from its start.
EMULATOR_STEPS = 250
# What was tried, "in warm-up, and only there, every second emulated walk" and "to the power 0.4".
EXPLORING_POWER = 0.5
# Standard deviation of its error at which an emulator's walks are nearly never accepted (log units).
USEFUL_ERROR = 3.0
# What was tried, "first steps of the block walk" and "0.3, lengths lognormal (sd 0.7)".
FIRST_STEP = 0.3
LENGTHS = 0.7
# Step of a random walk on d standardised coordinates times sqrt(d): 2.4 is the best for a gaussian (Gelman,
# Roberts and Gilks 1996), a little less where the shape is learned.
WALK_LENGTH = 2.0
# States below which a covariance is not learned, and as many as the covariance in use counts for: early
# states are few and correlated.
MIN_STATES = 20


@dataclass(frozen=True)
class Evaluated:
    """An exact evaluation: where, its value, and the standard deviation of the value's error."""

    point: Point
    log_likelihood: float
    noise: float


@dataclass(frozen=True, kw_only=True)
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
    size = WALK_LENGTH / np.sqrt(d) * np.exp(LENGTHS * rng.standard_normal())
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
    scale = WALK_LENGTH / np.sqrt(len(x) * power)
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
    return Block(active=r > 0, centre=np.zeros(d), covariance=FIRST_STEP**2 * np.eye(d), emulator=None)


def learn_block(block: Block, points: list[Point], evaluated: list[Evaluated]) -> Block:
    """Update a block from warm-up.

    Parameters
    ----------
    block : Block
    points : list of Point
        Recent states of the chain with the block's exposures in.
    evaluated : list of Evaluated
        Wherever the exact likelihood was evaluated of late, other sets included.
    """
    if len(points) < MIN_STATES:
        return block
    theta = np.array([point.coordinates for point in points])
    weight = len(theta) / (len(theta) + MIN_STATES)
    covariance = weight * np.cov(theta.T) + (1 - weight) * block.covariance
    centre = theta.mean(axis=0)
    block = replace(block, centre=centre, covariance=covariance)
    useful = [e for e in evaluated if e.point.subset == block.active.tobytes()]
    if not useful:
        return block
    emulator = fit_emulator(
        active=block.active,
        theta=np.array([e.point.coordinates for e in useful]),
        values=np.array([e.log_likelihood for e in useful]),
        centre=centre,
        covariance=covariance,
        noise=np.array([e.noise for e in useful]),
    )
    if emulator is not None and emulator.residual_sd > USEFUL_ERROR:
        emulator = None
    return replace(block, emulator=emulator)
