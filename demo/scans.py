"""DXA files: who was scanned, which scans and vertebrae are valid, and the oddities of the real files."""

from collections.abc import Sequence

import numpy as np

from demo.body import Body
from demo.bone import VERTEBRAE, Bones
from demo.draws import BoolArray, FloatArray, one_of, only, yes
from demo.population import Population
from demo.release import FIRST, SECOND, Section

FIRST_AGE = {FIRST: 40, SECOND: 50}
HEAVIEST = 204.0  # kg, the limit of the table
# Not scanned, other reason: share of femur only and of spine only (the rest lacks both).
ONLY_FEMUR, ONLY_SPINE = {FIRST: 0.0148, SECOND: 0.0126}, {FIRST: 0.0038, SECOND: 0.0063}
# Which of L1 to L4 are invalid when not all four are valid.
PATTERNS = [
    "0001", "0111", "0011", "1000", "0100", "0010", "0110", "1100", "0101", "1111", "1001", "1110", "1010"
]  # fmt: skip
PATTERN_SHARES = [235, 165, 148, 93, 99, 73, 55, 43, 20, 15, 15, 18, 5]
FEMUR_SITES = ("DXXOFBMD", "DXXNKBMD", "DXXTRBMD", "DXXINBMD", "DXXWDBMD")
# "Valid" values that cannot be, as in P_DXXFEM: set on two valid scans.
IMPOSSIBLE_FEMUR = ({"DXXTRBMD": 0.0}, {"DXXNKBMD": 0.144, "DXXWDBMD": 0.0})
VALID_WITHOUT_VALUE = 0.0018  # share of valid vertebrae of P_DXXSPN that have no value


def draw_scans(rng: np.random.Generator, population: Population, body: Body, bones: Bones) -> list[Section]:
    """Draw the femur and the spine file of those examined who are old enough."""
    cycle = population.release.cycle
    rows = population.examined & (population.age >= FIRST_AGE[cycle])
    heavy = body.weight > HEAVIEST
    excluded = rows & (heavy | (population.pregnant & (cycle == FIRST)))
    excuse = np.where(heavy, 4.0, 3.0)
    no_femur, no_spine = _not_scanned(rng, population, body, rows & ~excluded)
    femur = _femur(
        rng, population, body, bones, rows, np.where(excluded, excuse, np.where(no_femur, 5.0, 0.0))
    )
    spine = _spine(
        rng, population, body, bones, rows, np.where(excluded, excuse, np.where(no_spine, 5.0, 0.0))
    )
    return [femur, spine]


def _not_scanned(
    rng: np.random.Generator, population: Population, body: Body, able: BoolArray
) -> tuple[BoolArray, BoolArray]:
    cycle, release = population.release.cycle, population.release
    late = np.select([population.age >= 80, population.age >= 70], [1.2, 0.45], 0.0)
    reluctance = late + np.where(body.measured, 0.0, 3.2) + 0.15 * (body.bmi > 40)
    both = np.zeros(population.size, dtype=bool)
    share = release.share("DXXFEM", "DXAFMRST", "5") - ONLY_FEMUR[cycle]
    both[able] = yes(rng, reluctance[able], share)
    place = rng.random(population.size)
    femur_alone = able & ~both & (place < ONLY_FEMUR[cycle])
    spine_alone = able & ~both & (place > 1 - ONLY_SPINE[cycle])
    return both | femur_alone, both | spine_alone


def _femur(
    rng: np.random.Generator,
    population: Population,
    body: Body,
    bones: Bones,
    rows: BoolArray,
    status: FloatArray,
) -> Section:
    release = population.release
    scanned = rows & (status == 0)
    invalid = np.zeros(population.size, dtype=bool)
    share = release.share("DXXFEM", "DXAFMRST", "2")
    valid_share = release.share("DXXFEM", "DXAFMRST", "1")
    invalid[scanned] = yes(rng, 0.14 * (body.bmi[scanned] - 28), share / (share + valid_share))
    status = np.where(scanned, np.where(invalid, 2.0, 1.0), status)
    valid = scanned & ~invalid
    reasons = _reasons(rng, population, "DXXFEM", "DXXFMBCC")
    columns = {
        "SEQN": population.seqn,
        "DXAFMRST": status,
        "DXXFMBCC": only(scanned, np.where(invalid, reasons, 0.0)),
        **{site: only(valid, np.round(bones.density[site], 3)) for site in FEMUR_SITES},
    }
    if release.cycle == SECOND:
        candidates = np.flatnonzero(valid & population.woman)
        for person, values in zip(rng.choice(candidates, 2, replace=False), IMPOSSIBLE_FEMUR, strict=True):
            for site, value in values.items():
                columns[site][person] = value
    return Section("DXXFEM", rows, columns)


def _spine(
    rng: np.random.Generator,
    population: Population,
    body: Body,
    bones: Bones,
    rows: BoolArray,
    status: FloatArray,
) -> Section:
    release, age = population.release, population.age
    scanned = rows & (status == 0)
    wear = 0.030 * (age - 60) - 2.3 * (age < 50) + 0.4 * ~population.woman + 0.012 * (body.bmi - 28)
    some, all_valid = release.share("DXXSPN", "DXASPNST", "2"), release.share("DXXSPN", "DXASPNST", "1")
    invalid = np.zeros(population.size, dtype=bool)
    invalid[scanned] = yes(rng, wear[scanned], some / (some + all_valid))
    columns = {
        "SEQN": population.seqn,
        "DXASPNST": np.where(scanned, np.where(invalid, 2.0, 1.0), status),
        "DXXOSBCC": only(scanned, invalid.astype(np.float64)),
    }
    pattern = one_of(rng, range(len(PATTERNS)), PATTERN_SHARES, population.size).astype(np.int64)
    faulty = np.array([[mark == "1" for mark in text] for text in PATTERNS])[pattern] & invalid[:, None]
    content, area = np.zeros(population.size), np.zeros(population.size)
    for index, vertebra in enumerate(VERTEBRAE):
        bad = faulty[:, index]
        columns[f"DXX{vertebra}BCC"] = only(
            scanned, np.where(bad, _reasons(rng, population, "DXXSPN", f"DXX{vertebra}BCC"), 0.0)
        )
        lost = invalid & (rng.random(population.size) < VALID_WITHOUT_VALUE * 3) & (release.cycle == SECOND)
        own_area = np.round(bones.area[vertebra], 2)
        own_content = np.round(bones.density[f"DXX{vertebra}BMD"] * own_area, 2)
        valued = scanned & ~bad & ~lost
        columns[f"DXX{vertebra}BMD"] = only(valued, np.round(own_content / own_area, 3))
        columns[f"DXX{vertebra}BMC"] = only(valued, own_content)
        columns[f"DXX{vertebra}A"] = only(valued, own_area)
        content, area = content + own_content, area + own_area
    whole = scanned & ~invalid
    columns["DXXOSBMD"] = only(whole, np.round(content / area, 3))
    columns["DXXOSBMC"] = only(whole, np.round(content, 2))
    columns["DXXOSA"] = only(whole, np.round(area, 2))
    if release.cycle == SECOND:
        zero = rng.choice(np.flatnonzero(invalid & np.isfinite(columns["DXXL1BMD"])))
        for suffix in ("BMD", "BMC", "A"):
            columns[f"DXXL1{suffix}"][zero] = 0.0
    return Section("DXXSPN", rows, columns)


def _reasons(rng: np.random.Generator, population: Population, component: str, variable: str) -> FloatArray:
    """Draw invalidity codes."""
    counts = population.release.counts(component, variable)
    codes: Sequence[str] = [code for code in counts if code not in (".", "0")]
    return one_of(rng, [float(code) for code in codes], [counts[code] for code in codes], population.size)
