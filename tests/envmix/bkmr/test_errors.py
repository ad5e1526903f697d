"""Careless input gives an error that says what was expected, what was found and what to do."""

from dataclasses import replace

import numpy as np
import pytest

from envmix import BKMR, ChainOptions, GammaPrior, InclusionPrior, UniformPrior, fit_bkmr
from envmix.bkmr.exact import Solver
from envmix.bkmr.sampler import Point
from envmix.errors import DataError, EstimationError, SeparationError, SpecificationError

from . import naive
from .conftest import METALS


def missing(d):
    d.loc[d.index[:3], "cd"] = np.nan
    return d


DATA_FAULTS = {
    "missing value": (missing, r"'cd'.*found 3 of 100 missing"),
    "infinite exposure": (
        lambda d: d.assign(pb=d["pb"].where(d.index != 3, np.inf)),
        r"exposure 'pb', found 1 of 100 missing or infinite",
    ),
    "absent column": (lambda d: d.drop(columns="hg"), r"column\(s\) hg"),
    "constant exposure": (lambda d: d.assign(se=2.0), r"'se' to vary"),
    "duplicated exposure": (lambda d: d.assign(mn=3 * d["pb"]), r"'pb' and 'mn' to be copies"),
    "negative exposure": (lambda d: d.assign(pb=-d["pb"]), r"positive values of exposure 'pb'.*100 of 100"),
    "text covariate": (lambda d: d.assign(smoke="no"), r"'smoke' to be numeric"),
    "constant covariate": (lambda d: d.assign(age=50.0), r"'age' to vary"),
    "collinear covariates": (
        lambda d: d.assign(bmi=2 * d["age"] + 1),
        r"linearly independent.*(age|bmi|intercept)",
    ),
    "constant outcome": (lambda d: d.assign(bmd_fn=1.0), r"'bmd_fn' to vary"),
    "too few rows": (lambda d: d.iloc[:5], r"at least 7 rows"),
}


@pytest.mark.parametrize("fault", DATA_FAULTS.values(), ids=DATA_FAULTS.keys())
def test_data_errors(people, spec, short, fault):
    change, message = fault
    with pytest.raises(DataError, match=message):
        fit_bkmr(spec, change(people.copy()), 1, short)


def test_outcome_not_binary(people, spec, short):
    with pytest.raises(DataError, match=r"'bmd_fn' to be 0 or 1"):
        fit_bkmr(replace(spec, family="binomial"), people, 1, short)


def test_separated_outcome(people, spec, short):
    frame = people.assign(smoke=people["osteo"])
    with pytest.raises(SeparationError, match="predicts the outcome perfectly"):
        fit_bkmr(replace(spec, family="binomial", outcome="osteo"), frame, 1, short)


@pytest.mark.parametrize("values", [[None] + [1] * 99, np.arange(100), np.ones(100)])
def test_bad_clusters(people, spec, short, values):
    with pytest.raises(DataError, match="cluster"):
        fit_bkmr(replace(spec, cluster="site"), people.assign(site=values), 1, short)


@pytest.mark.parametrize(("family", "needed"), [("gaussian", r"1\.4"), ("binomial", r"6\.3")])
def test_dense_says_what_memory_it_needs(people, spec, short, family, needed):
    import pandas as pd

    big = pd.concat([people] * 90, ignore_index=True)
    with pytest.raises(SpecificationError, match=rf"n=9000, which needs {needed} GiB"):
        fit_bkmr(replace(spec, solver="dense", outcome="osteo", family=family), big, 1, short)


def test_non_finite_likelihood_names_the_parameters():
    model = naive.model(n=12)
    huge = replace(model, y=model.y * 1e200, zt=None)
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(
            EstimationError, match=r"finite log-likelihood, found .*, at r=\[0\.3 0\. *\], lambda=2"
        ),
    ):
        Solver("lowrank", 1e-3, 5).evaluate(huge, np.array([0.3, 0.0]), 2.0, huge.working())


def test_a_chain_whose_likelihood_is_not_finite_stops_and_names_the_parameters():
    model = naive.model(n=12)
    huge = replace(model, y=model.y * 1e200, zt=None)
    with np.errstate(over="ignore", invalid="ignore"), pytest.raises(EstimationError, match=r", at r=\["):
        naive.chain(huge, seed=1)


def test_what_lapack_refuses_names_the_parameters(monkeypatch):
    def refused(*arguments, **options):
        raise np.linalg.LinAlgError("3-th leading minor not positive definite")

    chain = naive.chain(naive.model(n=30, family="binomial"), seed=1)
    monkeypatch.setattr("envmix.bkmr.probit.linalg.cholesky", refused)
    stage, state = chain.kernel.stage, chain.state
    point = Point(np.array([0.01, 0.0]), 0.0)
    with pytest.raises(EstimationError, match=r"leading minor .*, at r=\[0\.01 0\. *\], lambda=1"):
        stage.evaluate(point, chain.kernel.surrogate.at(point.r, 0.0), state.rng)


def test_an_outcome_too_large_to_square(people, spec, short):
    with pytest.raises(DataError, match=r"a finite sum of squares, found values up to 9\.\d+e\+199"):
        fit_bkmr(spec, people.assign(bmd_fn=people["bmd_fn"] * 1e200), 1, short)


SPEC_FAULTS = [
    ({"exposures": "pb"}, "tuple of column names"),
    ({"exposures": ()}, "at least one exposure"),
    ({"covariates": ("pb",)}, "pb in two"),
    ({"family": "poisson"}, "family to be one of"),
    ({"selection": "hierarchical", "groups": (("pb", "cd"),)}, "every exposure exactly once"),
    ({"groups": (("pb",),)}, "groups only with"),
    ({"tolerance": 0.0}, "positive tolerance"),
    ({"inducing": 0}, "at least one inducing"),
    ({"selection": "none", "compat": "bkmr"}, "variable selection with compat"),
]


@pytest.mark.parametrize(("change", "message"), SPEC_FAULTS)
def test_specification_errors(change, message):
    with pytest.raises(SpecificationError, match=message):
        BKMR(**{"outcome": "bmd_fn", "exposures": METALS, **change})


@pytest.mark.parametrize("options", [{"chains": 0}, {"draws": 0}, {"warmup": -1}])
def test_options_errors(options):
    with pytest.raises(SpecificationError, match="at least"):
        ChainOptions(**options)


def test_prior_errors():
    for make in (lambda: GammaPrior(0, 1), lambda: UniformPrior(3, 2), lambda: InclusionPrior(0, 1)):
        with pytest.raises(SpecificationError, match="expected"):
            make()
