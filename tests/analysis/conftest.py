"""A small study of made-up people: two studies' tables as the warehouse hands them over."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from analysis.mixtures.plan import StudyTables
from tests.support.cluster import cluster_here

EXPOSURES = ("Cd", "Pb", "Se")


@pytest.fixture(scope="session")
def tables() -> StudyTables:
    generator = np.random.default_rng(20)
    n = 240
    seqn = np.arange(1, n + 1)
    cohort = pd.DataFrame(
        {
            "study": "small",
            "seqn": seqn,
            "strata": 1 + (seqn % 8),
            "psu": 1 + (seqn // 8 % 2),
            "age_years": generator.integers(50, 80, n).astype(float),
            "age_group": np.where(seqn <= 40, "50-59", "60-69"),
            "education": generator.choice(["low", "high"], n),
        }
    )
    values = {name: np.exp(generator.normal(size=n)) for name in EXPOSURES}
    exposures = pd.concat(
        pd.DataFrame(
            {
                "study": "small",
                "seqn": seqn,
                "exposure": name,
                "value": value,
                "weight_name": "blood_metals",
                "weight": np.where(seqn == 2, 0.0, 1.0 + seqn % 5),
            }
        )
        for name, value in values.items()
    )
    score = 0.8 * np.log(values["Cd"]) - 0.5 * np.log(values["Se"])
    outcomes = pd.concat(
        [
            pd.DataFrame(
                {
                    "study": "small",
                    "seqn": seqn,
                    "outcome": "osteoporosis",
                    "value": (score + generator.logistic(size=n) > 0).astype(float),
                }
            ),
            pd.DataFrame(
                {
                    "study": "small",
                    "seqn": seqn[5:],
                    "outcome": "bmd",
                    "value": (1 - 0.05 * score + 0.1 * generator.normal(size=n))[5:],
                }
            ),
        ]
    )
    design = pd.DataFrame(
        [("blood_metals", stratum, psu) for stratum in range(1, 10) for psu in (1, 2)],
        columns=["weight_name", "strata", "psu"],
    )
    return StudyTables(cohort=cohort, exposures=exposures, outcomes=outcomes, design=design)


@pytest.fixture
def fit() -> dict:
    """One row of a plan, quick to fit."""
    return {
        "study": "small",
        "method": "wqs",
        "outcome": "osteoporosis",
        "family": "binomial",
        "covariate_set": "age",
        "covariates": "age_years",
        "exposures": ";".join(EXPOSURES),
        "engine": "unweighted",
        "weight_name": "blood_metals",
        "direction": "positive",
        "procedure": "single_split",
        "subgroup": "all",
        "subgroup_variable": None,
        "level": None,
        "seed": 1,
        "events_per_exposure": 5,
        "bootstraps": 8,
        "holdouts": 3,
        "permutations": 19,
        "chains": 2,
        "warmup": 20,
        "draws": 30,
        "max_draws": 30,
        "summary_draws": 10,
        "grid": 4,
        "bivariate_grid": 3,
    }


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    with cluster_here() as address:
        yield address
