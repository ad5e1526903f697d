"""Compile the methods' inner loops ahead of the first fit: ``python -m mixepi.precompile``.

numba compiles a function when it is first called, about 20 seconds for all of them, and keeps the machine
code beside the source for every later process. A program whose first fit comes later can have this done
meanwhile in a process of its own.
"""

from typing import Any

import numpy as np
import pandas as pd

from mixepi.bkmr.fit import fit_bkmr
from mixepi.bkmr.spec import BKMR, ChainOptions
from mixepi.qgcomp.fit import fit_qgcomp
from mixepi.qgcomp.spec import QGComp
from mixepi.wqs.fit import fit_wqs
from mixepi.wqs.spec import WQS


def compile_methods() -> None:
    """Fit each method to sixty made-up rows, once for a continuous and once for a binary outcome."""
    generator = np.random.default_rng(1)
    data = pd.DataFrame(generator.normal(size=(60, 3)), columns=["a", "b", "z"])
    data["y"] = data["a"] + generator.normal(size=60)
    data["case"] = (data["y"] > 0).astype(float)
    exposures, covariates = ("a", "b"), ("z",)
    chain = ChainOptions(chains=1, warmup=20, draws=20, max_draws=20, workers=1, progress=False)
    for outcome, family in (("y", "gaussian"), ("case", "binomial")):
        roles: dict[str, Any] = {
            "outcome": outcome,
            "exposures": exposures,
            "covariates": covariates,
            "family": family,
        }
        fit_qgcomp(QGComp(**roles), data)
        fit_wqs(WQS(**roles, bootstraps=2), data, seed=1)
        fit_bkmr(BKMR(**roles), data, seed=1, options=chain).univariate(grid=3)


if __name__ == "__main__":
    import warnings

    # sixty rows and twenty draws are too few for anything but this
    warnings.simplefilter("ignore")
    compile_methods()
