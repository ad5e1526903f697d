"""Data and options that the WQS tests share."""

import numpy as np
import pandas as pd
import pytest
from tests.support.paths import FIXTURES

EXPOSURES = ("pb", "cd", "hg", "se", "mn")
COVARIATES = ("age", "bmi", "pir", "race_nhb", "race_hisp", "race_oth", "smoke", "active")


@pytest.fixture(scope="session")
def sim905() -> pd.DataFrame:
    return pd.read_csv(FIXTURES / "sim905.csv")


@pytest.fixture(scope="session")
def model() -> dict:
    return {"outcome": "osteo", "exposures": EXPOSURES, "covariates": COVARIATES, "family": "binomial"}


@pytest.fixture
def toy() -> pd.DataFrame:
    """120 rows whose outcome rises with a and b and falls with c."""
    generator = np.random.default_rng(20)
    n = 120
    data = pd.DataFrame({name: generator.lognormal(size=n) for name in "abcd"})
    data["z"] = generator.normal(size=n)
    data["group"] = np.where(generator.random(n) < 0.5, "men", "women")
    ranks = data[list("abc")].rank() / n
    eta = 2.0 * ranks["a"] + 1.5 * ranks["b"] - 1.5 * ranks["c"] + 0.3 * data["z"]
    data["y"] = eta + generator.normal(size=n)
    data["event"] = (generator.random(n) < 1 / (1 + np.exp(-(eta - eta.mean())))).astype(float)
    data["count"] = generator.poisson(np.exp(eta - eta.mean() + 0.5)).astype(float)
    data["person"] = np.arange(n)
    return data
