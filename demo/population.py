"""The people of one release: age, sex, race/ethnicity, schooling, income, design and weights."""

from dataclasses import dataclass

import numpy as np

from demo.draws import BoolArray, FloatArray, one_of, only, with_unknown, yes
from demo.release import FIRST, SECOND, Release

RACES = (1.0, 2.0, 3.0, 4.0, 6.0, 7.0)  # RIDRETH3
BLACK, ASIAN = 4, 6

# First year of each age band, and after the last the end of age.
AGE_BANDS = np.array([0, 1, 3, 6, 12, 16, 20, 30, 40, 50, 60, 70, 80, 81])
AGES = {
    FIRST: [0.040, 0.053, 0.065, 0.135, 0.072, 0.068, 0.094, 0.098, 0.102, 0.092, 0.092, 0.054, 0.035],
    SECOND: [0.037, 0.054, 0.060, 0.128, 0.067, 0.062, 0.089, 0.091, 0.093, 0.101, 0.112, 0.064, 0.044],
}
# Rows: from ages 0, 6, 12, 20, 40, 50, 60, 70, 80; columns as RACES.
RACE_BANDS = np.array([6, 12, 20, 40, 50, 60, 70, 80])
RACE_BY_AGE = {
    FIRST: [
        [0.21, 0.11, 0.29, 0.23, 0.085, 0.075],
        [0.21, 0.10, 0.265, 0.27, 0.085, 0.07],
        [0.235, 0.10, 0.255, 0.245, 0.11, 0.055],
        [0.14, 0.09, 0.40, 0.20, 0.12, 0.05],
        [0.16, 0.10, 0.375, 0.185, 0.145, 0.035],
        [0.125, 0.085, 0.425, 0.215, 0.125, 0.025],
        [0.155, 0.11, 0.36, 0.255, 0.11, 0.01],
        [0.095, 0.065, 0.53, 0.20, 0.09, 0.02],
        [0.04, 0.035, 0.75, 0.115, 0.045, 0.015],
    ],
    SECOND: [
        [0.135, 0.105, 0.36, 0.25, 0.06, 0.09],
        [0.155, 0.09, 0.295, 0.275, 0.085, 0.10],
        [0.155, 0.085, 0.315, 0.25, 0.105, 0.09],
        [0.145, 0.11, 0.29, 0.265, 0.13, 0.06],
        [0.135, 0.085, 0.30, 0.27, 0.155, 0.055],
        [0.115, 0.11, 0.305, 0.27, 0.155, 0.045],
        [0.11, 0.125, 0.29, 0.34, 0.095, 0.04],
        [0.065, 0.09, 0.50, 0.22, 0.085, 0.04],
        [0.04, 0.045, 0.715, 0.13, 0.045, 0.025],
    ],
}
# DMDEDUC2 1 to 5 by RACES.
SCHOOLING = {
    FIRST: [
        [0.27, 0.23, 0.19, 0.24, 0.07],
        [0.14, 0.17, 0.24, 0.31, 0.14],
        [0.03, 0.11, 0.23, 0.33, 0.30],
        [0.05, 0.17, 0.28, 0.34, 0.16],
        [0.08, 0.05, 0.14, 0.21, 0.52],
        [0.03, 0.08, 0.22, 0.41, 0.26],
    ],
    SECOND: [
        [0.26, 0.17, 0.23, 0.25, 0.09],
        [0.21, 0.15, 0.21, 0.27, 0.16],
        [0.03, 0.09, 0.26, 0.36, 0.26],
        [0.03, 0.13, 0.28, 0.37, 0.19],
        [0.08, 0.07, 0.13, 0.18, 0.54],
        [0.03, 0.09, 0.23, 0.44, 0.21],
    ],
}
MARITAL_BANDS = np.array([30, 40, 50, 60, 70, 80])
# DMDMARTL 1 to 6: men, then women, from ages 20, 30, ..., 80.
MARITAL_SIX = [
    [0.19, 0.0, 0.01, 0.01, 0.64, 0.15],
    [0.55, 0.0, 0.06, 0.03, 0.23, 0.13],
    [0.69, 0.0, 0.12, 0.02, 0.10, 0.07],
    [0.64, 0.01, 0.15, 0.04, 0.12, 0.04],
    [0.64, 0.05, 0.16, 0.04, 0.07, 0.04],
    [0.72, 0.11, 0.09, 0.02, 0.04, 0.02],
    [0.61, 0.30, 0.04, 0.0, 0.04, 0.01],
    [0.25, 0.0, 0.01, 0.02, 0.54, 0.18],
    [0.55, 0.0, 0.10, 0.05, 0.20, 0.10],
    [0.62, 0.02, 0.16, 0.03, 0.11, 0.06],
    [0.52, 0.05, 0.22, 0.06, 0.12, 0.03],
    [0.49, 0.15, 0.20, 0.04, 0.09, 0.03],
    [0.45, 0.34, 0.14, 0.02, 0.04, 0.01],
    [0.26, 0.64, 0.07, 0.0, 0.03, 0.0],
]
# DMDMARTZ 1 to 3, the same rows.
MARITAL_THREE = [
    [0.36, 0.02, 0.62],
    [0.645, 0.07, 0.285],
    [0.75, 0.12, 0.13],
    [0.65, 0.21, 0.14],
    [0.66, 0.25, 0.09],
    [0.67, 0.29, 0.04],
    [0.61, 0.36, 0.03],
    [0.45, 0.03, 0.52],
    [0.62, 0.11, 0.27],
    [0.63, 0.22, 0.15],
    [0.58, 0.29, 0.13],
    [0.485, 0.43, 0.085],
    [0.45, 0.50, 0.05],
    [0.28, 0.69, 0.03],
]
# Relative shares of the income-poverty ratio in steps of a half, below 5; the rest is top-coded at 5.
INCOME_STEPS = {
    FIRST: [0.095, 0.174, 0.152, 0.085, 0.066, 0.056, 0.056, 0.041, 0.035, 0.024],
    SECOND: [0.079, 0.132, 0.124, 0.103, 0.074, 0.055, 0.047, 0.042, 0.031, 0.034],
}


@dataclass(frozen=True, kw_only=True)
class Population:
    """The people of one release, in the order of their sequence numbers.

    Attributes
    ----------
    release : Release
        What is published about the release.
    seqn, age, race, schooling : numpy.ndarray
        One entry per person; `schooling` is NaN below 20.
    woman, examined, pregnant : numpy.ndarray of bool
        `pregnant` is known (RIDEXPRG = 1).
    """

    release: Release
    seqn: FloatArray
    age: FloatArray
    race: FloatArray
    schooling: FloatArray
    woman: BoolArray
    examined: BoolArray
    pregnant: BoolArray

    @property
    def size(self) -> int:
        """Number of people."""
        return self.seqn.size


def draw_population(
    rng: np.random.Generator, release: Release, people: int
) -> tuple[Population, dict[str, FloatArray]]:
    """Draw `people` people and the columns of the demographic file, without weights and design."""
    age, race = _age_and_race(rng, release, people)
    more = np.where((age >= 20) & (release.cycle == FIRST), 0.1, 0.0)
    woman = yes(rng, more, release.share("DEMO", "RIAGENDR", "2"))
    reluctance = np.where(age < 6, -0.3, 0.0) + np.where(age >= 80, -0.8, 0.0)
    examined = yes(rng, reluctance, release.share("DEMO", "RIDSTATR", "2"))
    schooling = _schooling(rng, release, age, race)
    status = _pregnancy(rng, release, age, woman, examined)
    columns = {
        "SEQN": release.first_seqn + np.arange(people, dtype=np.float64),
        "RIDSTATR": np.where(examined, 2.0, 1.0),
        "RIAGENDR": np.where(woman, 2.0, 1.0),
        "RIDAGEYR": age,
        "RIDRETH1": np.where(race >= ASIAN, 5.0, race),
        "RIDRETH3": race,
        "RIDEXPRG": status,
        "DMDEDUC2": schooling,
        "INDFMPIR": _income(rng, release, schooling),
        **_marital(rng, release, age, woman),
    }
    population = Population(
        release=release,
        seqn=columns["SEQN"],
        age=age,
        race=race,
        schooling=schooling,
        woman=woman,
        examined=examined,
        pregnant=status == 1,
    )
    return population, columns


def _age_and_race(rng: np.random.Generator, release: Release, people: int) -> tuple[FloatArray, FloatArray]:
    band = one_of(rng, range(len(AGE_BANDS) - 1), AGES[release.cycle], people).astype(np.int64)
    width = np.diff(AGE_BANDS)[band]
    age = np.floor(AGE_BANDS[band] + rng.random(people) * width)
    table = np.array(RACE_BY_AGE[release.cycle])
    return age, one_of(rng, RACES, table[np.digitize(age, RACE_BANDS)], people)


def _schooling(rng: np.random.Generator, release: Release, age: FloatArray, race: FloatArray) -> FloatArray:
    table = np.array(SCHOOLING[release.cycle])[np.searchsorted(RACES, race)]
    drawn = only(age >= 20, one_of(rng, range(1, 6), table, age.size))
    return with_unknown(rng, drawn, release.counts("DEMO", "DMDEDUC2"), ("7", "9"))


def _marital(
    rng: np.random.Generator, release: Release, age: FloatArray, woman: BoolArray
) -> dict[str, FloatArray]:
    name = "DMDMARTL" if release.cycle == FIRST else "DMDMARTZ"
    table = np.array(MARITAL_SIX if release.cycle == FIRST else MARITAL_THREE)
    row = np.digitize(age, MARITAL_BANDS) + np.where(woman, len(MARITAL_BANDS) + 1, 0)
    drawn = only(age >= 20, one_of(rng, range(1, table.shape[1] + 1), table[row], age.size))
    return {name: with_unknown(rng, drawn, release.counts("DEMO", name), ("77", "99"))}


def _pregnancy(
    rng: np.random.Generator, release: Release, age: FloatArray, woman: BoolArray, examined: BoolArray
) -> FloatArray:
    asked = woman & (age >= 20) & (age <= 44)
    result = np.full(age.size, np.nan)
    result[asked] = np.where(rng.random(asked.sum()) < 0.032, 3.0, 2.0)
    result[asked & ~examined] = 3.0
    able = result == 2.0
    counts = release.counts("DEMO", "RIDEXPRG")
    share = counts["1"] / (counts["1"] + counts["2"])
    result[np.flatnonzero(able)[yes(rng, -0.12 * np.maximum(age[able] - 28, 0), share)]] = 1.0
    return result


def _income(rng: np.random.Generator, release: Release, schooling: FloatArray) -> FloatArray:
    known = np.where(schooling <= 5, schooling, 3.3)
    latent = 0.55 * (known - 3.3) / 1.2 + np.sqrt(1 - 0.55**2) * rng.normal(size=schooling.size)
    place = latent - np.where(np.isnan(schooling), 0.25, -0.05)  # households with children are poorer
    rank = place.argsort().argsort() / max(schooling.size - 1, 1)
    top = release.share("DEMO", "INDFMPIR", "5")
    steps = np.array(INCOME_STEPS[release.cycle])
    bounds = np.concatenate([[0.0], np.cumsum(steps) / steps.sum() * (1 - top)])
    value = np.interp(rank, bounds, np.arange(len(bounds)) * 0.5)
    value = np.where(rank > 1 - top, 5.0, np.minimum(np.round(value, 2), 4.98))
    return only(rng.random(schooling.size) >= release.missing("DEMO", "INDFMPIR"), value)
