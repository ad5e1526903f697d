# ruff: noqa: E402  (the number of BLAS threads must be set before NumPy is imported)
"""Slow statistical checks of BKMR; under an hour on two cores.

`python -m tests.statistical.test_bkmr [--runs N] [--setting rough]` writes the table and picture in docs/. It
keeps every run in target/ (a folder for each state of the code), so that it may be stopped and started again.
"""

import argparse
import json
import os
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mixepi.bkmr.diagnostics import effective_size, mcse_mean
from mixepi.bkmr.likelihood.solver import Solver
from mixepi.bkmr.model.model import Model, Priors
from mixepi.bkmr.model.priors import GammaPrior, InclusionPrior, InverseGammaPrior, InverseUniformPrior
from mixepi.bkmr.sampler.chain import SURROGATE_RANK
from mixepi.bkmr.sampler.draws import Draws
from mixepi.bkmr.sampler.search import search
from mixepi.fan_out import fan_out
from mixepi.random_streams import random_stream
from tests.bkmr.support import chains, naive
from tests.support.paths import FIXTURES

pytestmark = pytest.mark.statistical

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REPLICATIONS = 200
RANKS = 20
PRIORS_OF_R = GammaPrior(0.6, 0.6)
FAMILIES = ("gaussian", "binomial")
PRIORS = Priors(
    lambda_=GammaPrior(2.0, 1.5),
    r=InverseUniformPrior(0.0, 10.0),
    inclusion=InclusionPrior(1.0, 1.0),
    sigma2=InverseGammaPrior(4.0, 3.0),
)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What calibration simulates: rows, exposures, priors."""

    n: int
    exposures: int
    priors: Priors


SETTINGS = {
    "default": Setting(n=60, exposures=3, priors=PRIORS),
    # r of shape 0.25 and mean 3, smooth and rough kernels alike: pairs of which neither exposure alone shows
    # anything occur, which the default prior draws once in 160,000.
    "rough": Setting(n=100, exposures=2, priors=replace(PRIORS, r=GammaPrior(3.0, 6.0))),
}


def simulate(family, rng, setting):
    """Parameters from the prior, then data; no covariates, because a flat prior cannot be drawn from."""
    N, M, priors = setting.n, setting.exposures, setting.priors
    z = rng.normal(size=(N, M))
    size = int(rng.integers(M + 1))
    r = np.zeros(M)
    chosen = rng.choice(M, size, replace=False)
    r[chosen] = priors.r.quantile(rng.random(size))
    lambda_ = float(priors.lambda_.quantile(rng.random()))
    sigma2 = 1.0 if family == "binomial" else priors.sigma2.rate / rng.gamma(priors.sigma2.shape)
    point = np.quantile(z, [[0.2], [0.8]], axis=0).reshape(2, M)
    k = naive.kernel(np.vstack([z, point]), r)
    h = np.linalg.cholesky(k + 1e-9 * np.eye(N + 2)) @ rng.normal(size=N + 2) * np.sqrt(lambda_ * sigma2)
    y = h[:N] + np.sqrt(sigma2) * rng.normal(size=N)
    if family == "binomial":
        y = (y > 0).astype(float)
    truth = {
        "lambda": lambda_,
        "sigma2": sigma2,
        "included": float(size),
        "r1": r[0],
        "h at 20 %": h[N],
        "h at 80 %": h[N + 1],
    }
    groups = tuple((m,) for m in range(M))
    model = Model(
        family=family,
        y=y,
        X=np.empty((N, 0)),
        z=z,
        groups=groups,
        select=True,
        priors=priors,
        intercept=False,
    )
    return model, point, truth


def one_replication(task):
    """Rank of the truth among thinned posterior draws (ties broken at random), and 80 % coverage of h."""
    family, number, name = task
    rng = random_stream(11, "sbc", family, number)
    model, point, truth = simulate(family, rng, SETTINGS[name])
    cap = 10 if name == "default" else SURROGATE_RANK
    modes = search((model, Solver("lowrank", 1e-3, 20), number))
    chain = chains.chain(
        model, seed=number, warmup=150, draws=RANKS * 15 - 1, solver="lowrank", cap=cap, modes=modes
    )
    chain.task = replace(chain.task, monitors=point)
    chain.state.draws = Draws.empty(model, RANKS * 15 - 1, len(point))
    while chain.state.sweep < 150 + RANKS * 15 - 1:
        chain.advance()
    draws = {name: value[14::15] for name, value in chain.state.draws.arrays().items()}
    found = {
        "lambda": draws["lambda_"],
        "sigma2": draws["sigma2"],
        "included": (draws["r"] > 0).sum(axis=1).astype(float),
        "r1": draws["r"][:, 0],
        "h at 20 %": draws["response"][:, 0],
        "h at 80 %": draws["response"][:, 1],
    }
    out = {"family": family}
    for name, value in truth.items():
        if name == "sigma2" and family == "binomial":
            continue
        ties = int(np.sum(found[name] == value))
        out[name] = int(np.sum(found[name] < value)) + int(rng.integers(ties + 1))
    full = chain.state.draws.response
    for j, name in enumerate(("h at 20 %", "h at 80 %")):
        low, high = np.quantile(full[:, j], [0.1, 0.9])
        out[f"covered, {name}"] = bool(low <= truth[name] <= high)
    return out


def kept_replication(task):
    """`one_replication`, read from its file where an earlier call has made it."""
    family, number, folder, name = task
    path = folder / f"{name}-{family}-{number}.json"
    if not path.exists():
        row = one_replication((family, number, name))
        part = path.with_suffix(".part")
        part.write_text(json.dumps(row))
        os.replace(part, path)
    return json.loads(path.read_text())


def calibration(family, folder, replications=REPLICATIONS, name="default"):
    tasks = [(family, k, folder, name) for k in range(replications)]
    return pd.DataFrame(fan_out(kept_replication, tasks, description=f"SBC {family}"))


def folder_of_this_code():
    digest = sha256()
    for path in sorted((ROOT / "src" / "mixepi" / "bkmr").rglob("*.py")):
        digest.update(path.read_bytes())
    folder = ROOT / "target" / f"bkmr-calibration-{digest.hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def uniformity(table):
    """p-value of a chi-squared test of uniform ranks in five bins, for each quantity."""
    values = {}
    for name in table.columns.drop(["family"]):
        if name.startswith("covered"):
            continue
        counts = np.bincount(table[name] * 5 // RANKS, minlength=5)[:5]
        values[name] = float(stats.chisquare(counts).pvalue)
    return values


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("family", FAMILIES)
def test_simulation_based_calibration_and_coverage(family, name, tmp_path):
    table = calibration(family, tmp_path, name=name)
    values = uniformity(table)
    assert min(values.values()) > 0.001 / len(values) * 5, values
    for name in ("covered, h at 20 %", "covered, h at 80 %"):
        covered = int(table[name].sum())
        assert stats.binomtest(covered, len(table), 0.8).pvalue > 0.001, (name, covered / len(table))


def test_long_geweke():
    scores = chains.geweke(sweeps=20_000)
    assert max(abs(s) for s in scores.values()) < 4, scores


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_inclusion_probabilities_equal_enumeration(seed):
    """All four models of two exposures, r and lambda integrated by quadrature."""
    model = naive.model(seed=seed, n=30, signal=0.5)
    r, u = chains.run(chains.chain(model, seed=seed), 12_000)
    probability, log_lambda = naive.posterior_by_quadrature(model, points=40)
    shares_agree(r, probability)
    assert abs(u.mean() - log_lambda) < 4 * u.std() / np.sqrt(effective_size(u[None])) + 0.01


def shares_agree(r, probability, slack=2e-3):
    for delta, p in probability.items():
        found = np.all((r > 0) == np.array(delta, dtype=bool), axis=1).astype(float)
        se = max(found.std(), 1e-6) / np.sqrt(effective_size(found[None]))
        assert abs(found.mean() - p) < 4 * se + slack, (delta, p, found.mean())


def test_inclusion_probabilities_of_a_group_equal_enumeration():
    """Two exposures of which at most one is in."""
    model = naive.model(n=30, signal=0.5, groups=((0, 1),))
    r, _ = chains.run(chains.chain(model, seed=1), 12_000)
    probability, _ = naive.posterior_by_quadrature(
        model, points=40, prior={(0, 0): 0.5, (1, 0): 0.25, (0, 1): 0.25}
    )
    assert abs(probability[1, 0] - 0.25) > 0.05
    assert not np.any((r > 0).all(axis=1))
    shares_agree(r, probability)


def test_inclusion_probabilities_of_a_probit_equal_enumeration():
    """All four models of two exposures, likelihoods by orthant probabilities."""
    z = np.array([[-2.0, 0.3], [-1.3, -1.0], [-0.2, 1.5], [0.3, -0.6], [1.2, 0.4], [2.0, -0.7]])
    model = naive.model(n=6, intercept=False, family="binomial")
    model = replace(model, z=z, y=np.array([1.0, 1, 0, 0, 1, 1]))
    levels = (np.arange(8) + 0.5) / 8
    r_grid, lambdas = PRIORS_OF_R.quantile(levels), model.priors.lambda_.quantile(levels)
    model = replace(model, priors=replace(model.priors, r=PRIORS_OF_R))
    mass = {}
    for delta, prior in {(0, 0): 1 / 3, (1, 0): 1 / 6, (0, 1): 1 / 6, (1, 1): 1 / 3}.items():
        grids = [r_grid if inside else [0.0] for inside in delta]
        values = [
            naive.orthant(model, [a, b], lambda_, np.zeros(6))
            for a in grids[0]
            for b in grids[1]
            for lambda_ in lambdas
        ]
        mass[delta] = prior * np.mean(values)
    probability = {delta: x / sum(mass.values()) for delta, x in mass.items()}
    assert max(abs(probability[1, 0] - 1 / 6), abs(probability[0, 0] - 1 / 3)) > 0.05
    chain = chains.chain(model, seed=1)
    r, _ = chains.run(chain, 6000)
    shares_agree(r, probability, slack=4e-3)


ORACLES = FIXTURES / "bkmr"


@pytest.mark.parametrize(
    ("family", "outcome", "stem"), [("gaussian", "bmd_fn", "gauss"), ("binomial", "osteo", "binom")]
)
def test_pips_agree_with_repaired_bkmr(family, outcome, stem):
    """bkmr's four chains of 20,000 on the same 250 rows, its inverted ratio repaired (peers.md 3.1).

    Its chains differ by up to 0.04 (sd) and we have four: tolerance 0.06 in a PIP.
    """
    import warnings

    from mixepi import BKMR, ChainOptions, ConvergenceWarning, fit_bkmr

    frame = pd.read_csv(ORACLES / "sim2000_first250.csv")
    for name in ("age", "bmi", "pir", "bmd_fn"):
        frame[name] = (frame[name] - frame[name].mean()) / frame[name].std()
    spec = BKMR(
        outcome=outcome,
        exposures=("pb", "cd", "hg", "se", "mn"),
        covariates=("age", "bmi", "pir", "race_nhb", "race_hisp", "race_oth", "smoke", "active"),
        family=family,
        log=True,
        intercept="kernel",
    )
    stored = pd.read_csv(ORACLES / f"bkmr250_{stem}_pooled_pips.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = fit_bkmr(spec, frame, seed=1, options=ChainOptions(warmup=400, draws=2500, progress=False))
        raw = fit_bkmr(
            replace(spec, compat="bkmr"),
            frame,
            seed=1,
            options=ChainOptions(warmup=400, draws=2500, progress=False),
        )
    np.testing.assert_allclose(result.pips()["pip"], stored["PIP_corrected"], atol=0.06)
    np.testing.assert_allclose(raw.pips()["pip"], stored["PIP_bkmr"], atol=0.06)
    exact = pd.read_csv(ORACLES / f"bkmr250_{stem}_pooled_overall_exact.csv")
    table = raw.overall(quantiles=tuple(exact["quantile"]))
    np.testing.assert_allclose(table["estimate"], exact["est"], atol=0.1 * exact["sd"].max())
    np.testing.assert_allclose(table["std_error"], exact["sd"], rtol=0.1, atol=1e-6)
    estimates_agree(raw, pd.read_csv(ORACLES / f"bkmr250_{stem}_pooled_ests.csv").set_index("param"))


def estimates_agree(result, stored):
    """Means within four Monte Carlo errors of both (bkmr's from its four chains), sds within a tenth."""
    draws = {f"beta{j + 1}": result.beta[:, :, j] for j in range(result.beta.shape[2])}
    if result.spec.family == "gaussian":
        draws["sigsq.eps"] = result.sigma2
    for name, x in draws.items():
        theirs = stored.loc[name]
        error = np.hypot(mcse_mean(x), theirs["between_chain_sd"] / np.sqrt(theirs["chains"]))
        # Four chains tell little of their spread: a fiftieth of the posterior's is let pass besides.
        allowed = 4 * error + 0.02 * theirs["posterior_sd"]
        assert abs(x.mean() - theirs["mean"]) < allowed, (name, x.mean(), theirs["mean"])
        assert abs(x.std() / theirs["posterior_sd"] - 1) < 0.1, (name, x.std(), theirs["posterior_sd"])


def report(tables, name):
    """Write docs/bkmr-calibration.md, .json and the picture, or those of another setting under its name."""
    import altair as alt

    setting = SETTINGS[name]
    stem = "bkmr-calibration" if name == "default" else f"bkmr-calibration-{name}"
    rows = []
    for family, table in tables.items():
        values = uniformity(table)
        for name, p in values.items():
            row = {"family": family, "quantity": name, "runs": len(table), "p of uniform ranks": round(p, 3)}
            covered = f"covered, {name}"
            row["coverage of 80 % interval"] = f"{table[covered].mean():.3f}" if covered in table else ""
            rows.append(row)
    frame = pd.DataFrame(rows)
    lines = ["| " + " | ".join(frame.columns) + " |", "|" + " --- |" * len(frame.columns)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in frame.itertuples(index=False)]
    text = [
        "# BKMR: calibration",
        "",
        f"Parameters drawn from the prior, data from the model (n = {setting.n}, {setting.exposures}",
        f"exposures, prior of r {setting.priors.r}), posterior by",
        "`mixepi`; the rank of the truth among 19 thinned draws must be uniform (Talts et al. 2018), and",
        "80 % intervals of h at two fixed points must cover 80 %. Written by",
        f"`python -m tests.statistical.test_bkmr --setting {name} --runs {max(map(len, tables.values()))}`.",
        "",
        *lines,
        "",
        f"![Ranks of the truth]({stem}.png)",
    ]
    (DOCS / f"{stem}.md").write_text("\n".join(text) + "\n")
    (DOCS / f"{stem}.json").write_text(json.dumps(rows, indent=1) + "\n")
    long = pd.concat(
        [
            table[[c for c in table if not c.startswith("covered") and c != "family"]]
            .melt(var_name="quantity", value_name="rank")
            .assign(family=family)
            for family, table in tables.items()
        ]
    )
    chart = (
        alt.Chart(long)
        .mark_bar()
        .encode(
            x=alt.X("rank:Q", bin=alt.Bin(step=4), title="rank of the truth"),
            y=alt.Y("count()", title="runs"),
        )
        .properties(width=120, height=90)
        .facet(column="quantity:N", row="family:N")
    )
    chart.save(DOCS / f"{stem}.png", scale_factor=1.5)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=REPLICATIONS, help="of each family")
    parser.add_argument("--setting", choices=SETTINGS, default="default")
    given = parser.parse_args()
    folder = folder_of_this_code()
    report(
        {family: calibration(family, folder, given.runs, given.setting) for family in FAMILIES}, given.setting
    )
