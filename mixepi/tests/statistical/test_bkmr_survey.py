"""Slow statistical checks of BKMR under a survey design; about ten minutes on two cores.

`python -m simulations.bkmr_survey` does the same with more samples and writes the table in docs/.
"""

import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from simulations.bkmr_survey import EXPOSURES, POPULATIONS, coverage_table, one_sample, synthetic_sample

from mixepi import BKMR, ChainOptions, fit_bkmr, replicate_bkmr
from mixepi.errors import MixepiWarning
from mixepi.fan_out import fan_out
from mixepi.random_streams import random_stream

pytestmark = pytest.mark.statistical
SAMPLES = 60
BY_NAME = {population.name: population for population in POPULATIONS}


@pytest.fixture(scope="module")
def table():
    wanted = ("no effect", "clustered")
    tasks = [(BY_NAME[name], number) for number in range(1000, 1000 + SAMPLES) for name in wanted]
    found = fan_out(partial(one_sample, None, 1), tasks, description="samples")
    return coverage_table(pd.DataFrame([row for rows in found for row in rows])).set_index("population")


def test_intervals_hold_the_truth(table):
    """At least 0.86 of 60: three Monte-Carlo errors below 0.95."""
    assert table["covered, survey"].astype(float).min() >= 0.86


def test_exposures_without_effect_are_left_out(table):
    assert table["PIP of no effect above 0.5, survey"].astype(float)["no effect"] <= 0.16


def test_jackknife_agrees_with_refits():
    """The infinitesimal jackknife is the refits without one PSU to first order."""
    warnings.simplefilter("ignore", MixepiWarning)
    data = synthetic_sample(BY_NAME["strong"], random_stream(1, "jackknife against refits"))
    spec = BKMR(outcome="y", exposures=EXPOSURES, scale=False, weights="weight", strata="stratum", psu="psu")
    long = ChainOptions(chains=2, warmup=200, draws=1000, progress=False)
    fit = fit_bkmr(spec, data, seed=1, options=long)
    wanted = ("overall", {"quantiles": (0.1, 0.25, 0.75, 0.9)})
    (refits,) = replicate_bkmr(fit, wanted, options=replace(long, draws=400))
    (jackknife,) = fit.summaries(wanted)
    ratio = jackknife["jackknife_std_error"] / refits["std_error"]
    assert np.exp(np.log(ratio).mean()) == pytest.approx(1.0, abs=0.3)
