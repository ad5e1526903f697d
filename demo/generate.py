"""Write the synthetic files: every file of the catalogue, both releases, from one seed.

Each part draws from its own stream, named by release and part, so that a change in one part leaves
the others as they were (except where one depends on the other, as bone does on metals).
"""

from pathlib import Path

import numpy as np
import pandas as pd

from demo.body import draw_body
from demo.bone import draw_bones
from demo.design import draw_design, draw_metal_subsample, draw_weights
from demo.draws import FloatArray
from demo.errors import DemoError
from demo.laboratory import draw_biochemistry, draw_blood, draw_cotinine, draw_vitamin_d
from demo.metals import draw_metals, metals_section
from demo.population import draw_population
from demo.questionnaires import (
    draw_alcohol,
    draw_answered,
    draw_interview,
    draw_osteoporosis_interview,
    draw_smoking,
)
from demo.release import FIRST, Release, Section, read_releases
from demo.reproduction import draw_reproduction
from demo.scans import draw_scans
from demo.write_page import write_page
from demo.write_transport import write_transport
from mixepi.random_streams import random_stream

DEFAULT_PEOPLE = 25_735  # as many as the real files have; sequence numbers allow no more
SMALLEST = 1_000  # below this PSUs and questions without anybody become likely
DEFAULT_SEED = 20_130_101


def check_people(people: object) -> int:
    """Return a number of people that can be generated; raises `DemoError` if it is none."""
    if not isinstance(people, int) or not SMALLEST <= people <= DEFAULT_PEOPLE:
        raise DemoError(
            f"expected between {SMALLEST} and {DEFAULT_PEOPLE} people, found {people!r}: below, strata and "
            "files would be empty; above, sequence numbers would leave the range of their release"
        )
    return people


def write_demo_files(directory: Path, *, people: int = DEFAULT_PEOPLE, seed: int = DEFAULT_SEED) -> None:
    """Write all files of the catalogue as ``<directory>/<cycle>/<NAME>.XPT``, and a page beside each.

    The same `people` and `seed` give the same bytes.

    Parameters
    ----------
    directory : pathlib.Path
        Created where absent; files of the same name are replaced.
    people : int
        People over both releases together, split as in the real ones.
    seed : int
        Non-negative seed of everything that is drawn.

    Raises
    ------
    DemoError
        If `people` is too small for the design or exceeds the real sequence numbers, or if the
        catalogue has a release, file or variable that the generator does not know.
    """
    check_people(people)
    releases = read_releases()
    total = sum(release.people for release in releases)
    for release in releases:
        share = round(people * release.people / total)
        frames = _frames(release, draw_release(release, people=share, seed=seed))
        folder = directory / release.cycle
        folder.mkdir(parents=True, exist_ok=True)
        for name, frame in frames.items():
            labels, codes = release.labels[name], release.codes.get(name, {})
            write_transport(frame, folder / f"{name}.XPT", table=name, labels=labels)
            write_page(frame, folder / f"{name}.htm", file=name, labels=labels, codes=codes)


def _frames(release: Release, sections: list[Section]) -> dict[str, pd.DataFrame]:
    """Return the files of the catalogue, with its columns; refuse what the generator does not know."""
    drawn = {release.files[section.component]: section for section in sections}
    wanted = {(name, column) for name, labels in release.labels.items() for column in labels}
    known = {(name, column) for name, section in drawn.items() for column in section.columns}
    if wanted - known:
        listed = ", ".join(f"{name}.{column}" for name, column in sorted(wanted - known))
        raise DemoError(
            f"expected to know every variable of the catalogue, found {listed} without a rule: "
            "add it to the part of demo/ that draws its file"
        )
    return {
        name: pd.DataFrame({column: drawn[name].columns[column][drawn[name].rows] for column in labels})
        for name, labels in release.labels.items()
    }


def draw_release(release: Release, *, people: int, seed: int) -> list[Section]:
    """Draw every file of one release.

    Parameters
    ----------
    release : Release
        What is published about it.
    people : int
        How many people it has.
    seed : int
        Seed of everything.

    Returns
    -------
    list of Section
        One per file of the release.
    """

    def stream(part: str) -> np.random.Generator:
        return random_stream(seed, "demo", release.cycle, part)

    population, demographics = draw_population(stream("population"), release, people)
    demographics["SDMVSTRA"], demographics["SDMVPSU"] = draw_design(stream("design"), population)
    interview_weight, mec_weight = draw_weights(stream("weights"), population)
    demographics.update(_weight_columns(release, interview_weight, mec_weight))
    body, body_section = draw_body(stream("body"), population)
    smoking, smoking_section = draw_smoking(stream("smoking"), population)
    metals = draw_metals(stream("metals"), population, body, smoking)
    bones = draw_bones(stream("bones"), population, body, metals)
    drawn = draw_blood(stream("blood"), population)
    answered = draw_answered(stream("answered"), population)
    subsample = None
    if release.cycle == FIRST:
        subsample = draw_metal_subsample(stream("subsample"), population, mec_weight)
    neck = bones.density["DXXNKBMD"]
    sections = [
        Section("DEMO", np.ones(people, dtype=bool), demographics),
        body_section,
        smoking_section,
        *draw_interview(stream("interview"), population, body),
        draw_osteoporosis_interview(stream("osteoporosis"), population, body, neck),
        draw_alcohol(stream("alcohol"), population, answered),
        draw_reproduction(stream("reproduction"), population, answered),
        metals_section(stream("metals file"), population, metals, drawn, subsample),
        draw_cotinine(stream("cotinine"), population, smoking, drawn),
        draw_biochemistry(stream("biochemistry"), population, drawn),
        draw_vitamin_d(stream("vitamin d"), population, drawn),
        *draw_scans(stream("scans"), population, body, bones),
    ]
    return [section for section in sections if section.component in release.files]


def _weight_columns(release: Release, interview: FloatArray, mec: FloatArray) -> dict[str, FloatArray]:
    suffix = "2YR" if release.cycle == FIRST else "PRP"
    return {f"WTINT{suffix}": interview, f"WTMEC{suffix}": mec}
