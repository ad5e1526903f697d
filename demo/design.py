"""Strata, PSUs and weights: 39 strata and 79 PSUs over both releases, weights that add up to the nation."""

import numpy as np

from demo.draws import BoolArray, FloatArray, rounded
from demo.population import AGE_BANDS, RACES, Population
from demo.release import FIRST, SECOND

# (first stratum, last stratum, the one with three PSUs)
STRATA = {FIRST: (104, 118, None), SECOND: (149, 172, 156)}
# What the weights add up to: the civilian population, in people.
NATION = {FIRST: 311.2e6, SECOND: 322.3e6}
METAL_NATION = 307.5e6  # WTSH2YR: ages 1 and over
# How many people one participant stands for, relative to others: by RACES and by age band.
WEIGHT_BY_RACE = np.array([1.0, 1.0, 2.4, 0.75, 0.7, 1.0])
WEIGHT_BY_AGE = np.array([0.3, 0.5, 0.55, 0.6, 0.75, 0.75, 1.35, 1.35, 1.3, 1.35, 1.05, 1.0, 0.8])
WEIGHT_SPREAD = 0.4  # SD of the log of what remains


def draw_design(rng: np.random.Generator, population: Population) -> tuple[FloatArray, FloatArray]:
    """Deal people to strata and PSUs that differ in size and in race/ethnicity.

    Returns
    -------
    tuple of numpy.ndarray
        Stratum and PSU, one entry per person.
    """
    first, last, triple = STRATA[population.release.cycle]
    units = np.array(
        [
            (stratum, unit)
            for stratum in range(first, last + 1)
            for unit in range(1, 4 if stratum == triple else 3)
        ],
        dtype=np.float64,
    )
    size = rng.uniform(0.85, 1.15, len(units))
    mix = size * np.exp(0.35 * rng.normal(size=(len(RACES), len(units))))
    bounds = np.cumsum(mix / mix.sum(axis=1, keepdims=True), axis=1)
    race = np.searchsorted(RACES, population.race)
    place = rng.random(population.size)
    unit = np.empty(population.size, dtype=np.int64)
    for index in range(len(RACES)):
        unit[race == index] = np.searchsorted(bounds[index, :-1], place[race == index])
    unit[: len(units)] = np.arange(len(units))  # no PSU is empty
    return units[unit, 0], units[unit, 1]


def draw_weights(rng: np.random.Generator, population: Population) -> tuple[FloatArray, FloatArray]:
    """Draw interview and examination weights; each adds up to the nation.

    Returns
    -------
    tuple of numpy.ndarray
        Interview and examination weight; the latter is 0 for people who were interviewed only.
    """
    race = WEIGHT_BY_RACE[np.searchsorted(RACES, population.race)]
    age = WEIGHT_BY_AGE[np.digitize(population.age, AGE_BANDS[1:])]
    raw = race * age * np.exp(WEIGHT_SPREAD * np.clip(rng.normal(size=population.size), -1.8, 2.2))
    nation = NATION[population.release.cycle]
    adjusted = raw * population.examined * np.exp(0.02 * rng.normal(size=population.size))
    return rounded(nation * raw / raw.sum(), 6), rounded(nation * adjusted / adjusted.sum(), 6)


def draw_metal_subsample(
    rng: np.random.Generator, population: Population, mec_weight: FloatArray
) -> tuple[BoolArray, FloatArray]:
    """Choose who gets blood metals in 2013-14: all children and one half of those aged 12 and over.

    Returns
    -------
    tuple of numpy.ndarray
        Who is in the file, and their weight WTSH2YR: 0 for those of 12 and over without a specimen.
    """
    old = population.age >= 12
    chosen = population.examined & (population.age >= 1) & (~old | (rng.random(population.size) < 0.505))
    no_specimen = old & (rng.random(population.size) < np.where(population.age < 20, 0.09, 0.04))
    raw = np.where(old, 1.95, 1.0) * mec_weight * np.exp(0.05 * rng.normal(size=population.size))
    weight = np.where(chosen & ~no_specimen, raw, 0.0)
    return chosen, rounded(METAL_NATION * weight / weight.sum(), 6)
