# ruff: noqa: E402  (the number of BLAS threads must be set before NumPy is imported)
"""Speed of BKMR: `python -m benchmarks.bkmr [case ...]`; medians over repeats, stored as JSON.

Each case is a fit from data frame to draws, in a pool of workers that is already up, as a second
fit in a session would find it; `start` reports what the first fit pays for the pool and imports.
"""

import argparse
import json
import os
import platform
import resource
import time
import warnings
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np
import pandas as pd
from scipy.linalg import lapack

from mixepi import BKMR, ChainOptions, ConvergenceWarning, fit_bkmr
from mixepi.bkmr.design import build
from mixepi.bkmr.likelihood import dense, low_rank
from mixepi.bkmr.likelihood.kernel import kernel_between

RESULTS = Path(__file__).parent / "results"
COVARIATES = 8


@dataclass(frozen=True)
class Case:
    """One benchmark: data, length of chains, and the time the issue allows."""

    name: str
    n: int
    family: str
    signal: str
    warmup: int
    draws: int
    seconds: float
    exposures: int = 5


CASES = (
    Case("gaussian weak", 905, "gaussian", "weak", 100, 210, 8),
    Case("probit weak", 905, "binomial", "weak", 150, 300, 30),
    Case("gaussian high-rank", 905, "gaussian", "high-rank", 300, 250, 120),
    Case("probit high-rank", 905, "binomial", "high-rank", 400, 450, 240),
    Case("gaussian weak n=2000", 2000, "gaussian", "weak", 120, 250, 20),
    Case("gaussian weak n=20000", 20_000, "gaussian", "weak", 150, 250, 600, 20),
)


def simulate(case: Case, seed: int = 20) -> pd.DataFrame:
    """Correlated standard normal exposures, eight covariates, prevalence 18 % when binary."""
    rng = np.random.default_rng(seed)
    n, m = case.n, case.exposures
    common = rng.normal(size=(n, 1))
    z = np.sqrt(0.3) * common + np.sqrt(0.7) * rng.normal(size=(n, m))
    x = np.column_stack([rng.normal(size=(n, 4)), rng.random((n, 4)) < 0.3]).astype(float)
    if case.signal == "weak":
        h = 0.12 * z[:, 0]
    else:
        r = np.resize([0.3, 0.2, 0.1, 0.5, 0.3], m)
        k = kernel_between(z, z, r) + 1e-8 * np.eye(n)
        h = 1.5 * np.linalg.cholesky(k) @ rng.normal(size=n)
    eta = h + x @ np.linspace(-0.3, 0.3, COVARIATES) + rng.normal(size=n)
    y = (eta > np.quantile(eta, 0.82)).astype(float) if case.family == "binomial" else eta
    frame = pd.DataFrame(z, columns=[f"z{j}" for j in range(m)])
    frame[[f"x{j}" for j in range(COVARIATES)]] = x
    return frame.assign(y=y)


def median_ms(function: Any, repeats: int = 7) -> float:
    """Median time of a call in milliseconds, after one call to warm up."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return float(np.median(times) * 1e3)


def dpotrf_ms(n: int) -> float:
    """Time of one LAPACK Cholesky factor of an n x n matrix, the dense floor."""
    a = np.asfortranarray(np.eye(n) * 2 + 0.1)
    return median_ms(lambda: lapack.dpotrf(a.copy(order="F"), lower=0, clean=0, overwrite_a=1))


def run_case(case: Case, repeats: int) -> dict[str, Any]:
    """Fit `repeats` times with different seeds.

    On a machine with other work `cpu_seconds` (sum over chains) tells more than `seconds`.
    """
    frame = simulate(case)
    spec = BKMR(
        outcome="y",
        exposures=tuple(c for c in frame if c.startswith("z")),
        covariates=tuple(c for c in frame if c.startswith("x")),
        family=case.family,  # type: ignore[arg-type]
    )
    options = ChainOptions(warmup=case.warmup, draws=case.draws, progress=case.n > 5000)
    rows = []
    for seed in range(repeats):
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            result = fit_bkmr(spec, frame, seed=seed, options=options)
        seconds = time.perf_counter() - start
        table = result.estimates().query("judged")
        rows.append(
            {
                "seconds": seconds,
                "cpu_seconds": result.seconds,
                "load_average": os.getloadavg()[0],
                "min_ess": float(table["ess_bulk"].min()),
                "min_ess_term": str(table.loc[table["ess_bulk"].idxmin(), "term"]),
                "max_r_hat": float(table["r_hat"].max()),
                "ess_per_second": float(table["ess_bulk"].min()) / seconds,
                "mean_rank": float(result.rank.mean()),
                "surrogate_share": result.surrogate_share(),
            }
        )
        print(f"  {case.name} seed {seed}: {rows[-1]}", flush=True)
    summary = {k: float(np.median([row[k] for row in rows])) for k in rows[0] if k != "min_ess_term"}
    return {**asdict(case), **summary, "limit_seconds": case.seconds, "runs": rows}


def evaluation_costs() -> list[dict[str, float]]:
    """One likelihood evaluation beside one dpotrf of the same n."""
    rows = []
    for n in (500, 905, 2000):
        case = Case("cost", n, "gaussian", "weak", 0, 1, 0)
        frame = simulate(case)
        spec = BKMR(
            outcome="y",
            exposures=tuple(f"z{j}" for j in range(5)),
            covariates=tuple(f"x{j}" for j in range(8)),
        )
        model, _ = build(spec, frame)
        data = model.projected()
        floor = dpotrf_ms(n)
        high, weak = np.full(5, 0.3), np.array([0.015, 0.02, 0, 0, 0])
        trace = low_rank.trace_tolerance(1e-3, model.max_change, 10.0)

        def low(r: Any = weak, model: Any = model, data: Any = data, trace: float = trace) -> Any:
            factor = low_rank.factorise(model.zt, r, max_rank=model.n // 5, trace=trace)
            return low_rank.likelihood(factor, data).at(1.0)

        dense_ms = median_ms(lambda m=model, d=data, r=high: dense.log_likelihood(m.zt, r, 1.0, d))
        low_ms = median_ms(low)
        rows.append(
            {
                "n": n,
                "dpotrf_ms": floor,
                "dense_ms": dense_ms,
                "dense_over_dpotrf": dense_ms / floor,
                "low_rank_ms": low_ms,
                "low_rank_over_dpotrf": low_ms / floor,
            }
        )
    return rows


def scaling(sizes: tuple[int, ...] = (500, 1000, 2000, 5000, 10_000, 20_000)) -> list[dict[str, float]]:
    """Time per sweep by n, weak signal, five exposures, one chain in this process."""
    rows = []
    for n in sizes:
        frame = simulate(Case("scaling", n, "gaussian", "weak", 0, 1, 0))
        spec = BKMR(
            outcome="y",
            exposures=tuple(f"z{j}" for j in range(5)),
            covariates=tuple(f"x{j}" for j in range(8)),
        )
        options = ChainOptions(chains=1, warmup=150, draws=150, workers=1, progress=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            start = time.perf_counter()
            result = fit_bkmr(spec, frame, seed=1, options=options)
            seconds = time.perf_counter() - start
        rows.append(
            {
                "n": n,
                "ms_per_sweep": 1e3 * seconds / 300,
                "median_rank": float(np.median(result.rank)),
                "mean_rank": float(result.rank.mean()),
            }
        )
        print(f"  scaling {rows[-1]}", flush=True)
    return rows


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    import numba
    import scipy

    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line
        ]
        model = names[0] if names else model
    return {
        "processor": model,
        "cpus": len(os.sched_getaffinity(0)),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "numba": numba.__version__,
        "blas_threads": os.environ["OPENBLAS_NUM_THREADS"],
        "date": date.today().isoformat(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", help="names, or nothing for all; also: costs, scaling")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    wanted = arguments.cases or [c.name for c in CASES] + ["costs", "scaling"]
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "bkmr.json"
    stored = json.loads(path.read_text()) if path.exists() else {"cases": {}}
    stored["machine"] = machine()
    small = simulate(CASES[0])
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        names = tuple(f"z{j}" for j in range(5))
        for family, y in (("gaussian", small["y"]), ("binomial", (small["y"] > 0.5).astype(float))):
            fit_bkmr(
                BKMR(outcome="y", exposures=names, family=family),
                small.assign(y=y),
                seed=1,
                options=ChainOptions(chains=4, warmup=20, draws=5),
            )  # type: ignore[arg-type]
    stored["start_seconds"] = time.perf_counter() - start
    print(f"workers, imports and compiled code from the cache: {stored['start_seconds']:.1f} s")
    for case in CASES:
        if case.name in wanted:
            stored["cases"][case.name] = run_case(case, 1 if case.n > 5000 else arguments.repeats)
            path.write_text(json.dumps(stored, indent=1) + "\n")
    if "costs" in wanted:
        stored["evaluation_costs"] = evaluation_costs()
    if "scaling" in wanted:
        stored["scaling"] = scaling()
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    stored["peak_gib_of_one_process"] = max(
        children, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    )
    path.write_text(json.dumps(stored, indent=1) + "\n")
    columns = [
        "seconds",
        "limit_seconds",
        "cpu_seconds",
        "load_average",
        "min_ess",
        "max_r_hat",
        "ess_per_second",
        "mean_rank",
        "surrogate_share",
    ]
    print(pd.DataFrame(stored["cases"]).T[columns].to_string())
    for key in ("evaluation_costs", "scaling"):
        if key in stored:
            print(pd.DataFrame(stored[key]).to_string(index=False))


if __name__ == "__main__":
    main()
