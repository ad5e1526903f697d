"""The synthetic files of the default size, and the study's cohort computed from them by plain pandas."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from demo import write_demo_files

ROOT = Path(__file__).resolve().parents[2]
METALS = {"Pb": "LBXBPB", "Cd": "LBXBCD", "Hg": "LBXTHG", "Se": "LBXBSE", "Mn": "LBXBMN"}
# Looker 1998, and for the spine Hologic: mean and SD of young women, g/cm2.
REFERENCE = {
    "DXXNKBMD": (0.858, 0.120),
    "DXXOFBMD": (0.942, 0.122),
    "DXXTRBMD": (0.709, 0.099),
    "DXXOSBMD": (1.047, 0.110),
}


def read_files(directory: Path) -> dict[str, pd.DataFrame]:
    """Read every transport file under `directory`, by name."""
    paths = sorted(directory.glob("*/*.XPT"))
    return {path.stem: pyreadstat.read_xport(path)[0] for path in paths}


def join_people(files: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Join all files of each release by sequence number, one row per person."""
    releases = []
    for cycle, base in (("2013-2014", "DEMO_H"), ("2017-2020", "P_DEMO")):
        people = files[base]
        for name, frame in files.items():
            if name != base and name.startswith("P_") == (cycle == "2017-2020"):
                people = people.merge(frame, on="SEQN", how="left", validate="1:1")
        first = cycle == "2013-2014"
        releases.append(
            people.assign(
                cycle=cycle,
                marital=people["DMDMARTL" if first else "DMDMARTZ"],
                drinking=people["ALQ120Q" if first else "ALQ121"],
            )
        )
    return pd.concat(releases, ignore_index=True)


def select_cohort(people: pd.DataFrame) -> pd.DataFrame:
    """Select the study's women (peng2025) and say who has osteoporosis."""
    t_scores = pd.DataFrame({site: (people[site] - mean) / sd for site, (mean, sd) in REFERENCE.items()})
    eligible = (
        (people["RIAGENDR"] == 2)
        & (people["RIDAGEYR"] >= 50)
        & (people["RIDSTATR"] == 2)
        & people["RHD043"].isin([3, 7])
        & people[list(METALS.values())].notna().all(axis=1)
        & people[["DXXOFBMD", "DXXOSBMD", "BMXBMI", "drinking"]].notna().all(axis=1)
        & (people["DMDEDUC2"] < 7)
        & (people["marital"] < 7)
        & (people["SMQ020"] < 7)
        & people["DIQ010"].isin([1, 2, 3])
        & people["BPQ020"].isin([1, 2])
    )
    logs = {f"log2_{metal}": np.log2(people[column]) for metal, column in METALS.items()}
    osteoporosis = (t_scores <= -2.5).any(axis=1).astype(float)
    return people.assign(osteoporosis=osteoporosis, **logs)[eligible].reset_index(drop=True)


@pytest.fixture(scope="session")
def demo_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic files of the default size and seed."""
    directory = tmp_path_factory.mktemp("demo")
    write_demo_files(directory)
    return directory


@pytest.fixture(scope="session")
def files(demo_directory: Path) -> dict[str, pd.DataFrame]:
    """The files of the default size, by name."""
    return read_files(demo_directory)


@pytest.fixture(scope="session")
def people(files: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per person of both releases."""
    return join_people(files)


@pytest.fixture(scope="session")
def cohort(people: pd.DataFrame) -> pd.DataFrame:
    """The study's women."""
    return select_cohort(people)


@pytest.fixture(scope="session")
def make_cohort() -> Callable[[dict[str, pd.DataFrame]], pd.DataFrame]:
    """Select the study's women from any set of files."""
    return lambda frames: select_cohort(join_people(frames))
