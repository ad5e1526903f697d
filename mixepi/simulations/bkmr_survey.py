"""How often BKMR's intervals under a survey design hold the truth: ``python -m simulations.bkmr_survey``.

Samples of small populations, stratified and clustered, with weights that go with the outcome; and outcomes
simulated for the strata, PSUs and weights of a real survey (--design, a table with columns stratum, psu,
weight). Keeps what was found in --records, and writes its table to mixepi/docs/bkmr-survey-simulation.md.
"""

import argparse
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from mixepi import BKMR, ChainOptions, fit_bkmr
from mixepi.arrays import FloatArray
from mixepi.errors import MixepiWarning
from mixepi.fan_out import fan_out
from mixepi.random_streams import random_stream

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "bkmr-survey-simulation.md"
EXPOSURES = ("z1", "z2", "z3")
# Which of them have no effect.
WITHOUT_EFFECT = {"strong": ("z3",), "linear": ("z3",), "weak": ("z2", "z3"), "null": EXPOSURES}
# Of a synthetic population: 15 strata of 2 PSUs, as a cycle of NHANES; people per PSU, and drawn of each.
STRATA, PSUS, PEOPLE, TAKEN = 15, 2, 60, 14
# The posterior mean then has a Monte-Carlo error of about a tenth of the posterior's sd.
SHORT = ChainOptions(chains=2, warmup=100, draws=100, workers=1, progress=False)
LEVEL = 0.95

SURFACES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "strong": lambda z: 0.6 * np.tanh(z[:, 0]) + 0.25 * z[:, 0] * z[:, 1],
    "linear": lambda z: 0.35 * z[:, 0] + 0.2 * z[:, 1],
    "weak": lambda z: 0.15 * z[:, 0],
    "null": lambda z: np.zeros(len(z)),
}


@dataclass(frozen=True, kw_only=True)
class Population:
    """What is sampled.

    Attributes
    ----------
    name, surface : str
    icc_outcome, icc_exposure : float
        Share of the variance between PSUs.
    modified : float
        By how much the surface is steeper in the group that is sampled more often, as a share of it; its mean
        over the population is the surface.
    oversampled : float
        Log of how much likelier that group is to be drawn, over 1.25.
    tail : float
        How much likelier people with a low outcome are to be drawn.
    strata : float
        Sd of the strata's means.
    real : bool
        Strata, PSUs and weights are those of a table.
    """

    name: str
    surface: str
    icc_outcome: float = 0.0
    icc_exposure: float = 0.0
    modified: float = 0.0
    oversampled: float = 0.0
    tail: float = 1.0
    strata: float = 0.0
    real: bool = False


INFORMATIVE = {
    "icc_outcome": 0.08,
    "icc_exposure": 0.25,
    "modified": 1.0,
    "oversampled": 1.0,
    "tail": 2.5,
    "strata": 0.3,
}
POPULATIONS = (
    Population(name="strong", surface="strong", **INFORMATIVE),
    Population(name="no effect", surface="null", **INFORMATIVE),
    Population(name="weak", surface="weak", **INFORMATIVE),
    Population(
        name="clustered", surface="linear", icc_outcome=0.2, icc_exposure=0.5, oversampled=0.6, strata=0.3
    ),
    Population(name="weak, independent", surface="weak"),
    Population(
        name="real design, linear",
        surface="linear",
        icc_outcome=0.03,
        icc_exposure=0.15,
        modified=0.5,
        strata=0.2,
        real=True,
    ),
    Population(
        name="real design, no effect",
        surface="null",
        icc_outcome=0.03,
        icc_exposure=0.15,
        modified=0.5,
        strata=0.2,
        real=True,
    ),
)


def _exposures(population: Population, rows: int, rng: np.random.Generator) -> FloatArray:
    """Exposures of one PSU, correlated 0.4."""
    root = np.linalg.cholesky(0.4 * np.ones((3, 3)) + 0.6 * np.eye(3))
    share = population.icc_exposure
    common = np.sqrt(share) * root @ rng.normal(size=3)
    return np.asarray(common + np.sqrt(1 - share) * rng.normal(size=(rows, 3)) @ root.T)


def _outcome(
    population: Population, z: FloatArray, group: FloatArray, share: float, rng: np.random.Generator
) -> FloatArray:
    """Outcomes of one PSU; `group` is 1 in the group of which the population has `share`."""
    effect = SURFACES[population.surface](z) * (1 + population.modified * (group - share))
    level = -0.4 * (group - share) if population.modified else 0.0
    icc = population.icc_outcome
    common = np.sqrt(icc) * rng.normal()
    return np.asarray(effect + level + common + np.sqrt(1 - icc) * rng.normal(size=len(z)))


def synthetic_sample(population: Population, rng: np.random.Generator) -> pd.DataFrame:
    """A stratified sample in two stages; within PSUs systematic, with probability by size."""
    # The strata are the same in every sample.
    fixed = np.random.default_rng(20_240_501)
    means = population.strata * fixed.normal(size=STRATA)
    sizes = np.exp(0.5 * fixed.normal(size=STRATA)) if population.oversampled else np.ones(STRATA)
    parts = []
    for stratum in range(STRATA):
        for psu in range(PSUS):
            z = _exposures(population, PEOPLE, rng)
            group = (rng.random(PEOPLE) < 0.3).astype(float)
            y = means[stratum] + _outcome(population, z, group, 0.3, rng)
            size = np.exp(1.25 * group * population.oversampled) * np.where(y < -0.8, population.tail, 1.0)
            chance = np.minimum(TAKEN * size / size.sum(), 0.999)
            order = rng.permutation(PEOPLE)
            along = np.cumsum(chance[order])
            taken = order[np.searchsorted(along, np.arange(rng.random(), along[-1], 1.0))]
            part = pd.DataFrame(z[taken], columns=list(EXPOSURES))
            parts.append(
                part.assign(y=y[taken], weight=sizes[stratum] / chance[taken], stratum=stratum, psu=psu)
            )
    return pd.concat(parts, ignore_index=True)


def sample_on(design: pd.DataFrame, population: Population, rng: np.random.Generator) -> pd.DataFrame:
    """Exposures and outcomes for the strata, PSUs and weights of a table.

    The group that is sampled more often are the people whose weight is below the median of their PSU.
    """
    fixed = np.random.default_rng(20_240_501)
    parts = []
    low = design["weight"] < design.groupby(["stratum", "psu"])["weight"].transform("median")
    share = float(design["weight"][low].sum() / design["weight"].sum())
    for _, stratum in design.assign(group=low.astype(float)).groupby("stratum"):
        mean = population.strata * fixed.normal()
        for _, people in stratum.groupby("psu"):
            z = _exposures(population, len(people), rng)
            y = mean + _outcome(population, z, people["group"].to_numpy(), share, rng)
            parts.append(people.assign(y=y, **dict(zip(EXPOSURES, z.T, strict=True))))
    return pd.concat(parts, ignore_index=True)


def one_sample(
    design: pd.DataFrame | None, seed: int, task: tuple[Population, int]
) -> list[dict[str, object]]:
    """One row per engine for sample `task[1]` of a population."""
    warnings.simplefilter("ignore", MixepiWarning)
    population, number = task
    rng = random_stream(seed, "bkmr-survey", population.name, number)
    if population.real:
        assert design is not None
        data = sample_on(design, population, rng)
    else:
        data = synthetic_sample(population, rng)
    plain = BKMR(outcome="y", exposures=EXPOSURES, scale=False)
    weighted = replace(plain, weights="weight", strata="stratum", psu="psu")
    rows = []
    for engine, spec in (("unweighted", plain), ("survey", weighted)):
        fit = fit_bkmr(spec, data, seed=number, options=SHORT)
        table = fit.overall(quantiles=(0.75,), fixed=0.25, draws=200).iloc[0]
        points = np.quantile(data[list(EXPOSURES)].to_numpy(), [0.25, 0.75], axis=0)
        surface = SURFACES[population.surface](points)
        pips = fit.pips()["pip"].to_numpy()
        rows.append(
            {
                "population": population.name,
                "sample": number,
                "engine": engine,
                "rows": len(data),
                "kish": fit.model.size,
                "truth": surface[1] - surface[0],
                "estimate": table["estimate"],
                "posterior_std_error": table.get("posterior_std_error", table["std_error"]),
                "jackknife_std_error": table.get("jackknife_std_error", np.nan),
                "design_effect": table.get("design_effect", np.nan),
                "df": table.get("df", np.nan),
                "conf_low": table["conf_low"],
                "conf_high": table["conf_high"],
                **{f"pip_{name}": pip for name, pip in zip(EXPOSURES, pips, strict=True)},
            }
        )
    return rows


def coverage_table(records: pd.DataFrame) -> pd.DataFrame:
    """One row per population: how often intervals hold the truth, their width, errors, inclusion."""
    rows = []
    for population in POPULATIONS:
        found = records[records["population"] == population.name]
        if not len(found):
            continue
        by_engine = {engine: found[found["engine"] == engine] for engine in ("unweighted", "survey")}
        survey = by_engine["survey"]
        # The interval of independent rows: what the pseudo-posterior says without a design effect.
        normal = float(stats.norm.ppf(0.5 * (1 + LEVEL)))
        error = (survey["estimate"] - survey["truth"]).abs()
        row: dict[str, object] = {
            "population": population.name,
            "samples": len(survey),
            "rows": f"{survey['rows'].mean():.0f}",
            "Kish's design effect": f"{(survey['rows'] / survey['kish']).mean():.2f}",
            "truth": f"{survey['truth'].mean():.2f}",
        }
        for engine, part in by_engine.items():
            covered = (part["conf_low"] <= part["truth"]) & (part["truth"] <= part["conf_high"])
            row[f"bias, {engine}"] = f"{(part['estimate'] - part['truth']).mean():+.2f}"
            row[f"covered, {engine}"] = f"{covered.mean():.2f}"
            row[f"width, {engine}"] = f"{(part['conf_high'] - part['conf_low']).mean():.2f}"
            pips = part[[f"pip_{name}" for name in WITHOUT_EFFECT[population.surface]]]
            row[f"PIP of no effect above 0.5, {engine}"] = f"{(pips > 0.5).to_numpy().mean():.2f}"
        row["covered, pseudo-posterior alone"] = (
            f"{(error <= normal * survey['posterior_std_error']).mean():.2f}"
        )
        rows.append(row)
    return pd.DataFrame(rows)


def page(records: pd.DataFrame) -> str:
    """The page of the documentation."""
    table = coverage_table(records).T
    samples = int(table.loc["samples"].min())
    largest = np.sqrt(0.05 * 0.95 / samples)
    lines = [
        "# BKMR under a survey design: simulation",
        "",
        "Written by `python -m simulations.bkmr_survey`. Samples of populations whose truth is known; each "
        "is asked for the effect of all exposures at their 75th against their 25th percentile. *Survey*: "
        "`weights`, `strata` and `psu` are named. *Unweighted*: the same data without. The nominal coverage "
        f"is 0.95; the Monte-Carlo error of a coverage of 0.95 is {largest:.2f}, of one of 0.80 "
        f"{np.sqrt(0.16 / samples):.2f}. Chains are short (2 x 100 draws), which adds about a tenth of the "
        "posterior's sd to each estimate.",
        "",
        "What the populations are: `POPULATIONS` of `mixepi/simulations/bkmr_survey.py`.",
        "",
        "| | " + " | ".join(table.loc["population"]) + " |",
        "| --- " * (table.shape[1] + 1) + "|",
    ]
    for name, values in table.drop(index="population").iterrows():
        lines.append(f"| {name} | " + " | ".join(map(str, values)) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Simulate, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=100, help="samples of each population; 0 for none")
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--design", type=Path, help="table of a real design: stratum, psu, weight")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--records", type=Path, required=True, help="table of samples; one that exists grows")
    chosen = parser.parse_args()
    design = None if chosen.design is None else pd.read_csv(chosen.design)
    populations = [p for p in POPULATIONS if design is not None or not p.real]
    numbers = range(chosen.first, chosen.first + chosen.samples)
    tasks = [(population, number) for number in numbers for population in populations]
    found = fan_out(
        partial(one_sample, design, chosen.seed), tasks, workers=chosen.workers, description="samples"
    )
    records = pd.DataFrame([row for rows in found for row in rows])
    if chosen.records.exists():
        records = pd.concat([pd.read_csv(chosen.records), records], ignore_index=True)
    records.to_csv(chosen.records, index=False)
    PAGE.write_text(page(records), encoding="utf-8")


if __name__ == "__main__":
    main()
