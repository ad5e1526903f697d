"""What is compiled ahead is all that fits call, whatever they are given."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from numba.core import event

from mixepi import BKMR, WQS, ChainOptions, QGComp, fit_bkmr, fit_qgcomp, fit_wqs
from mixepi.precompile import compile_methods


@contextmanager
def compiled_functions() -> Iterator[list[str]]:
    """Yield the names of the functions that numba compiles meanwhile."""
    names: list[str] = []

    class Listener(event.Listener):
        def on_start(self, happening: event.Event) -> None:
            names.append(happening.data["dispatcher"].py_func.__name__)

        def on_end(self, happening: event.Event) -> None:
            pass

    listener = Listener()
    event.register("numba:compile", listener)
    try:
        yield names
    finally:
        event.unregister("numba:compile", listener)


@pytest.mark.filterwarnings("ignore::mixepi.errors.MixepiWarning")
def test_fits_compile_nothing_that_was_not_compiled_ahead() -> None:
    compile_methods()
    generator = np.random.default_rng(5)
    data = pd.DataFrame(generator.normal(size=(90, 4)), columns=["a", "b", "c", "z"])
    data["weight"] = generator.uniform(1, 2, size=90)
    data["count"] = generator.poisson(np.exp(1 + data["a"] + data["b"]))
    data["case"] = data["a"] + data["b"] + generator.normal(size=90) > 0
    # arrays that may not be written are other types to numba
    read_only = data.copy()
    for name in read_only:
        read_only[name].to_numpy().setflags(write=False)
    exposures, covariates = ("a", "b", "c"), ("z",)
    chain = ChainOptions(chains=1, warmup=20, draws=20, max_draws=20, workers=1, progress=False)
    with compiled_functions() as compiled:
        for outcome, family in (("count", "poisson"), ("case", "binomial")):
            roles = {"outcome": outcome, "exposures": exposures, "covariates": covariates, "family": family}
            fit_qgcomp(QGComp(**roles), read_only)
            fit_wqs(WQS(**roles, weights="weight", bootstraps=2), data, seed=1)
        counts = WQS(outcome="count", exposures=exposures, family="negative_binomial", bootstraps=2)
        fit_wqs(counts, read_only, seed=1)
        probit = BKMR(outcome="case", exposures=exposures, family="binomial")
        fit_bkmr(probit, read_only, seed=1, options=chain)
    assert compiled == []
