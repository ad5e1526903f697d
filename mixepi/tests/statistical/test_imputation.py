"""Does multiple imputation give back the truth, with intervals that hold it as often as they say?"""

import numpy as np
import pandas as pd
import pytest

from mixepi.fan_out import fan_out
from mixepi.imputation import impute, pool
from mixepi.random_streams import random_stream
from mixepi.regression import RegressionSpec, fit_regression

pytestmark = pytest.mark.statistical

REPLICATIONS = 120
SLOPES = {"x": 0.5, "smoking[b]": 0.8}


def simulated(mechanism: str, replication: int) -> pd.DataFrame:
    """y on x and a factor that follows x; three tenths of x and of the factor missing, by chance or by y."""
    rng = random_stream(1, "imputation simulation", mechanism, replication)
    n = 400
    x = rng.normal(0, 1, n)
    smoking = np.array(["a", "b", "c"])[np.digitize(0.7 * x + rng.normal(0, 1, n), [-0.5, 0.5])]
    y = 0.5 * x + 0.8 * (smoking == "b") - 0.4 * (smoking == "c") + rng.normal(0, 1, n)
    chance = np.full(n, 0.3) if mechanism == "mcar" else 0.6 / (1 + np.exp(-1.5 * (y - y.mean())))
    frame = pd.DataFrame({"y": y, "x": x, "smoking": smoking})
    frame.loc[rng.random(n) < chance, "x"] = None
    frame.loc[rng.random(n) < chance, "smoking"] = None
    return frame


def estimates(task: tuple[str, int]) -> pd.DataFrame:
    frame = simulated(*task)
    spec = RegressionSpec(outcome="y", exposures=("x",), covariates=("smoking",))
    tables = [
        fit_regression(spec, done).estimates().set_index("term")
        for done in impute(frame, ["y", "x", "smoking"], imputations=5, seed=task[1])
    ]
    complete_cases = fit_regression(spec, frame.dropna()).estimates().set_index("term")
    rows = []
    for term, truth in SLOPES.items():
        pooled = pool(
            [table.loc[term, "estimate"] for table in tables],
            [table.loc[term, "std_error"] for table in tables],
            df_complete=len(frame) - 4,
        )
        low, high = pooled.interval()
        rows.append(
            (term, truth, pooled.estimate, low <= truth <= high, complete_cases.loc[term, "estimate"])
        )
    return pd.DataFrame(rows, columns=["term", "truth", "estimate", "covered", "complete_cases"])


@pytest.mark.parametrize("mechanism", ["mcar", "mar"])
def test_imputation_is_unbiased_and_covers(mechanism):
    tasks = [(mechanism, replication) for replication in range(REPLICATIONS)]
    found = pd.concat(fan_out(estimates, tasks, description=f"imputation, {mechanism}"))
    for term, rows in found.groupby("term"):
        bias = rows["estimate"].mean() - rows["truth"].iloc[0]
        alone = rows["complete_cases"].mean() - rows["truth"].iloc[0]
        print(f"{mechanism} {term}: bias {bias:.3f} (complete cases {alone:.3f}), "
              f"coverage {rows['covered'].mean():.3f}")  # fmt: skip
        assert abs(bias) < 0.05
        assert 0.90 <= rows["covered"].mean() <= 0.99
        if mechanism == "mar":
            assert abs(bias) < abs(alone)
