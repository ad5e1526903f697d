"""The reproductive-health interview of women: periods, menopause, hysterectomy, hormones."""

import numpy as np

from demo.draws import BoolArray, FloatArray, answer, one_of, only, with_unknown
from demo.population import Population
from demo.questionnaires import FIRST_DRINK
from demo.release import FIRST, Section

UNKNOWN_AGE = ("777", "999")
# No period in the past 12 months (RHQ031 = 2), by age.
PERIOD_AGES = [12, 20, 25, 35, 42, 47, 52, 57, 62, 70, 80]
NO_PERIOD = [0.01, 0.05, 0.08, 0.10, 0.17, 0.32, 0.70, 0.955, 0.993, 0.999, 0.999]
# RHD043 by age band from 20, 30, 40, 45, 50, 55, 60, 70.
REASONS = (1.0, 2.0, 3.0, 7.0, 9.0)
REASON_BANDS = np.array([30, 40, 45, 50, 55, 60, 70])
REASON_SHARES = [
    [0.20, 0.04, 0.01, 0.0, 0.75],
    [0.09, 0.10, 0.37, 0.0, 0.44],
    [0.03, 0.01, 0.54, 0.08, 0.34],
    [0.0, 0.0, 0.48, 0.40, 0.12],
    [0.0, 0.0, 0.35, 0.565, 0.085],
    [0.0, 0.0, 0.285, 0.673, 0.042],
    [0.0, 0.0, 0.332, 0.646, 0.022],
    [0.0, 0.0, 0.384, 0.601, 0.015],
]
# Mean and SD of the age at the last period, by reason.
LAST_PERIOD = {2.0: (31.4, 4.4), 3.0: (39.5, 8.2), 7.0: (49.0, 5.4), 9.0: (35.0, 11.0)}


def draw_reproduction(rng: np.random.Generator, population: Population, answered: BoolArray) -> Section:
    """Draw the interview of women aged 12 and over who were examined.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    population : Population
        The people.
    answered : numpy.ndarray of bool
        Who answered the interview at the examination (`draw_answered`).
    """
    release, age = population.release, population.age
    rows = population.examined & population.woman & (age >= 12)
    missing = release.missing("RHQ", "RHQ031") - release.missing("ALQ", FIRST_DRINK[release.cycle])
    silent = ~answered | (rng.random(population.size) < max(missing, 0.0))
    asked = rows & ~silent
    chance = np.interp(age, PERIOD_AGES, NO_PERIOD)
    stopped = answer(rng, asked, -np.log(chance / (1 - chance)), release.counts("RHQ", "RHQ031"))
    adult = asked & (age >= 20)
    reason = _reason(rng, population, adult & (stopped == 2))
    last, band = _last_period(rng, population, adult & (stopped == 2) & (reason != 1), reason)

    later = adult & (reason != 1) & (stopped <= 2)
    uterus = _hysterectomy(rng, population, later, reason)
    ovaries = _ovaries(rng, population, later, uterus)
    hormones = 0.045 * np.minimum(age - 50, 22) + 0.5 * (reason == 3)
    columns = {
        "SEQN": population.seqn,
        "RHQ031": stopped,
        "RHD043": reason,
        "RHQ060": last,
        "RHQ070": band,
        "RHD280": uterus,
        "RHQ305": ovaries,
        "RHQ332": _age_of(rng, population, "RHQ332", ovaries == 1, (43.7, 9.8)),
        "RHQ540": answer(rng, adult, hormones, release.counts("RHQ", "RHQ540")),
    }
    if release.has("RHQ", "RHQ420"):
        columns["RHQ291"] = _age_of(rng, population, "RHQ291", uterus == 1, (41.5, 10.2))
        pill = np.where(age < 20, -1.5, 0.0)
        columns["RHQ420"] = answer(rng, asked, pill, release.counts("RHQ", "RHQ420"))
    return Section("RHQ", rows, columns)


def _reason(rng: np.random.Generator, population: Population, asked: BoolArray) -> FloatArray:
    table = np.array(REASON_SHARES)[np.digitize(population.age, REASON_BANDS)]
    drawn = only(asked, one_of(rng, REASONS, table, population.size))
    return with_unknown(rng, drawn, population.release.counts("RHQ", "RHD043"), ("77", "99"))


def _last_period(
    rng: np.random.Generator, population: Population, asked: BoolArray, reason: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Draw RHQ060, and for those who do not know it the band RHQ070."""
    mean = np.select([reason == key for key in LAST_PERIOD], [m for m, _ in LAST_PERIOD.values()], 42.0)
    spread = np.select([reason == key for key in LAST_PERIOD], [s for _, s in LAST_PERIOD.values()], 8.0)
    exact = _rounded_age(population, mean + spread * rng.normal(size=population.size), lowest=15, highest=65)
    last = with_unknown(rng, only(asked, exact), population.release.counts("RHQ", "RHQ060"), UNKNOWN_AGE)
    counts = population.release.counts("RHQ", "RHQ070")
    codes = [code for code in counts if code != "."]
    bands = one_of(rng, [float(c) for c in codes], [counts[c] for c in codes], population.size)
    return last, only(last >= 777, bands)


def _hysterectomy(
    rng: np.random.Generator, population: Population, asked: BoolArray, reason: FloatArray
) -> FloatArray:
    chance = np.select([reason == 7, reason == 9, np.isnan(reason)], [0.072, 0.03, 0.006], 0.02)
    result = only(asked, np.where((reason == 3) | (rng.random(population.size) < chance), 1.0, 2.0))
    drawn = with_unknown(rng, result, population.release.counts("RHQ", "RHD280"), ("7", "9"))
    return np.where(reason == 3, result, drawn)


def _ovaries(
    rng: np.random.Generator, population: Population, asked: BoolArray, uterus: FloatArray
) -> FloatArray:
    chance = np.where(uterus == 1, 0.52, 0.0035)
    result = only(asked, np.where(rng.random(population.size) < chance, 1.0, 2.0))
    unsure = (uterus == 1) & (rng.random(population.size) < 0.045)
    return np.where(unsure & asked, 9.0, result)


def _age_of(
    rng: np.random.Generator,
    population: Population,
    variable: str,
    asked: BoolArray,
    normal: tuple[float, float],
) -> FloatArray:
    drawn = normal[0] + normal[1] * rng.normal(size=population.size)
    exact = _rounded_age(population, drawn, lowest=20, highest=79)
    return with_unknown(rng, only(asked, exact), population.release.counts("RHQ", variable), UNKNOWN_AGE)


def _rounded_age(population: Population, years: FloatArray, *, lowest: int, highest: int) -> FloatArray:
    """Round an age that lies in the past; the second release bands it: 19 and under, 60 and over."""
    past = np.clip(np.round(years), lowest, np.minimum(highest, np.maximum(population.age - 1, lowest)))
    return past if population.release.cycle == FIRST else np.clip(past, 19, 60)
