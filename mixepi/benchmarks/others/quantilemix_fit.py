"""Fit one quantile g-computation with quantilemix, in an environment of its own: see benchmarks/rivals.py."""

import statistics
import time

import numpy as np
import quantilemix
from common import attempts, read, write

folder, settings, y, Z, X = read()
gaussian = settings["family"] == "gaussian"
closed_form = quantilemix.fit if gaussian else quantilemix.fit_binomial
bootstrap = quantilemix.fit_bootstrap if gaussian else quantilemix.fit_binomial_risk_ratio

closed_form(y, Z, X, q=4)
times = []
for _ in range(5):
    start = time.perf_counter()
    closed = closed_form(y, Z, X, q=4)
    times.append(time.perf_counter() - start)
start = time.perf_counter()
marginal = bootstrap(y, Z, X, q=4, B=settings["resamples"], seed=1)
bootstrap_seconds = time.perf_counter() - start


def first(result: object, *names: str) -> float | None:
    """The first attribute that the result has, as a number."""
    for name in names:
        if hasattr(result, name):
            return float(np.ravel(getattr(result, name))[0])
    return None


gap = Z.copy()
gap[0, 0] = np.nan
weights = 1.0 + np.arange(len(y)) % 3
design = {"strata": np.arange(len(y)) % 30, "psu": np.arange(len(y)) // 30 % 2}
write(
    folder,
    {
        "seconds": statistics.median(times),
        "psi": first(closed, "psi"),
        "std_error": first(closed, "se"),
        "bootstrap_seconds": bootstrap_seconds,
        "bootstrap_psi": first(marginal, "psi", "log_risk_ratio", "log_rr"),
        "bootstrap_std_error": first(marginal, "se", "log_se"),
        "refusals": attempts(
            {
                "missing values": lambda: closed_form(y, gap, X, q=4),
                "survey weights": lambda: closed_form(y, Z, X, q=4, weights=weights),
                "weights, strata and PSUs": lambda: closed_form(y, Z, X, q=4, weights=weights, **design),
            }
        ),
    },
)
