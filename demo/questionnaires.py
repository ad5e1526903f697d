"""Interview answers: diagnoses, activity, smoking and alcohol, with their skip patterns."""

from dataclasses import dataclass

import numpy as np

from demo.body import Body
from demo.draws import BoolArray, FloatArray, answer, one_of, only, with_unknown, yes
from demo.population import Population
from demo.release import FIRST, SECOND, Section

# SMQ020 = 1 and then SMQ040 = 1, 2, 3, by age band from 18, 30, 40, 50, 60, 70, 80.
SMOKING_BANDS = np.array([30, 40, 50, 60, 70, 80])
EVER_MAN = [0.31, 0.47, 0.45, 0.53, 0.63, 0.64, 0.57]
EVER_WOMAN = [0.23, 0.33, 0.34, 0.37, 0.40, 0.36, 0.34]
NOW = [
    [0.49, 0.20, 0.31],
    [0.48, 0.15, 0.37],
    [0.47, 0.11, 0.42],
    [0.50, 0.09, 0.41],
    [0.28, 0.08, 0.64],
    [0.175, 0.035, 0.79],
    [0.06, 0.02, 0.92],
]
# Drinks per day (ALQ130), relative.
DRINKS = [36, 28.5, 14.7, 7.7, 4.2, 3.9, 0.7, 1.3, 0.2, 0.8, 0.1, 1.0, 0.1]
# Drinking days (ALQ120Q) per week, month and year (ALQ120U 1, 2, 3): values and relative shares.
PER_WEEK = ([1, 2, 3, 4, 5, 6, 7], [30, 24, 17, 7, 8, 2, 12])
PER_MONTH = ([1, 2, 3, 4, 5, 6, 8, 10, 15, 20], [42, 34, 11, 6, 3, 1, 1, 1, 0.5, 0.5])
PER_YEAR = (
    [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 365],
    [18, 19, 15, 12, 10, 9, 2, 2, 5, 2, 2, 2, 1.5, 0.5],
)
# The first question of the alcohol interview: missing where the interview was not given.
FIRST_DRINK = {FIRST: "ALQ101", SECOND: "ALQ111"}


@dataclass(frozen=True)
class Item:
    """A yes/no question: who is asked, and how the log odds of a yes depend on age, sex and size."""

    component: str
    variable: str
    first_age: int
    decade: float
    woman: float = 0.0
    bmi: float = 0.0
    oldest: int = 70  # no further change with age from here on


ITEMS = (
    Item("BPQ", "BPQ020", 16, 0.65, 0.0, 0.07),
    Item("MCQ", "MCQ160A", 20, 0.65, 0.6, 0.05),
    Item("MCQ", "MCQ160C", 20, 0.85, -0.7, 0.01, 80),
    Item("MCQ", "MCQ160E", 20, 0.75, -0.6, 0.01, 80),
    Item("MCQ", "MCQ160F", 20, 0.75, 0.0, 0.01, 80),
    Item("MCQ", "MCQ160L", 20, 0.30, 0.0, 0.02),
    Item("MCQ", "MCQ160M", 20, 0.35, 1.3, 0.02),
    Item("MCQ", "MCQ220", 20, 0.75, 0.1, 0.0, 80),
    Item("PAQ", "PAQ605", 18, -0.25, -0.85),
    Item("PAQ", "PAQ620", 18, -0.12, -0.30),
    Item("PAQ", "PAQ635", 18, -0.25, -0.25, -0.03, 80),
    Item("PAQ", "PAQ650", 18, -0.45, -0.50, -0.04, 80),
    Item("PAQ", "PAQ665", 18, -0.07, -0.10, -0.03, 80),
    Item("OSQ", "OSQ130", 40, 0.12, 0.1, 0.03),
)


@dataclass(frozen=True)
class Smoking:
    """Who smokes, and how.

    Attributes
    ----------
    status : numpy.ndarray
        0 never (and below 18), 1 every day, 2 some days, 3 formerly.
    """

    status: FloatArray


def draw_smoking(rng: np.random.Generator, population: Population) -> tuple[Smoking, Section]:
    """Draw smoking: SMQ040 is asked of those who answered yes to SMQ020."""
    release, age = population.release, population.age
    band = np.digitize(age, SMOKING_BANDS)
    share = np.where(population.woman, np.array(EVER_WOMAN)[band], np.array(EVER_MAN)[band])
    ever = answer(rng, age >= 18, np.log(share / (1 - share)), release.counts("SMQ", "SMQ020"))
    now = only(ever == 1, one_of(rng, [1, 2, 3], np.array(NOW)[band], age.size))
    present = (age >= 18) | ((age >= 12) & (rng.random(age.size) > 0.03))
    columns = {"SEQN": population.seqn, "SMQ020": ever, "SMQ040": now}
    return Smoking(np.nan_to_num(now)), Section("SMQ", present, columns)


def draw_interview(rng: np.random.Generator, population: Population, body: Body) -> list[Section]:
    """Draw diagnoses and physical activity."""
    release, age = population.release, population.age
    diabetes = _diabetes(rng, population, body)
    rows = {
        "DIQ": age >= 1,
        "BPQ": age >= 16,
        "MCQ": age >= 1,
        "PAQ": (age >= 2) & (rng.random(age.size) > 0.002) if release.cycle == FIRST else age >= 18,
    }
    columns: dict[str, dict[str, FloatArray]] = {name: {"SEQN": population.seqn} for name in rows}
    columns["DIQ"]["DIQ010"] = diabetes
    refused = (age < 16) & (rng.random(age.size) < 0.04)  # of the youth asked about activity
    for item in ITEMS:
        if item.component not in rows:
            continue
        youth = item.component == "PAQ" and release.cycle == FIRST
        asked = (age >= 12) & ~refused if youth else age >= item.first_age
        counts = release.counts(item.component, item.variable)
        columns[item.component][item.variable] = answer(rng, asked, score(item, population, body), counts)
    return [Section(name, rows[name], columns[name]) for name in rows]


def draw_osteoporosis_interview(
    rng: np.random.Generator, population: Population, body: Body, neck: FloatArray
) -> Section:
    """Draw what women and men say about osteoporosis: diagnosed more often where the neck is thin."""
    release, age = population.release, population.age
    rows = age >= (40 if release.cycle == FIRST else 50)
    steroids = next(item for item in ITEMS if item.variable == "OSQ130")
    thin = 0.02 * np.minimum(age - 50, 30) + 1.6 * population.woman - 3.5 * (neck - 0.75)
    told = answer(rng, rows, thin, release.counts("OSQ", "OSQ060"))
    treated = answer(rng, told == 1, 0.03 * (age - 65), release.counts("OSQ", "OSQ072"))
    taken = answer(rng, rows, score(steroids, population, body), release.counts("OSQ", "OSQ130"))
    columns = {"SEQN": population.seqn, "OSQ060": told, "OSQ072": treated, "OSQ130": taken}
    return Section("OSQ", rows, columns)


def draw_answered(rng: np.random.Generator, population: Population) -> BoolArray:
    """Say who answered the interview at the examination (alcohol, reproductive health)."""
    age, release = population.age, population.release
    reluctance = np.select([age < 50, age < 70, age < 80], [0.5, 0.0, 0.3], 0.8)
    share = release.missing("ALQ", FIRST_DRINK[release.cycle])
    return population.examined & ~yes(rng, reluctance, share)


def draw_alcohol(rng: np.random.Generator, population: Population, answered: BoolArray) -> Section:
    """Draw alcohol: two releases, two sets of questions; `answered` is from `draw_answered`."""
    rows = population.examined & (population.age >= 18)
    abstinent = 0.006 * (population.age - 45) + 0.8 * population.woman
    abstinent += np.where(population.age < 21, 0.8, 0.0)
    asked = rows & answered
    draw = _alcohol_first if population.release.cycle == FIRST else _alcohol_second
    return Section("ALQ", rows, {"SEQN": population.seqn, **draw(rng, population, asked, abstinent)})


def score(item: Item, population: Population, body: Body) -> FloatArray:
    """Return the log odds of a yes to `item`, up to a constant."""
    age = np.clip(population.age, 10, item.oldest)
    return np.asarray(item.decade * age / 10 + item.woman * population.woman + item.bmi * (body.bmi - 28))


def _diabetes(rng: np.random.Generator, population: Population, body: Body) -> FloatArray:
    counts, age = population.release.counts("DIQ", "DIQ010"), population.age
    rank = 0.72 * np.clip(age, 10, 70) / 10 - 0.15 * population.woman
    rank += 0.06 * np.where(age >= 12, body.bmi - 28, 0.0) + 0.5 * (population.race <= 4) * (
        population.race != 3
    )
    known = counts["1"] + counts["2"] + counts["3"]
    told = yes(rng, rank, counts["1"] / known)
    border = ~told & yes(rng, 0.5 * rank, counts["3"] / (known - counts["1"]))
    return with_unknown(rng, np.select([told, border], [1.0, 3.0], 2.0), counts, ("7", "9"))


def _alcohol_first(
    rng: np.random.Generator, population: Population, asked: BoolArray, abstinent: FloatArray
) -> dict[str, FloatArray]:
    release, size = population.release, population.size
    yearly = answer(rng, asked, -abstinent, release.counts("ALQ", "ALQ101"))
    lifetime = answer(rng, asked & (yearly != 1), -abstinent, release.counts("ALQ", "ALQ110"))
    drinker, rare = yearly == 1, lifetime == 1
    unit = one_of(
        rng, [0, 1, 2, 3], np.where(rare[:, None], [49.5, 0.3, 1.7, 48.5], [14.3, 38.5, 24.9, 22.3]), size
    )
    days = np.select(
        [unit == 1, unit == 2, unit == 3],
        [one_of(rng, choice[0], choice[1], size) for choice in (PER_WEEK, PER_MONTH, PER_YEAR)],
        0.0,
    )
    days = with_unknown(rng, only(drinker | rare, days), release.counts("ALQ", "ALQ120Q"), ("777", "999"))
    drinking = (days > 0) & (days <= 365)
    drinks = one_of(rng, range(1, len(DRINKS) + 1), DRINKS, size)
    drinks = with_unknown(rng, only(drinking, drinks), release.counts("ALQ", "ALQ130"), ("777", "999"))
    return {
        "ALQ130": drinks,
        "ALQ101": yearly,
        "ALQ110": lifetime,
        "ALQ120Q": days,
        "ALQ120U": only(drinking, unit),
    }


def _alcohol_second(
    rng: np.random.Generator, population: Population, asked: BoolArray, abstinent: FloatArray
) -> dict[str, FloatArray]:
    release, size = population.release, population.size
    ever = answer(rng, asked, -abstinent, release.counts("ALQ", "ALQ111"))
    counts = release.counts("ALQ", "ALQ121")
    codes = [code for code in counts if code != "."]
    often = one_of(rng, [float(code) for code in codes], [counts[code] for code in codes], size)
    often = only(ever == 1, often)
    table = [*DRINKS[:12], DRINKS[12], 0.5]
    drinks = one_of(rng, [*range(1, 14), 15], table, size)
    drinks = with_unknown(rng, only(often > 0, drinks), release.counts("ALQ", "ALQ130"), ("777", "999"))
    return {"ALQ130": drinks, "ALQ111": ever, "ALQ121": often}
