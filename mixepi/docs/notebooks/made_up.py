"""Made-up participants of a survey: every page and notebook of this site uses them.

Nobody in these data exists. What is true of them is written here, so that a fit can be compared with it.
"""

import numpy as np
import pandas as pd

EXPOSURES = ("lead", "cadmium", "mercury", "selenium", "manganese")

# What one more standard deviation of the logarithm of an exposure adds to bone density, in g/cm2;
# cadmium harms, selenium protects and levels off, the rest do nothing.
CADMIUM = -0.035
SELENIUM = 0.025


def made_up_people(n: int = 600, seed: int = 1) -> pd.DataFrame:
    """Return one row per made-up participant.

    Parameters
    ----------
    n : int
        Participants; 15 strata with two primary sampling units each share them.
    seed : int

    Returns
    -------
    pandas.DataFrame
        id; stratum, psu, weight (the survey design); age (years), bmi (kg/m2), smoking (never, former,
        current), fasted (true or false: the morning sample, a subgroup); five metals in blood (ug/L);
        bone_density (g/cm2); fracture (0 or 1).
    """
    rng = np.random.default_rng(seed)
    stratum = np.arange(n) % 15
    psu = rng.integers(1, 3, n)
    age = rng.uniform(50, 80, n)
    bmi = rng.normal(28, 5, n).clip(17, 50)
    smoking = rng.choice(["never", "former", "current"], n, p=[0.55, 0.28, 0.17])
    # the metals share a source; smoking brings cadmium, and neighbours resemble each other
    shared = rng.normal(size=n) + rng.normal(size=(15, 2))[stratum, psu - 1] * 0.3
    z = np.sqrt(0.3) * shared[:, None] + np.sqrt(0.7) * rng.normal(size=(n, 5))
    z[:, 1] += 0.8 * (smoking == "current")
    levels = np.array([12.0, 0.4, 0.9, 190.0, 9.5]) * np.exp(z * np.array([0.6, 0.7, 0.9, 0.15, 0.35]))
    place = 0.02 * rng.normal(size=(15, 2))[stratum, psu - 1]
    bone_density = (
        0.85
        - 0.004 * (age - 65)
        + 0.006 * (bmi - 28)
        + CADMIUM * z[:, 1]
        + SELENIUM * np.tanh(z[:, 3])
        + place
        + rng.normal(0, 0.08, n)
    )
    log_odds = -1.2 + 0.05 * (age - 65) - 8 * (bone_density - 0.85)
    frame = pd.DataFrame({"id": np.arange(1, n + 1), "stratum": stratum + 1, "psu": psu})
    # older people were sampled more often, so that each stands for fewer
    frame["weight"] = np.round(4000 * np.exp(-0.03 * (age - 65)) * rng.uniform(0.7, 1.3, n))
    frame = frame.assign(age=age.round(1), bmi=bmi.round(1), smoking=smoking, fasted=rng.random(n) < 0.5)
    frame[list(EXPOSURES)] = levels.round(3)
    return frame.assign(
        bone_density=bone_density.round(3), fracture=(rng.random(n) < 1 / (1 + np.exp(-log_odds))).astype(int)
    )
