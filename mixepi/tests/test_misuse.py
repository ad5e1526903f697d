"""The same mistake gets the same error from every method."""

import numpy as np
import pandas as pd
import pytest

from mixepi import (
    BKMR,
    WQS,
    ChainOptions,
    QGComp,
    fit_bkmr,
    fit_qgcomp,
    fit_qgcomp_bootstrap,
    fit_quantile_scores,
    fit_repeated_holdout_wqs,
    fit_wqs,
    permutation_test_wqs,
)
from mixepi.errors import DataError, SpecificationError
from mixepi.model_frame import domain_rows
from mixepi.regression import RegressionSpec, fit_regression

ROLES = {"outcome": "y", "exposures": ("a", "b"), "covariates": ("z",)}
SHORT = ChainOptions(chains=1, warmup=2, draws=4, workers=1, progress=False)
SPECS = {"WQS": WQS, "QGComp": QGComp, "BKMR": BKMR, "regression": RegressionSpec}
FITS = {
    "WQS": lambda data, **roles: fit_wqs(WQS(**ROLES | roles, bootstraps=2), data, seed=1),
    "QGComp": lambda data, **roles: fit_qgcomp(QGComp(**ROLES | roles), data),
    "BKMR": lambda data, **roles: fit_bkmr(BKMR(**ROLES | roles), data, seed=1, options=SHORT),
    "regression": lambda data, **roles: fit_regression(RegressionSpec(**ROLES | roles), data),
    "scores": lambda data: fit_quantile_scores(data, ["a", "b"]),
}
MIXTURES = ["WQS", "QGComp", "BKMR"]


@pytest.fixture
def people() -> pd.DataFrame:
    generator = np.random.default_rng(3)
    data = pd.DataFrame(generator.lognormal(size=(60, 4)), columns=["a", "b", "z", "y"])
    return data.assign(day=pd.date_range("2020-01-01", periods=60))


@pytest.mark.parametrize("method", SPECS)
@pytest.mark.parametrize(
    ("roles", "message"),
    [
        (
            {"exposures": "cd"},
            r"exposures to be a tuple of column names, found the text 'cd': write \('cd',\)",
        ),
        ({"covariates": "age"}, "covariates to be a tuple of column names, found the text 'age'"),
        ({"exposures": {"a", "b"}}, "exposures to be a tuple of column names, found {.*in an order"),
        ({"exposures": ("a", 3)}, "exposures to be a tuple of column names, found 3 among them"),
        ({"covariates": None}, "covariates to be a tuple of column names, found None"),
        ({"covariates": ("a",)}, "every column in one role, found 'a' as exposures and covariates: name it"),
        ({"exposures": ("a", "y")}, "every column in one role, found 'y' as outcome and exposures"),
        ({"outcome": ["y"]}, r"outcome to be one column name, found \['y'\]"),
        ({"family": "cox"}, "family to be one of .*found 'cox': choose one of them"),
    ],
)
def test_specifications(method, roles, message):
    with pytest.raises(SpecificationError, match=message):
        SPECS[method](**ROLES | roles)


@pytest.mark.parametrize("method", FITS)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.to_dict("list"), "a pandas DataFrame, found dict: convert it"),
        (lambda d: pd.concat([d, d[["a"]]], axis=1), "one column 'a', found 2 of that name: rename"),
        (lambda d: d.drop(columns="a"), "columns 'a', found none of that name among 4 columns"),
        (lambda d: d[:0], "rows .*found (none of )?0"),
    ],
    ids=["dict", "duplicate", "absent", "empty"],
)
def test_data(people, method, change, message):
    with pytest.raises(DataError, match=message):
        FITS[method](change(people))


@pytest.mark.parametrize(("method", "what"), [("WQS", "scores"), ("QGComp", "scores"), ("BKMR", "values")])
def test_copies_of_an_exposure(people, method, what):
    message = rf"different exposures, found 'a' and 'b' to be copies of each other \(the same {what}, up to"
    with pytest.raises(DataError, match=message):
        FITS[method](people.assign(b=2 * people["a"]))


def test_scores_that_are_copies_though_the_values_are_not(people):
    with pytest.raises(DataError, match="'a' and 'b' to be copies of each other"):
        FITS["WQS"](people.assign(b=np.log(people["a"])))


@pytest.mark.parametrize("method", ["WQS", "QGComp", "regression"])
@pytest.mark.parametrize(
    ("change", "dtype"),
    [
        (lambda day: day, "datetime64.*datetime64, 60 values"),
        (lambda day: day.dt.date, r"object \(date, 60 values"),
        (lambda day: day - day[0], "timedelta64"),
        (lambda day: day.dt.to_period("M"), r"period\[M\]"),
    ],
)
def test_times_are_no_covariates(people, method, change, dtype):
    with pytest.raises(DataError, match=f"'day' to hold numbers or groups, found dtype {dtype}"):
        FITS[method](people.assign(day=change(people["day"])), covariates=("day",))


@pytest.mark.parametrize("spec", [WQS, QGComp])
def test_more_quantiles_than_people(people, spec):
    fit = {WQS: lambda s: fit_wqs(s, people, seed=1), QGComp: lambda s: fit_qgcomp(s, people)}[spec]
    with pytest.raises(DataError, match="found 61 quantiles for 60 rows: use 4 or 10"):
        fit(spec(**ROLES, quantiles=61))
    fit(spec(**ROLES, quantiles=60))


@pytest.mark.parametrize(
    "fit",
    [
        lambda data, seed: fit_wqs(WQS(**ROLES), data, seed=seed),
        lambda data, seed: fit_repeated_holdout_wqs(WQS(**ROLES), data, seed=seed),
        lambda data, seed: permutation_test_wqs(WQS(**ROLES), data, seed=seed),
        lambda data, seed: fit_qgcomp_bootstrap(QGComp(**ROLES), data, seed=seed),
        lambda data, seed: fit_bkmr(BKMR(**ROLES), data, seed=seed),
    ],
    ids=["WQS", "holdout", "permutation", "QGComp", "BKMR"],
)
@pytest.mark.parametrize("seed", [None, "a", 1.5, True, -1])
def test_seeds(people, fit, seed):
    with pytest.raises(SpecificationError, match=f"seed to be a whole number of at least 0, found {seed!r}"):
        fit(people, seed)


@pytest.mark.parametrize(
    ("values", "others"), [(["yes", "no"] * 2, 4), ([0.0, 1.0, 2.0, 1.0], 1), (["0", "1", "1", "1"], 4)]
)
def test_a_domain_is_true_or_false(values, others):
    with pytest.raises(DataError, match=f"domain 'd' to be true or false, found {others} other values"):
        domain_rows(pd.DataFrame({"d": values}), "d")


@pytest.mark.parametrize("dtype", ["bool", "boolean", "object", "float64", "Int64"])
def test_what_a_domain_may_be(dtype):
    rows = domain_rows(pd.DataFrame({"d": pd.Series([True, False, True]).astype(dtype)}), "d")
    assert rows.tolist() == [True, False, True]


def test_an_outcome_that_is_text(people):
    with pytest.raises(DataError, match="'y' to be numeric"):
        FITS["regression"](people.assign(y="x"))
