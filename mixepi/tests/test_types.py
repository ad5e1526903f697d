"""Numbers are numbers however a column stores them, and alike in all methods."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from mixepi import BKMR, WQS, ChainOptions, QGComp, fit_bkmr, fit_qgcomp, fit_regression, fit_wqs, impute
from mixepi.errors import DataError
from mixepi.model_frame import as_numbers, domain_rows
from mixepi.regression import RegressionSpec

ROLES = {"outcome": "y", "exposures": ("a", "b"), "covariates": ("z", "flag")}
SHORT = ChainOptions(chains=2, warmup=5, draws=5, workers=1, progress=False)
FITS = {
    "WQS": lambda data: fit_wqs(WQS(**ROLES, bootstraps=3), data, seed=1),
    "QGComp": lambda data: fit_qgcomp(QGComp(**ROLES), data),
    "BKMR": lambda data: fit_bkmr(BKMR(**ROLES), data, seed=1, options=SHORT),
    "regression": lambda data: fit_regression(RegressionSpec(**ROLES), data),
}
STORED = {
    "objects": lambda x: x.astype(object),
    "decimals": lambda x: x.map(lambda v: Decimal(int(v))).astype(object),
    "decimals and integers": lambda x: pd.Series(
        [Decimal(int(v)) if j % 2 else int(v) for j, v in enumerate(x)], index=x.index, dtype=object
    ),
    "nullable": lambda x: x.astype("Int64"),
    "nullable floats": lambda x: x.astype("Float64"),
    "arrow": lambda x: x.astype("int64[pyarrow]"),
    "arrow decimals": lambda x: x.map(lambda v: Decimal(int(v))).astype(pd.ArrowDtype(pa.decimal128(9, 2))),
}


@pytest.fixture
def people() -> pd.DataFrame:
    generator = np.random.default_rng(4)
    data = pd.DataFrame(generator.integers(1, 90, (80, 4)).astype(float), columns=["a", "b", "z", "y"])
    return data.assign(flag=generator.random(80) < 0.4)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", FITS)
@pytest.mark.parametrize("stored", STORED)
def test_numbers_however_stored(people, method, stored):
    expected = FITS[method](people.astype({"flag": float})).estimates()
    data = people.assign(**{name: STORED[stored](people[name]) for name in "abzy"})
    flags = people["flag"]
    for flag in (flags, flags.astype(object), flags.astype("boolean"), flags.astype("bool[pyarrow]")):
        found = FITS[method](data.assign(flag=flag)).estimates()
        pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("method", FITS)
def test_categories_of_numbers_are_no_exposures(people, method):
    with pytest.raises(DataError, match=r"'a' to be numeric, found (dtype )?category"):
        FITS[method](people.assign(a=pd.Categorical(people["a"])))


@pytest.mark.parametrize("values", [["1", "2"], [1, "2"], [1 + 2j, 1], [None, None], [pd.Timestamp(0), 1]])
def test_what_is_no_column_of_numbers(values):
    assert as_numbers(pd.Series(values, dtype=object)) is None


def test_complex_numbers_are_none():
    assert as_numbers(pd.Series([1 + 2j, 1])) is None


@pytest.mark.parametrize("dtype", ["bool[pyarrow]", "int64[pyarrow]", "Float64"])
def test_domains_of_other_types(dtype):
    rows = domain_rows(pd.DataFrame({"d": pd.Series([True, False, True]).astype(float).astype(dtype)}), "d")
    assert rows.tolist() == [True, False, True]


@pytest.mark.parametrize("method", [*FITS, "impute"])
def test_a_frame_of_polars(people, method):
    import polars as pl

    fits = FITS | {"impute": lambda data: impute(data, ["a", "b"], seed=1)}
    with pytest.raises(DataError, match=r"found polars.DataFrame: convert it, as in data.to_pandas\(\)"):
        fits[method](pl.DataFrame(people.to_dict("list")))


@pytest.mark.parametrize("stored", STORED)
def test_imputed_values_keep_the_type(people, stored):
    column = people["z"].where(np.arange(80) % 4 > 0)
    frame = people[["a", "b"]]
    expected = impute(frame.assign(z=column), ["a", "b", "z"], imputations=1, seed=2)[0]["z"]
    typed = STORED[stored](people["z"]).where(np.arange(80) % 4 > 0)
    found = impute(frame.assign(z=typed), ["a", "b", "z"], imputations=1, seed=2)[0]["z"]
    assert found.dtype == typed.dtype
    np.testing.assert_array_equal(found.astype(float), expected)
    assert {type(value) for value in found} <= {type(value) for value in typed.dropna()}


@pytest.mark.parametrize("dtype", ["object", "boolean", "bool[pyarrow]"])
def test_imputed_booleans_stay_booleans(people, dtype):
    flag = people["flag"].astype(dtype).where(np.arange(80) % 4 > 0)
    found = impute(people[["a", "b"]].assign(flag=flag), ["a", "b", "flag"], imputations=1, seed=2)[0]["flag"]
    assert found.dtype == flag.dtype
    assert set(found) == {True, False}
    assert {type(value) for value in found} <= {bool, np.bool_}


def test_the_largest_tie_is_named(people):
    ceiling = people.assign(a=np.where(np.arange(80) < 72, 99.0, np.arange(80) / 10))
    with pytest.raises(DataError, match="90% tied at the highest"):
        FITS["WQS"](ceiling)


def test_missing_weights_are_called_missing(people):
    data = people.assign(w=1.0, s=np.arange(80) % 4, p=np.arange(80) // 4 % 2)
    data.loc[3, "w"] = np.nan
    spec = RegressionSpec(**ROLES, weights="w", strata="s", psu="p")
    with pytest.raises(DataError, match="expected weights in column 'w', found 1 of 80 missing"):
        fit_regression(spec, data)


def test_an_identifier_among_the_columns_to_impute_is_named(people):
    data = people.assign(z=people["z"].where(np.arange(80) % 4 > 0), code=[f"P{j}" for j in range(80)])
    with pytest.raises(DataError, match="levels of 'code' than values to learn from, found 80 levels"):
        impute(data, ["code", "z", "a"], imputations=1, seed=1)
