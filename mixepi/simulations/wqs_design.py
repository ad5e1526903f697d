"""WQS under a survey design over many data sets: ``python -m simulations.wqs_design``.

Type-I error, power and coverage of the index when people of a primary sampling unit (PSU) are alike, in
exposures and in the outcome: splits of rows, of PSUs and of whole strata, repeated holdout, the permutation
test, and quantile g-computation. Writes mixepi/docs/wqs-design-simulation.md.
"""

import argparse
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from mixepi import (
    WQS,
    HoldoutOptions,
    PermutationOptions,
    QGComp,
    RegressionSpec,
    fit_qgcomp,
    fit_regression,
    fit_repeated_holdout_wqs,
    fit_wqs,
    permutation_test_wqs,
    projection_test_wqs,
)
from mixepi.errors import EstimationError, MixepiWarning
from mixepi.fan_out import fan_out
from mixepi.random_streams import random_stream
from simulations.wqs import DOCS, markdown

EXPOSURES = ("x1", "x2", "x3", "x4", "x5")
STRATA, PSUS, PEOPLE = 15, 30, 20  # a release of NHANES has 15 strata of two PSUs
DESIGN = {"weights": "w", "strata": "stratum", "psu": "psu"}
LEVEL = 0.05
ROWS, PSU_SIDES, WHOLE = "split of rows", "split of PSUs, one of each stratum", "split of strata"
HOLDOUT, PERMUTATION = "repeated holdout, percentiles", "permutation of rows"
PROJECTION, QGCOMP = "projection, no split", "qgcomp"


@dataclass(frozen=True)
class Scenario:
    """Shares of variance between PSUs and between strata, and the effect of one quantile of all exposures."""

    psu_share: float
    stratum_share: float
    effect: float


SCENARIOS = (
    Scenario(0.0, 0.0, 0.0),
    Scenario(0.1, 0.0, 0.0),
    Scenario(0.33, 0.0, 0.0),
    Scenario(0.1, 0.1, 0.0),
    Scenario(0.0, 0.0, 0.2),
    Scenario(0.1, 0.0, 0.2),
    Scenario(0.33, 0.0, 0.2),
)


def simulate(scenario: Scenario, generator: np.random.Generator) -> pd.DataFrame:
    """Draw exposures and an outcome of variance 1 (without the effect), weights from 1 to 3.

    Two of the five exposures have the effect, half each.
    """
    place = np.repeat(np.arange(PSUS), PEOPLE)
    n, within = place.size, 1 - scenario.psu_share - scenario.stratum_share

    def clustered(columns: int) -> np.ndarray:
        return (
            np.sqrt(scenario.stratum_share) * generator.normal(size=(STRATA, columns))[place // 2]
            + np.sqrt(scenario.psu_share) * generator.normal(size=(PSUS, columns))[place]
            + np.sqrt(within) * generator.normal(size=(n, columns))
        )

    data = pd.DataFrame(np.exp(clustered(5)), columns=EXPOSURES)
    scores = np.floor(4 * (data[["x1", "x2"]].rank() - 1) / n).to_numpy()
    y = clustered(1)[:, 0] + scores @ np.full(2, scenario.effect / 2)
    return data.assign(
        y=y, w=generator.uniform(1, 3, n), stratum=place // 2, psu=place % 2, place=place, one=1
    )


def one_data_set(seed: int, bootstraps: int, task: tuple[int, int]) -> list[dict[str, object]]:
    """Return one row per method for data set `task[1]` of scenario `task[0]`."""
    warnings.simplefilter("ignore", MixepiWarning)
    scenario, number = SCENARIOS[task[0]], task[1]
    data = simulate(scenario, random_stream(seed, "wqs design", task[0], number))
    mixture = {"outcome": "y", "exposures": EXPOSURES}
    spec = WQS(**mixture, **DESIGN, bootstraps=bootstraps)
    plain = replace(spec, strata=None, psu=None)

    def tested(table: pd.DataFrame, term: str) -> tuple[bool, bool]:
        row = table.set_index("term").loc[term]
        covers = row["conf_low"] <= scenario.effect <= row["conf_high"]
        return bool(row["p_value"] < 2 * LEVEL and row["estimate"] > 0), bool(covers)

    def rows() -> tuple[bool, bool]:
        fit = fit_wqs(plain, data, seed=number)
        scored = data.assign(wqs=fit.index(data)["wqs"], domain=fit.validation_rows)
        final = RegressionSpec(outcome="y", exposures=("wqs",), **DESIGN, domain="domain")
        return tested(fit_regression(final, scored).estimates(), "wqs")

    def sides() -> tuple[bool, bool]:
        side = random_stream(seed, "side", task[0], number).integers(0, 2, STRATA)
        chosen = (data["psu"] == side[data["stratum"]]).to_numpy()
        whole = replace(spec, strata="one", psu="place")
        return tested(fit_wqs(whole, data, seed=number, validation_rows=chosen).estimates(), "wqs")

    def strata() -> tuple[bool, bool]:
        return tested(fit_wqs(spec, data, seed=number).estimates(), "wqs")

    def holdout() -> tuple[bool, bool]:
        options = HoldoutOptions(holdouts=40, workers=1, progress=False)
        drawn = fit_repeated_holdout_wqs(spec, data, seed=number, options=options).coefficients[:, 1]
        low, high = np.quantile(drawn, [0.025, 0.975])
        return bool(np.quantile(drawn, LEVEL) > 0), bool(low <= scenario.effect <= high)

    def permutation() -> tuple[bool, bool | None]:
        options = PermutationOptions(permutations=39, workers=1, progress=False)
        found = permutation_test_wqs(replace(plain, bootstraps=5), data, seed=number, options=options)
        return found.p_value <= LEVEL, None

    def projection() -> tuple[bool, bool | None]:
        return projection_test_wqs(spec, data, seed=number).p_value < LEVEL, None

    def qgcomp() -> tuple[bool, bool]:
        return tested(fit_qgcomp(QGComp(**mixture, **DESIGN), data).estimates(), "psi1")

    methods = {
        ROWS: rows,
        PSU_SIDES: sides,
        WHOLE: strata,
        HOLDOUT: holdout,
        PERMUTATION: permutation,
        PROJECTION: projection,
        QGCOMP: qgcomp,
    }
    results = []
    for method, fit in methods.items():
        try:
            rejects, covers = fit()
        except EstimationError:
            # No index in the direction: the analyst reports no association, and has no interval.
            rejects, covers = False, None
        results.append({"scenario": task[0], "method": method, "rejects": rejects, "covers": covers})
    return results


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rejection rate and coverage, each with its Monte-Carlo error, per scenario and method."""
    tables = []
    for (number, method), part in rows.groupby(["scenario", "method"], sort=False):
        rate = part["rejects"].mean()
        known = part["covers"].dropna().astype(float)
        coverage = known.mean() if len(known) else np.nan
        scenario = SCENARIOS[int(str(number))]
        tables.append(
            {
                "between PSUs": scenario.psu_share,
                "between strata": scenario.stratum_share,
                "effect": scenario.effect,
                "method": method,
                "data sets": len(part),
                "rejects": rate,
                "its error": np.sqrt(rate * (1 - rate) / len(part)),
                "coverage": coverage,
                "error": np.sqrt(coverage * (1 - coverage) / max(len(known), 1)),
            }
        )
    return pd.DataFrame(tables)


def run(
    data_sets: int,
    seed: int,
    bootstraps: int,
    workers: int | None = None,
    scenarios: Sequence[Scenario] = SCENARIOS,
) -> pd.DataFrame:
    """Return the table of some scenarios, of `SCENARIOS`."""
    tasks = [(SCENARIOS.index(scenario), k) for scenario in scenarios for k in range(data_sets)]
    found = fan_out(
        partial(one_data_set, seed, bootstraps), tasks, workers=workers, description="WQS under a design"
    )
    return summarise(pd.DataFrame([row for rows in found for row in rows]))


def main() -> None:
    """Run all scenarios and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-sets", type=int, default=1000, help="per scenario")
    parser.add_argument("--bootstraps", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=None)
    chosen = parser.parse_args()
    table = run(chosen.data_sets, chosen.seed, chosen.bootstraps, chosen.workers)
    (DOCS / "wqs-design-simulation.md").write_text(
        f"""# Simulation: WQS under a survey design

Written by `python -m simulations.wqs_design` (seed {chosen.seed}, {chosen.data_sets} data sets per scenario,
{PSUS * PEOPLE} people each: {STRATA} strata of two PSUs of {PEOPLE}, weights from 1 to 3, 5 exposures, q = 4,
{chosen.bootstraps} bootstraps). `between PSUs` and `between strata` are shares of the variance of every
exposure and of the outcome. `effect` is that of one quartile of all exposures; two of five have it. `rejects`
is the share of data sets in which a positive index (psi for qgcomp) is found, one-sided, nominal {LEVEL};
`coverage` that of 95 % intervals for `effect`. Both with their Monte-Carlo error.

{markdown(table)}
"""
    )
    print(table.to_string())


if __name__ == "__main__":
    main()
