"""Fit one BKMR with kernelmix, in an environment of its own: see benchmarks/rivals.py."""

import csv
import time
import warnings

import kernelmix
import numpy as np
from common import attempts, read, write

warnings.simplefilter("ignore")
folder, settings, y, Z, X = read()
options = {"selection": "component", "seed": 1}
family = settings["family"]

start = time.perf_counter()
fit = kernelmix.fit(
    y, Z, X, family=family, warmup=settings["warmup"], draws=settings["draws"], chains=4, **options
)
seconds = time.perf_counter() - start

samples = fit.posterior_samples()
columns = {"lambda": samples["lambda"]}
if settings["family"] == "gaussian":
    columns["sigma2"] = samples["sigma2"]
for j in range(Z.shape[1]):
    columns[f"delta[z{j}]"] = samples["delta"][:, :, j].astype(float)
    columns[f"r[z{j}]"] = samples["r"][:, :, j]
with (folder / "draws.csv").open("w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["parameter", "chain", "draw", "value"])
    for name, values in columns.items():
        for (chain, draw), value in np.ndenumerate(values):
            writer.writerow([name, chain, draw, repr(float(value))])

short = {"warmup": 20, "draws": 20, "chains": 1, **options}
gap = Z.copy()
gap[0, 0] = np.nan
weights = np.ones(len(y))
tries = {
    "binary outcome": lambda: kernelmix.fit(
        (y > np.median(y)).astype(float), Z, X, family="binomial", **short
    ),
    "missing values": lambda: kernelmix.fit(y, gap, X, family=family, **short),
    "survey weights": lambda: kernelmix.fit(y, Z, X, family=family, weights=weights, **short),
}
write(folder, {"seconds": seconds, "refusals": attempts(tries)})
