"""Blood metals: correlated logs that depend on age, sex, smoking, size and race/ethnicity."""

from dataclasses import dataclass

import numpy as np

from demo.body import Body
from demo.draws import BoolArray, FloatArray, only
from demo.population import ASIAN, BLACK, Population
from demo.questionnaires import Smoking
from demo.release import FIRST, SECOND, Section
from demo.truth import CADMIUM_BY_BMI, CADMIUM_BY_YEAR

LN2 = float(np.log(2))
METALS = ("lead", "cadmium", "mercury", "selenium", "manganese")
LIMITS = {"lead": 0.07, "cadmium": 0.10, "mercury": 0.28, "selenium": 24.48, "manganese": 0.99}
COLUMNS = {
    "lead": ("LBXBPB", "LBDBPBLC", 2),
    "cadmium": ("LBXBCD", "LBDBCDLC", 3),
    "mercury": ("LBXTHG", "LBDTHGLC", 2),
    "selenium": ("LBXBSE", "LBDBSELC", 2),
    "manganese": ("LBXBMN", "LBDBMNLC", 2),
}
# What each release stores below the limit: the limit / sqrt(2), rounded by its own habit.
BELOW = {
    FIRST: {"lead": 0.05, "cadmium": 0.07, "mercury": 0.2, "selenium": 17.31, "manganese": 0.7},
    SECOND: {"lead": 0.049, "cadmium": 0.071, "mercury": 0.2, "selenium": 17.31, "manganese": 0.7},
}
# Mean of the natural log by age.
KNOTS = [1, 3, 8, 13, 17, 25, 35, 45, 55, 65, 75, 80]
CURVES = {
    "lead": [-0.10, -0.25, -0.55, -0.70, -0.75, -0.43, -0.22, -0.06, 0.25, 0.34, 0.40, 0.53],
    "cadmium": [-2.75, -2.60, -2.46, -2.17, -1.84, -1.47, -1.23, -1.12, -0.97, -0.97, -0.92, -0.86],
    "mercury": [-1.30, -1.13, -1.02, -0.92, -0.70, -0.48, -0.25, -0.10, 0.03, 0.02, 0.02, -0.05],
    "selenium": [5.08, 5.13, 5.18, 5.23, 5.26, 5.26, 5.27, 5.28, 5.27, 5.27, 5.26, 5.25],
    "manganese": [2.40, 2.32, 2.31, 2.37, 2.32, 2.26, 2.28, 2.27, 2.23, 2.18, 2.19, 2.14],
}
# The second release against the first.
SHIFT = {"lead": -0.13, "cadmium": 0.0, "mercury": -0.33, "selenium": -0.065, "manganese": -0.02}
SPREADS = {"lead": 0.57, "cadmium": 0.58, "mercury": 0.95, "selenium": 0.135, "manganese": 0.315}
WOMAN = {"lead": -0.25, "cadmium": 0.34, "mercury": 0.0, "selenium": -0.02, "manganese": 0.13}
# By RIDRETH3: Hispanic, black, Asian.
BY_RACE = {
    "lead": (0.0, 0.12, 0.25),
    "cadmium": (0.0, 0.0, 0.0),
    "mercury": (0.08, 0.24, 0.90),
    "selenium": (0.0, 0.0, 0.0),
    "manganese": (0.08, -0.12, 0.30),
}
# Every day, some days, formerly.
BY_SMOKING = {"lead": (0.37, 0.35, 0.10), "cadmium": (1.45, 0.95, 0.32), "mercury": (-0.2, 0.0, 0.1)}
# Correlation of what remains, in the order of METALS; cadmium and selenium are independent.
CORRELATIONS = np.array(
    [
        [1.00, 0.20, 0.07, -0.03, 0.03],
        [0.20, 1.00, 0.04, 0.00, 0.14],
        [0.07, 0.04, 1.00, 0.15, 0.00],
        [-0.03, 0.00, 0.15, 1.00, 0.00],
        [0.03, 0.14, 0.00, 0.00, 1.00],
    ]
)


@dataclass(frozen=True)
class Metals:
    """Natural logs of the blood concentrations of everybody, measured or not, by name in `METALS`."""

    logs: dict[str, FloatArray]


def draw_metals(rng: np.random.Generator, population: Population, body: Body, smoking: Smoking) -> Metals:
    """Draw the concentrations of everybody (lead in ug/dL, the others in ug/L)."""
    age, race = population.age, population.race
    noise = rng.multivariate_normal(np.zeros(len(METALS)), CORRELATIONS, population.size, method="cholesky")
    adult = age >= 20
    logs = {}
    for column, metal in enumerate(METALS):
        mean = np.interp(age, KNOTS, CURVES[metal])
        mean += SHIFT[metal] * (population.release.cycle == SECOND)
        mean += WOMAN[metal] * (population.woman - 0.5)
        hispanic, black, asian = BY_RACE[metal]
        by_race = np.select([race <= 2, race == BLACK, race == ASIAN], [hispanic, black, asian], 0.0)
        mean += by_race - (0.22 * hispanic + 0.24 * black + 0.12 * asian)
        if metal in BY_SMOKING:
            daily, some, former = BY_SMOKING[metal]
            by_smoking = np.select([smoking.status == k for k in (1, 2, 3)], [daily, some, former], 0.0)
            mean += np.where(adult, by_smoking - (0.17 * daily + 0.04 * some + 0.23 * former), 0.0)
        if metal == "cadmium":
            mean += LN2 * CADMIUM_BY_YEAR * np.clip(age - 65, -15, 15) * (age >= 50)
            mean += LN2 * CADMIUM_BY_BMI * np.where(adult, body.bmi - 29.0, 0.0)
        if metal == "lead":
            mean += np.where(adult, -0.013 * (body.bmi - 29.0), 0.0)
        logs[metal] = mean + SPREADS[metal] * noise[:, column]
    return Metals(logs)


def metals_section(
    rng: np.random.Generator,
    population: Population,
    metals: Metals,
    drawn: BoolArray,
    subsample: tuple[BoolArray, FloatArray] | None,
) -> Section:
    """Round, censor at the limits of detection and lose specimens.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    population : Population
        The people.
    metals : Metals
        Their concentrations.
    drawn : numpy.ndarray of bool
        Whose blood was drawn.
    subsample : tuple of numpy.ndarray or None
        In 2013-14 who is in the file, and WTSH2YR; without it everybody of 1 and over examined.
    """
    release, age = population.release, population.age
    rows = population.examined & (age >= 1)
    columns = {"SEQN": population.seqn}
    present = drawn
    if subsample is not None:
        rows, columns["WTSH2YR"] = subsample
        present = np.where(age < 12, drawn, columns["WTSH2YR"] > 0)
    for metal, (value, comment, decimals) in COLUMNS.items():
        limit = LIMITS[metal]
        exact = np.exp(metals.logs[metal])
        below = exact < limit
        places = 2 if release.cycle == FIRST else decimals
        stored = np.where(below, BELOW[release.cycle][metal], np.maximum(np.round(exact, places), limit))
        # the second release has no lead below age 6
        kept = present & (age >= 6) if metal == "lead" and release.cycle == SECOND else present
        columns[value] = only(kept, stored)
        columns[comment] = only(kept, below.astype(np.float64))
    return Section("PBCD", rows, columns)
