"""Speed and memory of WQS and quantile g-computation: ``python -m benchmarks.wqs``.

Prints one table and stores it, with the machine's description, in ``mixepi/benchmarks/results/wqs.json``. All
figures of one table come from one run; times are medians after a warm-up. The figures of the R packages
are those measured once with the same data and options on one thread of a 2-core machine.
"""

import json
import os
import platform
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

# One thread for linear algebra: everything below is stated per core.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import psutil

from mixepi import (
    WQS,
    HoldoutOptions,
    QGComp,
    fit_qgcomp,
    fit_qgcomp_bootstrap,
    fit_repeated_holdout_wqs,
    fit_wqs,
)
from mixepi.errors import MixepiWarning
from mixepi.glm.cone_kernels import weighted_gram
from mixepi.glm.constrained import fit_constrained
from mixepi.resampling import draw_counts
from mixepi.wqs.data import wqs_data

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "fixtures" / "sim905.csv"
RESULTS = ROOT / "benchmarks" / "results" / "wqs.json"
MODEL = {
    "outcome": "osteo",
    "exposures": ("pb", "cd", "hg", "se", "mn"),
    "covariates": ("age", "bmi", "pir", "race_nhb", "race_hisp", "race_oth", "smoke", "active"),
    "family": "binomial",
}


def median_seconds(function: Callable[[], object], repeats: int) -> float:
    """Return the median time of `repeats` calls after one that is not counted."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def large_data(n: int, p: int) -> tuple[pd.DataFrame, WQS]:
    """Return simulated data with p exposures and 8 covariates, and its specification."""
    generator = np.random.default_rng(1)
    data = pd.DataFrame(generator.lognormal(size=(n, p)), columns=[f"x{j}" for j in range(p)])
    for j in range(8):
        data[f"z{j}"] = generator.normal(size=n)
    eta = 0.3 * np.log(data["x0"]) + 0.2 * np.log(data["x1"]) + 0.2 * data["z0"] - 1
    data["y"] = (generator.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    covariates = tuple(f"z{j}" for j in range(8))
    exposures = tuple(f"x{j}" for j in range(p))
    return data, WQS(outcome="y", exposures=exposures, covariates=covariates, family="binomial")


def solver_figures(data: pd.DataFrame, spec: WQS, repeats: int) -> dict[str, float]:
    """Return fits per second of the solver alone and the cost of a fit in weighted Gram matrices."""
    prepared = wqs_data(spec, data)
    n = prepared.outcome.size
    rows = np.zeros(n, dtype=bool)
    rows[np.random.default_rng(1).permutation(n)[: round(0.4 * n)]] = True
    counts = draw_counts(np.random.default_rng(2), int(rows.sum()), 100)
    Q, Z, y = prepared.index_columns[rows], prepared.covariates.matrix[rows], prepared.outcome[rows]
    signs = np.ones(Q.shape[1], dtype=np.int64)
    offset = np.zeros(y.size)
    seconds = median_seconds(
        lambda: fit_constrained(Q, Z, y, counts, signs, family="binomial", offset=offset, residual_df=1.0),
        repeats,
    )
    # A resample has this many distinct rows, and the floor is one weighted Gram matrix of them.
    distinct = int((counts > 0).sum(axis=1).mean())
    X = np.ascontiguousarray(np.column_stack([np.ones(y.size), Z, Q])[:distinct].T)
    h = np.random.default_rng(3).random(distinct)
    H = np.empty((X.shape[0], X.shape[0]))
    inner = max(1, int(2e6 / X.size))

    def compiled() -> None:
        for _ in range(inner):
            weighted_gram(X, h, H)

    def library() -> None:
        for _ in range(inner):
            (X * h) @ X.T

    own, numpy = median_seconds(compiled, repeats) / inner, median_seconds(library, repeats) / inner
    return {
        "fits_per_second": 100 / seconds,
        "microseconds_per_fit": 1e6 * seconds / 100,
        "fit_in_numpy_gram_matrices": seconds / 100 / numpy,
        "fit_in_compiled_gram_matrices": seconds / 100 / own,
    }


def in_new_process(code: str) -> float:
    """Return the number that `code` prints in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


IMPORT = "import time; t = time.perf_counter(); import mixepi; print(time.perf_counter() - t)"
FIRST_FIT = f"""
import time
import pandas as pd
data = pd.read_csv({str(DATA)!r})
start = time.perf_counter()
from mixepi import WQS, fit_wqs
fit_wqs(WQS(**{MODEL!r}), data, 1)
print(time.perf_counter() - start)
"""
PEAK = """
import resource
from benchmarks.wqs import large_data, fit_wqs
data, spec = large_data({n}, {p})
fit_wqs(spec, data, 1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def figures(repeats: int) -> list[dict[str, object]]:
    """Run every benchmark and return one row each: case, value, unit, target, peer."""
    data = pd.read_csv(DATA)
    spec = WQS(**MODEL)
    qgcomp = QGComp(**MODEL)
    seeds = iter(range(10**6))
    rows: list[dict[str, object]] = []

    def add(case: str, value: float, unit: str, target: str = "", peer: str = "") -> None:
        rows.append({"case": case, "value": value, "unit": unit, "target": target, "peer": peer})
        print(f"{case:<62}{value:>12.4g} {unit:<12}{target:<10}{peer}", flush=True)

    print(f"{'case':<62}{'median':>12} {'unit':<12}{'target':<10}R package")
    add("import mixepi", np.median([in_new_process(IMPORT) for _ in range(5)]), "s", "< 1")
    add(
        "first fit of a new process, imports included",
        np.median([in_new_process(FIRST_FIT) for _ in range(5)]),
        "s",
        "< 2",
    )
    add(
        "WQS, n = 905, 5 exposures, 100 bootstraps",
        median_seconds(lambda: fit_wqs(spec, data, seed=next(seeds)), 5 * repeats),
        "s",
        "< 0.05",
        "gWQS 16.8",
    )
    for name, value in solver_figures(data, spec, 3 * repeats).items():
        add(f"  solver alone: {name}", value, "")
    for workers in (1, 2):
        add(
            f"repeated holdout 100 x 100 bootstraps, {workers} worker(s)",
            median_seconds(
                lambda w=workers: fit_repeated_holdout_wqs(
                    spec, data, seed=next(seeds), options=HoldoutOptions(workers=w)
                ),
                3,
            ),
            "s",
            "< 5" if workers == 2 else "",
            "gWQS 1200",
        )
    add(
        "qgcomp closed form",
        median_seconds(lambda: fit_qgcomp(qgcomp, data), 5 * repeats),
        "s",
        "",
        "qgcomp 0.007",
    )
    add(
        "qgcomp bootstrap, 200 resamples, risk ratio",
        median_seconds(lambda: fit_qgcomp_bootstrap(qgcomp, data, seed=next(seeds)), 2 * repeats),
        "s",
        "< 0.1",
        "qgcomp 5.5",
    )
    large, large_spec = large_data(20_000, 20)
    add(
        "WQS, n = 20,000, 20 exposures, 100 bootstraps",
        median_seconds(lambda: fit_wqs(large_spec, large, seed=next(seeds)), repeats),
        "s",
        "< 3",
    )
    for name, value in solver_figures(large, large_spec, repeats).items():
        add(f"  solver alone: {name}", value, "")
    for n in (2_500, 10_000, 40_000):
        sized, sized_spec = large_data(n, 20)
        seconds = median_seconds(
            lambda d=sized, s=sized_spec: fit_wqs(s, d, seed=next(seeds)), max(3, repeats // 2)
        )
        add(f"  seconds per 10,000 rows at n = {n:,}", seconds / n * 1e4, "s")
    for n, p in ((905, 5), (20_000, 20)):
        add(
            f"peak memory of a process with one WQS, n = {n:,}, {p} exposures",
            in_new_process(PEAK.format(n=n, p=p)),
            "MB",
            "",
            "gWQS 345" if n == 905 else "",
        )
    return rows


def machine() -> dict[str, object]:
    """Describe the machine and the versions behind the figures."""
    import numba
    import scipy

    cpu = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "load_average": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "numba": numba.__version__,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def main() -> None:
    """Run the benchmarks, print the table and store it."""
    warnings.simplefilter("ignore", MixepiWarning)
    described = machine()
    print(", ".join(f"{key} {value}" for key, value in described.items()))
    rows = figures(repeats=10)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": described, "figures": rows}, indent=1) + "\n")
    print(f"stored in {RESULTS.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
