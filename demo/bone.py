"""Bone density at each site: linear in age, size, cadmium and selenium as `demo.truth` states."""

from dataclasses import dataclass

import numpy as np

from demo.body import Body
from demo.draws import FloatArray
from demo.metals import LN2, Metals
from demo.population import ASIAN, BLACK, Population
from demo.truth import TRUE_EFFECTS

VERTEBRAE = ("L1", "L2", "L3", "L4")
SITES = ("DXXOFBMD", "DXXNKBMD", "DXXTRBMD", "DXXINBMD", "DXXWDBMD", *(f"DXX{v}BMD" for v in VERTEBRAE))
# Of a woman and a man aged 65 with a body mass index of 29 and the metals below; residual SD;
# black and Asian against the others.
MEANS_WOMAN = [0.847, 0.706, 0.640, 1.018, 0.545, 0.877, 0.947, 0.982, 1.002]
MEANS_MAN = [1.000, 0.800, 0.755, 1.190, 0.580, 1.020, 1.085, 1.110, 1.120]
SPREADS = [0.097, 0.099, 0.080, 0.118, 0.128, 0.126, 0.134, 0.140, 0.144]
BLACKS = [0.045, 0.065, 0.030, 0.050, 0.065, 0.040, 0.035, 0.035, 0.040]
ASIANS = [0.000, -0.005, 0.005, 0.010, 0.000, -0.025, -0.035, -0.030, -0.025]
CORRELATIONS = np.array(
    [
        [1.00, 0.86, 0.90, 0.96, 0.75, 0.59, 0.61, 0.61, 0.58],
        [0.86, 1.00, 0.76, 0.78, 0.82, 0.57, 0.57, 0.58, 0.55],
        [0.90, 0.76, 1.00, 0.79, 0.67, 0.57, 0.58, 0.58, 0.56],
        [0.96, 0.78, 0.79, 1.00, 0.69, 0.54, 0.56, 0.56, 0.53],
        [0.75, 0.82, 0.67, 0.69, 1.00, 0.50, 0.51, 0.51, 0.48],
        [0.59, 0.57, 0.57, 0.54, 0.50, 1.00, 0.93, 0.88, 0.82],
        [0.61, 0.57, 0.58, 0.56, 0.51, 0.93, 1.00, 0.93, 0.86],
        [0.61, 0.58, 0.58, 0.56, 0.51, 0.88, 0.93, 1.00, 0.92],
        [0.58, 0.55, 0.56, 0.53, 0.48, 0.82, 0.86, 0.92, 1.00],
    ]
)
# Natural logs at which the means hold: the middle of women aged 50 and over.
CENTRES = {"lead": 0.1, "cadmium": -0.90, "mercury": -0.2, "selenium": 5.22, "manganese": 2.22}
# Projected area in cm2 of L1 to L4: women, men, SD.
AREA_WOMAN = [12.9, 13.7, 14.9, 16.2]
AREA_MAN = [15.6, 16.5, 17.7, 19.1]
AREA_SPREADS = [1.5, 1.6, 1.7, 1.9]
LOWEST = 0.30  # no scan is read below this


@dataclass(frozen=True, kw_only=True)
class Bones:
    """Bone of everybody, scanned or not.

    Attributes
    ----------
    density : dict
        BMD in g/cm2 by site in `SITES`.
    area : dict
        Projected area in cm2 by vertebra.
    """

    density: dict[str, FloatArray]
    area: dict[str, FloatArray]


def draw_bones(rng: np.random.Generator, population: Population, body: Body, metals: Metals) -> Bones:
    """Draw density and area; the effects are those of `TRUE_EFFECTS`, on the log2 of each metal."""
    age, woman, race = population.age - 65.0, population.woman, population.race
    noise = rng.multivariate_normal(np.zeros(len(SITES)), CORRELATIONS, population.size, method="cholesky")
    doublings = {metal: (log - CENTRES[metal]) / LN2 for metal, log in metals.logs.items()}
    density = {}
    for i, site in enumerate(SITES):
        effect = TRUE_EFFECTS[site]
        mean = np.where(woman, MEANS_WOMAN[i] + effect.year_woman * age, MEANS_MAN[i] + effect.year_man * age)
        mean = mean + effect.bmi * (body.bmi - 29.0)
        mean = mean + np.select([race == BLACK, race == ASIAN], [BLACKS[i], ASIANS[i]], 0.0)
        for metal, doubling in doublings.items():
            mean = mean + getattr(effect, metal) * doubling
        density[site] = np.maximum(mean + SPREADS[i] * noise[:, i], LOWEST)
    area = {}
    shared = rng.normal(size=population.size)
    for i, vertebra in enumerate(VERTEBRAE):
        own = 0.84 * shared + 0.33 * noise[:, 5 + i] + 0.43 * rng.normal(size=population.size)
        mean = np.where(woman, AREA_WOMAN[i], AREA_MAN[i])
        area[vertebra] = np.maximum(mean + AREA_SPREADS[i] * own, 7.0)
    return Bones(density=density, area=area)
