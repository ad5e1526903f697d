"""Body measures: height, weight, body mass index, waist, and who was not measured."""

from dataclasses import dataclass

import numpy as np

from demo.draws import BoolArray, FloatArray, one_of, only, rounded
from demo.population import ASIAN, BLACK, Population
from demo.release import Section

# Age at which the means below hold.
KNOTS = [1, 2, 3, 5, 7, 9, 11, 13, 15, 17, 19, 25, 35, 45, 55, 65, 75, 80]
HEIGHT_MAN = [82, 92, 100, 112, 124, 135, 147, 160, 171, 174, 175, 176, 176, 175, 174.5, 173, 172.5, 171]
HEIGHT_WOMAN = [81, 90, 98, 110, 123, 135, 148, 158, 160, 162, 162, 162, 162, 161.5, 161, 159, 157.5, 155.5]
HEIGHT_SPREAD = [3, 4.5, 5, 6, 6.5, 7.5, 8.5, 8.5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7]
LOG_BMI = [
    2.84,
    2.82,
    2.78,
    2.78,
    2.84,
    2.91,
    3.0,
    3.07,
    3.15,
    3.21,
    3.22,
    3.30,
    3.36,
    3.36,
    3.37,
    3.36,
    3.34,
    3.28,
]
LOG_BMI_SPREAD = [
    0.09, 0.09, 0.10, 0.12, 0.16, 0.20, 0.22, 0.22, 0.23, 0.24, 0.24, 0.24, 0.22, 0.22, 0.22, 0.21, 0.19, 0.16
]  # fmt: skip

# BMDSTATS = 3: which of weight, height and waist are missing, and how often.
PARTIAL = [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0)]
PARTIAL_SHARES = [0.48, 0.37, 0.05, 0.05, 0.015, 0.025, 0.01]


@dataclass(frozen=True, kw_only=True)
class Body:
    """Body size, also of people who were not measured.

    Attributes
    ----------
    bmi, weight : numpy.ndarray
        Body mass index in kg/m2 and weight in kg.
    measured : numpy.ndarray of bool
        Whether the file has a body mass index.
    """

    bmi: FloatArray
    weight: FloatArray
    measured: BoolArray


def draw_body(rng: np.random.Generator, population: Population) -> tuple[Body, Section]:
    """Draw everybody's size, and the file of those examined."""
    age, woman, race = population.age, population.woman, population.race
    height = np.where(woman, np.interp(age, KNOTS, HEIGHT_WOMAN), np.interp(age, KNOTS, HEIGHT_MAN))
    height += np.where(age >= 16, np.select([race <= 2, race == ASIAN], [-4.0, -4.0], 1.5), 0.0)
    height += np.interp(age, KNOTS, HEIGHT_SPREAD) * rng.normal(size=population.size)
    log_bmi = np.interp(age, KNOTS, LOG_BMI) + np.where(woman & (age >= 12), 0.02, 0.0)
    adult = np.select(
        [race <= 2, race == BLACK, race == ASIAN], [0.02, np.where(woman, 0.07, 0.0), -0.13], -0.01
    )
    log_bmi += np.where(age >= 12, adult, 0.0)
    spread = np.interp(age, KNOTS, LOG_BMI_SPREAD)
    log_bmi += spread * np.clip(rng.normal(size=population.size), -2.8, 3.6)
    bmi = np.exp(log_bmi)
    weight = rounded(bmi * (height / 100) ** 2, 1)
    infant = rounded(np.where(age < 1, 7.7, 11.4) + 1.7 * rng.normal(size=age.size).clip(-2.2, 3), 1)
    weight = np.where(age < 2, infant, weight)
    height = rounded(height, 1)
    bmi = rounded(weight / (height / 100) ** 2, 1)
    waist = rounded((36 + 2.18 * bmi) * np.interp(age, [2, 12, 20, 65], [0.69, 0.92, 0.98, 1.03]), 1)
    waist = rounded(waist + np.interp(age, [2, 20], [1.5, 5.0]) * rng.normal(size=age.size), 1)

    status, missing = _status(rng, population)
    young = age < 2
    no_weight, no_height, no_waist = missing.T
    columns = {
        "SEQN": population.seqn,
        "BMDSTATS": status,
        "BMXWT": only(~no_weight, weight),
        "BMXHT": only(~no_height & ~young, height),
        "BMXBMI": only(~no_weight & ~no_height & ~young, bmi),
        "BMXWAIST": only(~no_waist & ~young, waist),
    }
    measured = np.isfinite(columns["BMXBMI"]) & population.examined
    return Body(bmi=bmi, weight=weight, measured=measured), Section("BMX", population.examined, columns)


def _status(rng: np.random.Generator, population: Population) -> tuple[FloatArray, BoolArray]:
    """Draw BMDSTATS, and for each person whether weight, height and waist are missing."""
    release, age = population.release, population.age
    shares = np.array([release.share("BMX", "BMDSTATS", code) for code in "1234"])
    trouble = np.select([age < 1, age < 4, age < 70, age < 80], [0.2, 2.5, 0.75, 1.3], 3.0)
    table = np.outer(trouble, shares)
    table[:, 0] = 1 - table[:, 1:].sum(axis=1)
    status = one_of(rng, [1, 2, 3, 4], table, age.size)
    missing = np.zeros((age.size, 3), dtype=bool)
    missing[status == 2] = [False, False, True]
    partial = one_of(rng, range(len(PARTIAL)), PARTIAL_SHARES, age.size).astype(np.int64)
    missing[status == 3] = np.array(PARTIAL, dtype=bool)[partial[status == 3]]
    missing[status == 4] = True
    return status, missing
