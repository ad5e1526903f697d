"""Careless input gives an error that says what was expected, what was found and what to do."""

from dataclasses import replace

import numpy as np
import pytest

from mixepi import BKMR, ChainOptions, GammaPrior, InclusionPrior, InverseGammaPrior, UniformPrior, fit_bkmr
from mixepi.bkmr.likelihood.solver import Solver
from mixepi.bkmr.model.point import Point
from mixepi.errors import DataError, EstimationError, SeparationError, SpecificationError
from tests.bkmr.support import chains, naive
from tests.bkmr.support.fits import METALS, quiet_fit


def missing(d):
    d.loc[d.index[:3], "cd"] = np.nan
    return d


DATA_FAULTS = {
    "missing value": (missing, r"'cd'.*found 3 of 100 missing"),
    "infinite exposure": (
        lambda d: d.assign(pb=d["pb"].where(d.index != 3, np.inf)),
        r"exposure 'pb', found 1 of 100 missing or infinite",
    ),
    "absent column": (lambda d: d.drop(columns="hg"), "expected columns 'hg', found none"),
    "constant exposure": (lambda d: d.assign(se=2.0), r"'se' to vary"),
    "duplicated exposure": (lambda d: d.assign(mn=3 * d["pb"]), r"'pb' and 'mn' to be copies"),
    "negative exposure": (lambda d: d.assign(pb=-d["pb"]), r"positive values of exposure 'pb'.*100 of 100"),
    "text covariate": (lambda d: d.assign(smoke="no"), r"'smoke' to be numeric"),
    "constant covariate": (lambda d: d.assign(age=50.0), r"'age' to vary"),
    "constant outcome": (lambda d: d.assign(bmd_fn=1.0), r"'bmd_fn' to vary"),
    "too few rows": (lambda d: d.iloc[:5], r"at least 7 rows for 4 covariates .*found 5"),
    "no rows": (lambda d: d.iloc[:0], r"at least 7 rows for 4 covariates and intercept, found 0"),
}


@pytest.mark.parametrize("fault", DATA_FAULTS.values(), ids=DATA_FAULTS.keys())
def test_data_errors(people, spec, short, fault):
    change, message = fault
    with pytest.raises(DataError, match=message):
        fit_bkmr(spec, change(people.copy()), seed=1, options=short)


def test_collinear_covariates(people, spec, short):
    with pytest.raises(EstimationError, match=r"linearly independent.*(age|bmi|intercept)"):
        fit_bkmr(spec, people.assign(bmi=2 * people["age"] + 1), seed=1, options=short)


def test_outcome_not_binary(people, spec, short):
    with pytest.raises(DataError, match=r"'bmd_fn' to be 0 or 1"):
        fit_bkmr(replace(spec, family="binomial"), people, seed=1, options=short)


def test_separated_outcome(people, spec, short):
    frame = people.assign(smoke=people["osteo"])
    with pytest.raises(SeparationError, match="predicts the outcome perfectly"):
        fit_bkmr(replace(spec, family="binomial", outcome="osteo"), frame, seed=1, options=short)


@pytest.mark.parametrize("values", [[None] + [1] * 99, np.arange(100), np.ones(100)])
def test_bad_clusters(people, spec, short, values):
    with pytest.raises(DataError, match="cluster"):
        fit_bkmr(replace(spec, cluster="site"), people.assign(site=values), seed=1, options=short)


@pytest.mark.parametrize(("family", "needed"), [("gaussian", r"1\.4"), ("binomial", r"4\.8")])
def test_dense_says_what_memory_it_needs(people, spec, short, family, needed):
    import pandas as pd

    big = pd.concat([people] * 90, ignore_index=True)
    with pytest.raises(SpecificationError, match=rf"n=9000, which needs {needed} GiB"):
        fit_bkmr(replace(spec, solver="dense", outcome="osteo", family=family), big, seed=1, options=short)


def test_non_finite_likelihood_names_the_parameters():
    model = naive.model(n=12)
    huge = replace(model, y=model.y * 1e200)
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(
            EstimationError, match=r"finite log-likelihood, found .*, at r=\[0\.3 0\. *\], lambda=2"
        ),
    ):
        Solver("lowrank", 1e-3, 5).evaluate(huge, np.array([0.3, 0.0]), 2.0, huge.projected())


def test_a_chain_whose_likelihood_is_not_finite_stops_and_names_the_parameters():
    model = naive.model(n=12)
    huge = replace(model, y=model.y * 1e200)
    with np.errstate(over="ignore", invalid="ignore"), pytest.raises(EstimationError, match=r", at r=\["):
        chains.chain(huge, seed=1)


def test_what_lapack_refuses_names_the_parameters(monkeypatch):
    def refused(*arguments, **options):
        raise np.linalg.LinAlgError("3-th leading minor not positive definite")

    chain = chains.chain(naive.model(n=30, family="binomial"), seed=1)
    monkeypatch.setattr("mixepi.bkmr.probit.stage.linalg.cholesky", refused)
    state = chain.state
    point = Point(np.array([0.01, 0.0]), 0.0)
    with pytest.raises(EstimationError, match=r"leading minor .*, at r=\[0\.01 0\. *\], lambda=1"):
        state.stage.evaluate(point, chain.transition.surrogate.at(point.r, 0.0), state.rng)


def test_an_outcome_too_large_to_square(people, spec, short):
    with pytest.raises(
        DataError, match=r"a sum of squares .*, found values up to 9\.\d+e\+199: choose a larger"
    ):
        fit_bkmr(spec, people.assign(bmd_fn=people["bmd_fn"] * 1e200), seed=1, options=short)


def test_an_outcome_too_small_to_square(people, spec, short):
    with pytest.raises(
        DataError, match=r"a sum of squares .*, found values up to 9\.\d+e-151: choose a smaller"
    ):
        fit_bkmr(spec, people.assign(bmd_fn=people["bmd_fn"] * 1e-150), seed=1, options=short)


def test_an_outcome_made_of_its_covariates(people, spec, short):
    with pytest.raises(DataError, match="'bmd_fn' to vary beyond what the covariates explain"):
        fit_bkmr(spec, people.assign(bmd_fn=1 + 2e-5 * people["age"]), seed=1, options=short)


SPEC_FAULTS = [
    ({"exposures": "pb"}, "tuple of column names"),
    ({"exposures": ()}, "at least one exposure"),
    ({"covariates": ("pb",)}, "one role, found 'pb' as exposures and covariates"),
    ({"cluster": "cd"}, "one role, found 'cd' as exposures and cluster"),
    ({"selection": "hierarchical", "groups": None}, "groups to be a tuple of tuples"),
    ({"selection": "hierarchical", "groups": ("pb", "cd")}, "column names, found the text 'pb'"),
    ({"log": "no"}, "log to be True or False, found 'no'"),
    ({"priors": GammaPrior()}, "priors to be a Priors, found GammaPrior"),
    ({"tolerance": "small"}, "positive tolerance, found 'small'"),
    ({"inducing": 2.5}, "inducing to be a whole number of at least 1, found 2.5"),
    ({"family": "poisson"}, "family to be one of"),
    ({"selection": "hierarchical", "groups": (("pb", "cd"),)}, "every exposure exactly once"),
    ({"groups": (("pb",),)}, "groups only with"),
    ({"tolerance": 0.0}, "positive tolerance"),
    ({"inducing": 0}, "inducing to be a whole number of at least 1, found 0"),
    ({"selection": "none", "compat": "bkmr"}, "variable selection with compat"),
]


@pytest.mark.parametrize(("change", "message"), SPEC_FAULTS)
def test_specification_errors(change, message):
    with pytest.raises(SpecificationError, match=message):
        BKMR(**{"outcome": "bmd_fn", "exposures": METALS, **change})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chains": 0}, "chains to be a whole number of at least 1, found 0"),
        ({"chains": True}, "chains to be a whole number of at least 1, found True"),
        ({"warmup": -1}, "warmup to be a whole number of at least 0, found -1"),
        ({"draws": 1}, "draws to be a whole number of at least 4, found 1: R-hat compares the halves"),
        ({"draws": 3}, "draws to be a whole number of at least 4, found 3"),
        ({"draws": 50.0}, "draws to be a whole number of at least 4, found 50.0"),
        ({"max_draws": 999}, "max_draws to be a whole number of at least 1000, found 999"),
        ({"workers": 0}, "workers to be a whole number of at least 1, found 0"),
        ({"progress": "no"}, "progress to be True or False"),
        ({"checkpoint_seconds": "5"}, "checkpoint_seconds of at least 0, found '5'"),
    ],
)
def test_options_errors(options, message):
    with pytest.raises(SpecificationError, match=message):
        ChainOptions(**options)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_four_draws_have_an_r_hat(people, spec):
    options = ChainOptions(chains=2, warmup=4, draws=np.int8(4), workers=1, progress=False)
    table = quiet_fit(spec, people, seed=np.int64(1), options=options).estimates()
    assert np.isfinite(table[["r_hat", "ess_bulk", "ess_tail", "mcse"]]).all(axis=None)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda fit: fit.univariate(grid=1), "grid to be a whole number of at least 2, found 1"),
        (lambda fit: fit.overall(draws=0), "draws to be a whole number of at least 1, found 0"),
        (lambda fit: fit.overall(fixed=2), "quantiles from 0 to 1, found 2"),
        (lambda fit: fit.single(low="x"), "quantiles from 0 to 1, found 'x'"),
        (lambda fit: fit.bivariate(pairs=("pb", "cd")), "pairs of exposures among pb, .*found 'pb'"),
        (
            lambda fit: fit.bivariate(pairs=[("pb", "x")]),
            r"pairs of exposures among pb, .*found \('pb', 'x'\)",
        ),
        (lambda fit: fit.summaries(("median", {})), "table to be one of univariate, .*found 'median'"),
    ],
)
def test_table_options(gaussian, ask, message):
    with pytest.raises(SpecificationError, match=message):
        ask(gaussian)


def test_what_is_no_specification(people, spec):
    with pytest.raises(SpecificationError, match="spec to be a BKMR, found DataFrame"):
        fit_bkmr(people, spec, seed=1)
    with pytest.raises(SpecificationError, match="options to be a ChainOptions, found dict"):
        fit_bkmr(spec, people, seed=1, options={"draws": 50})


def test_prior_errors():
    for make in (
        lambda: GammaPrior(0, 1),
        lambda: UniformPrior(3, 2),
        lambda: InclusionPrior(0, 1),
        lambda: GammaPrior("10", 1),
        lambda: UniformPrior(0, "x"),
        lambda: InverseGammaPrior(relative="no"),
    ):
        with pytest.raises(SpecificationError, match="expected"):
            make()


def test_a_covariate_far_from_zero_is_named(people, spec, short):
    far = people.assign(age=people["age"] + 1e9)
    with pytest.raises(DataError, match="'age' to vary by more than a millionth of its mean, found mean 1e"):
        quiet_fit(spec, far, seed=1, options=short)
    near = quiet_fit(spec, people.assign(age=people["age"] + 1e3), seed=1, options=short)
    same = quiet_fit(spec, people, seed=1, options=short)
    np.testing.assert_allclose(near.single()["estimate"], same.single()["estimate"], atol=1e-5)
