"""Blood draws and what else is measured in them: cotinine, biochemistry, vitamin D."""

import numpy as np

from demo.draws import BoolArray, FloatArray, only, rounded
from demo.population import BLACK, Population
from demo.questionnaires import Smoking
from demo.release import FIRST, SECOND, Section

# Share without a blood specimen, by age.
NO_BLOOD_AGES = [1, 3, 5, 8, 11, 15, 20, 40, 80]
NO_BLOOD = {
    FIRST: [0.29, 0.26, 0.23, 0.18, 0.13, 0.07, 0.045, 0.035, 0.035],
    SECOND: [0.41, 0.34, 0.31, 0.25, 0.16, 0.10, 0.07, 0.05, 0.045],
}
COTININE_LIMIT, COTININE_BELOW, COTININE_HIGHEST = 0.015, 0.011, 1500.0
# Natural log of cotinine, never, every day, some days, formerly: share below the limit, share of
# current users of nicotine, mean and SD of the others' log.
COTININE = {
    0: (0.38, 0.04, -3.2, 1.0),
    1: (0.0, 0.97, 1.0, 1.5),
    2: (0.02, 0.78, 0.0, 1.5),
    3: (0.32, 0.10, -3.1, 1.1),
}
USER_LOG = {0: (3.5, 1.8), 1: (5.45, 0.65), 2: (4.6, 1.2), 3: (4.7, 1.3)}


def draw_blood(rng: np.random.Generator, population: Population) -> BoolArray:
    """Say whose blood was drawn, among those examined."""
    refusal = np.interp(population.age, NO_BLOOD_AGES, NO_BLOOD[population.release.cycle])
    return np.asarray(population.examined & (rng.random(population.size) >= refusal))


def draw_cotinine(
    rng: np.random.Generator, population: Population, smoking: Smoking, drawn: BoolArray
) -> Section:
    """Draw cotinine by smoking status; a few who say that they do not smoke are found to."""
    value = np.empty(population.size)
    place, normal = rng.random(population.size), rng.normal(size=population.size)
    for status, (below, user, mean, spread) in COTININE.items():
        who = smoking.status == status
        user_mean, user_spread = USER_LOG[status]
        log = np.where(place < user, user_mean + user_spread * normal, mean + spread * normal)
        value[who] = np.where(place > 1 - below, 0.0, np.maximum(np.exp(log), COTININE_LIMIT))[who]
    measured = drawn & (rng.random(population.size) > 0.025)
    value = np.minimum(value, COTININE_HIGHEST)
    low = value < COTININE_LIMIT
    columns = {
        "SEQN": population.seqn,
        "LBXCOT": only(measured, np.where(low, COTININE_BELOW, _significant(value))),
        "LBDCOTLC": only(measured, low.astype(np.float64)),
    }
    return Section("COT", population.examined & (population.age >= 3), columns)


def draw_biochemistry(rng: np.random.Generator, population: Population, drawn: BoolArray) -> Section:
    """Draw albumin, alkaline phosphatase, calcium, phosphorus and creatinine of ages 12 and over."""
    age, woman, size = population.age, population.woman, population.size
    later = population.release.cycle == SECOND
    measured = drawn & (rng.random(size) > 0.02)
    youth = np.interp(age, [12, 16, 20, 30], [3.2, 1.3, 0.35, 0.0])
    albumin = 4.28 - 0.2 * later - 0.19 * (woman - 0.5) + np.interp(age, [12, 30, 80], [0.15, 0.05, -0.12])
    albumin = albumin + 0.32 * rng.normal(size=size)
    phosphatase = np.exp(
        4.16 + 0.14 * later + 0.38 * youth - 0.08 * (woman - 0.5) + 0.29 * rng.normal(size=size)
    )
    calcium = 9.45 - 0.18 * later + 0.45 * (albumin - 4.2) + 0.06 * youth + 0.31 * rng.normal(size=size)
    phosphorus = 3.82 - 0.27 * later + 0.34 * youth + 0.1 * (woman - 0.5) + 0.55 * rng.normal(size=size)
    rise = np.interp(age, [12, 20, 60, 80], [-0.32, -0.05, -0.02, 0.14])
    creatinine = np.exp(-0.17 + rise - 0.26 * (woman - 0.5) + 0.22 * rng.normal(size=size))
    columns = {
        "SEQN": population.seqn,
        "LBXSAL": only(measured, rounded(np.clip(albumin, 2.1, 5.6), 1)),
        "LBXSAPSI": only(measured, rounded(np.clip(phosphatase, 9, 900), 0)),
        "LBXSCA": only(measured & (rng.random(size) > 0.003), rounded(np.clip(calcium, 6.4, 14.8), 1)),
        "LBXSPH": only(measured, rounded(np.clip(phosphorus, 1.6, 10.9), 1)),
        "LBXSCR": only(measured, rounded(np.clip(creatinine, 0.25, 17.4), 2)),
    }
    return Section("BIOPRO", population.examined & (age >= 12), columns)


def draw_vitamin_d(rng: np.random.Generator, population: Population, drawn: BoolArray) -> Section:
    """Draw serum 25-hydroxyvitamin D in nmol/L; nothing lies below its limit of detection."""
    mean = np.interp(population.age, [1, 5, 11, 18, 30, 50, 80], [4.31, 4.24, 4.10, 3.94, 3.96, 4.04, 4.31])
    mean = mean + 0.05 * (population.woman - 0.5) - 0.35 * (population.race == BLACK) + 0.04
    value = np.exp(mean + 0.38 * rng.normal(size=population.size))
    columns = {
        "SEQN": population.seqn,
        "LBXVIDMS": only(drawn, _significant(np.clip(value, 8.53, 318))),
        "LBDVIDLC": only(drawn, np.zeros(population.size)),
    }
    return Section("VID", population.examined & (population.age >= 1), columns)


def _significant(values: FloatArray) -> FloatArray:
    """Round to three significant digits, and never to more than three decimals."""
    places = 2 - np.floor(np.log10(np.maximum(values, 0.1)))
    scale = 10.0 ** np.minimum(places, 3)
    return np.asarray(np.round(values * scale) / scale)
