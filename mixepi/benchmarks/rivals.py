# ruff: noqa: E402  (the number of BLAS threads must be set before NumPy is imported)
"""The same data through other packages: `python -m benchmarks.rivals`; printed, and stored as JSON.

kernelmix (BKMR) and quantilemix (quantile g-computation) are installed from the package index into an
environment under `target/`, which may be deleted at any time; R's bkmr and qgcomp are asked where `Rscript`
has them. Every package runs in one process on one BLAS thread, on the same files, one after the other.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np
import pandas as pd

import mixepi
from benchmarks.bkmr import Case, machine, simulate
from mixepi import BKMR, ChainOptions, MixepiWarning, QGComp, fit_bkmr, fit_qgcomp, fit_qgcomp_bootstrap
from mixepi.bkmr.diagnostics import ess_bulk, r_hat

LIBRARY = Path(__file__).parents[1]
RESULTS = LIBRARY / "benchmarks" / "results" / "rivals.json"
SCRIPTS = LIBRARY / "benchmarks" / "others"
PINNED = ("kernelmix==0.3.1", "quantilemix==0.1.1")
CHAINS = 4
REPEATS = 5  # of a closed form; medians


def rivals_python() -> Path:
    """Return the Python of the environment of the other packages, made on first use."""
    folder = LIBRARY / "target" / "rivals"
    ready = folder / "ready"
    python = folder / "bin" / "python"
    if not ready.exists() or ready.read_text() != " ".join(PINNED):
        print(f"installing {', '.join(PINNED)} into {folder}", flush=True)
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PINNED], check=True
        )
        ready.write_text(" ".join(PINNED))
    return python


def worst(draws: pd.DataFrame) -> dict[str, Any]:
    """Judge the draws of any package alike: the smallest bulk ESS and the largest R-hat of what is judged.

    Judged are lambda, sigma2 (where it is drawn), each indicator that ever changes, and r of the exposures
    that are in more often than not. Columns parameter, chain, draw, value.
    """
    arrays = {
        str(name): table.pivot(index="chain", columns="draw", values="value").to_numpy(dtype=np.float64)
        for name, table in draws.groupby("parameter")
    }
    judged = {}
    for name, values in arrays.items():
        exposure = name[name.find("[") :]
        is_in = name in ("lambda", "sigma2") or name.startswith("delta[")
        if name.startswith("r["):
            is_in = arrays[f"delta{exposure}"].mean() > 0.5
        if is_in and np.ptp(values) > 0:
            judged[name] = (ess_bulk(values), r_hat(values))
    term = min(judged, key=lambda name: judged[name][0])
    return {
        "worst_term": term,
        "min_ess": judged[term][0],
        "max_r_hat": max(pair[1] for pair in judged.values()),
        "pips": {
            name[6:-1]: round(float(values.mean()), 3)
            for name, values in sorted(arrays.items())
            if name.startswith("delta[")
        },
    }


def attempts(tries: dict[str, Callable[[], object]]) -> dict[str, str]:
    """Return, for each thing tried, "accepted" or the first line of the refusal."""
    found = {}
    for name, function in tries.items():
        try:
            function()
            found[name] = "accepted"
        except Exception as error:  # noqa: BLE001  (what is refused, and how, is the answer)
            found[name] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return found


def own_bkmr(folder: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Fit the BKMR of `folder` by this library."""
    data = pd.read_csv(folder / "data.csv")
    exposures = tuple(name for name in data if name.startswith("z"))
    columns: dict[str, Any] = {
        "outcome": "y",
        "exposures": exposures,
        "covariates": tuple(name for name in data if name.startswith("x")),
    }
    options = ChainOptions(
        chains=CHAINS, warmup=settings["warmup"], draws=settings["draws"], workers=1, progress=False
    )
    short = ChainOptions(chains=1, warmup=20, draws=5, workers=1, progress=False)
    spec = BKMR(**columns, family=settings["family"])
    fit_bkmr(spec, data, seed=1, options=short)  # compiled code comes from the cache
    start = time.perf_counter()
    result = fit_bkmr(spec, data, seed=1, options=options)
    seconds = time.perf_counter() - start
    gap = data.assign(z0=data["z0"].where(data.index > 0))
    binary = data.assign(y=(data["y"] > data["y"].median()).astype(float))
    designed: dict[str, Any] = {"weights": "x0"}
    refusals = attempts(
        {
            "binary outcome": lambda: fit_bkmr(
                BKMR(**columns, family="binomial"), binary, seed=1, options=short
            ),
            "missing values": lambda: fit_bkmr(spec, gap, seed=1, options=short),
            "survey weights": lambda: BKMR(**columns, **designed),
        }
    )
    return {"seconds": seconds, "refusals": refusals, **worst(result.draws())}


def own_qgcomp(folder: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Fit the quantile g-computation of `folder` by this library."""
    data = pd.read_csv(folder / "data.csv")
    columns: dict[str, Any] = {
        "outcome": "y",
        "exposures": tuple(name for name in data if name.startswith("z")),
        "covariates": tuple(name for name in data if name.startswith("x")),
    }
    spec = QGComp(**columns, family=settings["family"])
    fit_qgcomp(spec, data)
    fit_qgcomp_bootstrap(spec, data, seed=1, resamples=settings["resamples"])
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        closed = fit_qgcomp(spec, data)
        times.append(time.perf_counter() - start)
    start = time.perf_counter()
    marginal = fit_qgcomp_bootstrap(spec, data, seed=1, resamples=settings["resamples"])
    bootstrap_seconds = time.perf_counter() - start
    design = data.assign(weight=1.0 + data.index % 3, stratum=data.index % 30, psu=data.index // 30 % 2)
    gap = data.assign(z0=data["z0"].where(data.index > 0))
    refusals = attempts(
        {
            "missing values": lambda: fit_qgcomp(spec, gap),
            "survey weights": lambda: fit_qgcomp(
                QGComp(**columns, family=settings["family"], weights="weight"), design
            ),
            "weights, strata and PSUs": lambda: fit_qgcomp(
                QGComp(**columns, family=settings["family"], weights="weight", strata="stratum", psu="psu"),
                design,
            ),
        }
    )
    row, other = closed.estimates().set_index("term").loc["psi1"], marginal.estimates().set_index("term")
    return {
        "seconds": float(np.median(times)),
        "psi": float(row["estimate"]),
        "std_error": float(row["std_error"]),
        "bootstrap_seconds": bootstrap_seconds,
        "bootstrap_psi": float(other.loc["psi1", "estimate"]),
        "bootstrap_std_error": float(other.loc["psi1", "std_error"]),
        "refusals": refusals,
    }


def elsewhere(command: list[str], folder: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Run a script of `others/` on the files of `folder`; it writes answer.json, and draws.csv for chains."""
    for name in ("answer.json", "draws.csv"):
        (folder / name).unlink(missing_ok=True)
    (folder / "settings.json").write_text(json.dumps(settings))
    arguments = [str(settings[name]) for name in ("family", "warmup", "draws", "resamples")]
    done = subprocess.run([*command, str(folder), *arguments], capture_output=True, text=True)
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1:]}
    answer: dict[str, Any] = json.loads((folder / "answer.json").read_text())
    if (folder / "draws.csv").exists():
        answer |= worst(pd.read_csv(folder / "draws.csv"))
    return answer


def r_packages() -> list[str]:
    """Return which of R's packages `Rscript` has."""
    if shutil.which("Rscript") is None:
        print("no Rscript on the path: R's packages are left out")
        return []
    code = "cat(Filter(function(p) requireNamespace(p, quietly = TRUE), c('bkmr', 'qgcomp')))"
    found = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=True).stdout.split()
    print(f"R's packages: {', '.join(found) or 'neither bkmr nor qgcomp, left out'}")
    return found


def main() -> None:
    """Run every package on every case, print the tables and store them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=250, help="rows of the BKMR data (others grow with n^3)")
    parser.add_argument("--draws", type=int, default=1000, help="kept draws of each of four chains")
    parser.add_argument("--warmup", type=int, default=500)
    parser.add_argument("--resamples", type=int, default=200, help="of the bootstrap of qgcomp")
    given = parser.parse_args()
    warnings.simplefilter("ignore", MixepiWarning)
    python, in_r = str(rivals_python()), r_packages()
    lengths = {"warmup": given.warmup, "draws": given.draws, "resamples": given.resamples}
    methods: dict[str, tuple[int, str, dict[str, Any]]] = {
        "bkmr": (
            given.n,
            "weak",
            {"mixepi": own_bkmr, "kernelmix": [python, str(SCRIPTS / "kernelmix_fit.py")]},
        ),
        "qgcomp": (
            905,
            "weak",
            {"mixepi": own_qgcomp, "quantilemix": [python, str(SCRIPTS / "quantilemix_fit.py")]},
        ),
    }
    rows = []
    for method, (n, signal, runners) in methods.items():
        if method in in_r:
            runners[f"R {method}"] = ["Rscript", str(SCRIPTS / f"{method}_fit.R")]
        for family in ("gaussian", "binomial"):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                simulate(Case("rivals", n, family, signal, 0, 1, 0)).to_csv(folder / "data.csv", index=False)
                for package, runner in runners.items():
                    settings = {**lengths, "family": family}
                    answer = (
                        runner(folder, settings) if callable(runner) else elsewhere(runner, folder, settings)
                    )
                    if "min_ess" in answer:
                        answer["ess_per_second"] = answer["min_ess"] / answer["seconds"]
                    rows.append({"method": method, "family": family, "n": n, "package": package, **answer})
                    print(f"  {rows[-1]}", flush=True)
    described = machine() | {"mixepi": mixepi.__version__, "rivals": PINNED, "chains": CHAINS, **lengths}
    RESULTS.write_text(json.dumps({"machine": described, "rows": rows}, indent=1) + "\n")
    table = pd.DataFrame(rows)
    for method, part in table.groupby("method"):
        shown = part.drop(columns=["method", "refusals"]).dropna(axis=1, how="all")
        print(f"\n{method}\n{shown.to_string(index=False, float_format=lambda x: f'{x:.4g}')}")
        for _, row in part.query("family == 'gaussian'").iterrows():
            for asked, said in (row["refusals"] or {}).items():
                print(f"  {row['package']:<12}{asked:<26}{said[:140]}")
    print(f"stored in {RESULTS.relative_to(LIBRARY)}", file=sys.stderr)


if __name__ == "__main__":
    main()
