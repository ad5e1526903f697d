"""A column may have any name; a name that is no column is an error with the nearest names."""

import re

import numpy as np
import pandas as pd
import pytest

from mixepi import (
    BKMR,
    WQS,
    ChainOptions,
    HoldoutOptions,
    QGComp,
    fit_bkmr,
    fit_qgcomp,
    fit_qgcomp_bootstrap,
    fit_qgcomp_sandwich,
    fit_regression,
    fit_repeated_holdout_wqs,
    fit_wqs,
    impute,
    joint_test,
    wald_test,
)
from mixepi.errors import DataError, SpecificationError
from mixepi.regression import RegressionSpec

ODD = (
    "wqs",
    "psi1",
    "Intercept",
    "intercept",
    "(Intercept)",
    "lambda",
    "index",
    "a b",
    "größe",
    "x[1]",
    "row",
)
SHORT = ChainOptions(chains=2, warmup=5, draws=5, workers=1, progress=False)


@pytest.fixture
def people() -> pd.DataFrame:
    generator = np.random.default_rng(12)
    n = 120
    data = pd.DataFrame(generator.lognormal(size=(n, 3)), columns=["pb", "cd", "hg"])
    data["age"] = generator.integers(40, 80, n).astype(float)
    data["race"] = generator.choice(["a", "b", "c"], n)
    data["y"] = np.log(data["pb"]) + 0.02 * data["age"] + generator.normal(size=n)
    return data


def coefficient_tables(data: pd.DataFrame, exposures: tuple[str, ...], covariates: tuple[str, ...]):
    """The tables of all methods whose rows have names."""
    roles = {"outcome": "y", "exposures": exposures, "covariates": covariates}
    holdouts = HoldoutOptions(holdouts=2, workers=1, progress=False)
    wqs, qgcomp = WQS(**roles, bootstraps=4), QGComp(**roles)
    yield fit_regression(RegressionSpec(**roles), data).estimates()
    yield fit_wqs(wqs, data, seed=1).estimates()
    yield fit_repeated_holdout_wqs(wqs, data, seed=1, options=holdouts).estimates()
    yield fit_qgcomp(qgcomp, data).coefficients_table()
    yield fit_qgcomp_bootstrap(qgcomp, data, seed=1, resamples=20).estimates()
    yield fit_bkmr(BKMR(**roles), data, seed=1, options=SHORT).estimates()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ODD)
def test_any_name_of_a_covariate_or_an_exposure(people, name):
    plain = coefficient_tables(people, ("pb", "cd", "hg"), ("age",))
    covariate = coefficient_tables(people.rename(columns={"age": name}), ("pb", "cd", "hg"), (name,))
    exposure = coefficient_tables(people.rename(columns={"cd": name}), ("pb", name, "hg"), ("age",))
    for one, other, third in zip(plain, covariate, exposure, strict=True):
        for renamed in (other, third):
            assert renamed["term"].is_unique
            np.testing.assert_allclose(renamed["estimate"], one["estimate"], rtol=1e-10)


def test_a_column_named_like_an_index_stays_out_of_the_table_of_splits(people):
    spec = WQS(outcome="y", exposures=("pb", "cd"), covariates=("wqs_score",), bootstraps=4)
    options = HoldoutOptions(holdouts=2, workers=1, progress=False)
    result = fit_repeated_holdout_wqs(
        spec, people.rename(columns={"age": "wqs_score"}), seed=1, options=options
    )
    named = [name for name in result.holdout_table() if name.startswith("estimate")]
    assert named == ["estimate_wqs"]


def test_a_column_named_like_a_level(people):
    spec = RegressionSpec(outcome="y", exposures=("pb",), covariates=("race", "race[b]"))
    fit = fit_regression(spec, people.rename(columns={"age": "race[b]"}))
    assert fit.terms == ("(Intercept)", "pb", "race[b]", "race[c]", "race[b] (column)")


@pytest.mark.parametrize("names", [["lambda", "index", "_constant"], ["a b", "größe", "x[1]"]])
def test_imputation_of_columns_of_any_name(people, names):
    data = people.assign(hg=people["hg"].where(np.arange(120) % 4 > 0))
    plain = impute(data, ["pb", "cd", "hg"], imputations=1, seed=1)[0]
    renamed = dict(zip(["pb", "cd", "hg"], names, strict=True))
    other = impute(data.rename(columns=renamed), names, imputations=1, seed=1)[0]
    pd.testing.assert_frame_equal(other, plain.rename(columns=renamed))


@pytest.mark.parametrize("name", ["psi1", "a b", "größe"])
def test_terms_of_columns_of_any_name(people, name):
    plain, quoted = ["I(cd**2)", "cd:age"], [f"I(`{name}`**2)", f"`{name}`:age"]
    roles = {"outcome": "y", "covariates": ("age",), "quantiles": 4}
    one = fit_qgcomp_sandwich(QGComp(**roles, exposures=("pb", "cd"), terms=tuple(plain)), people)
    renamed = people.rename(columns={"cd": name})
    other = fit_qgcomp_sandwich(QGComp(**roles, exposures=("pb", name), terms=tuple(quoted)), renamed)
    np.testing.assert_allclose(other.psi, one.psi, rtol=1e-10)


@pytest.mark.parametrize(
    "term",
    ["I(lambda**2)", "I(pb**2", "pb:agee", "n", "scored", "pb ~ cd", "pb | cd", "np.nothing(pb)", "pb:"],
)
def test_terms_that_cannot_be_read(people, term):
    spec = QGComp(outcome="y", exposures=("pb", "cd"), covariates=("age",), terms=(term,))
    with pytest.raises(SpecificationError, match=f"expected terms .*{re.escape(repr(term))}") as caught:
        fit_qgcomp_sandwich(spec, people)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "fit",
    [
        lambda d, x: fit_wqs(WQS(outcome="y", exposures=x), d, seed=1),
        lambda d, x: fit_qgcomp(QGComp(outcome="y", exposures=x), d),
        lambda d, x: fit_bkmr(BKMR(outcome="y", exposures=x), d, seed=1),
        lambda d, x: fit_regression(RegressionSpec(outcome="y", exposures=x), d),
        lambda d, x: impute(d, x, seed=1),
    ],
    ids=["WQS", "QGComp", "BKMR", "regression", "impute"],
)
def test_a_name_that_is_no_column(people, fit):
    with pytest.raises(DataError, match=r"columns 'lead', 'PB', found none of .*nearest to 'PB': 'pb'$"):
        fit(people, ("cd", "lead", "PB"))


def references(*pairs, **changes):
    return RegressionSpec(
        outcome="y", exposures=("pb",), covariates=("age", "race"), references=pairs, **changes
    )


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (
            (("Race", "c"),),
            r"covariates among age, race, found 'Race': .*nearest to 'Race': 'race'",
        ),
        ((("pb", "c"),), "references of covariates among age, race, found 'pb'"),
        (
            ("race", "c"),
            r"pairs of a covariate and its level, found 'race' .*write \(\('covariate', level",
        ),
        ((("race", "c", "d"),), "pairs of a covariate and its level, found"),
        ((("race", "c"), ("race", "b")), "one reference level of each covariate, found several of 'race'"),
        (((3, "c"),), "found 3 among them: names are texts"),
    ],
)
def test_references_that_are_none(pairs, message):
    with pytest.raises(SpecificationError, match=message):
        references(*pairs)


def test_references_in_no_list():
    with pytest.raises(SpecificationError, match="references to be a tuple of pairs, found 'race'"):
        RegressionSpec(outcome="y", exposures=("pb",), covariates=("race",), references="race")


def test_a_reference_of_a_numeric_covariate(people):
    with pytest.raises(SpecificationError, match=r"found one of 'age', which is numeric \(float64\)"):
        fit_regression(references(("age", "65")), people)


@pytest.mark.parametrize("level", [3, 3.0, np.int64(3)])
def test_levels_are_compared_by_value_and_type(people, level):
    data = people.assign(race=pd.Categorical(np.arange(120) % 3 + 1))
    assert fit_regression(references(("race", level)), data).terms[-2:] == ("race[1]", "race[2]")
    for wrong in ("3", 4, True):
        with pytest.raises(DataError, match=rf"level {wrong!r} in column 'race', found only 1, 2, 3: choose"):
            fit_regression(references(("race", wrong)), data)


def test_levels_that_read_alike(people):
    mixed = pd.Series([1, "1", "2"] * 40, dtype=object)
    for fit in (
        lambda: fit_regression(references(), people.assign(race=mixed)),
        lambda: fit_wqs(
            WQS(outcome="y", exposures=("pb", "cd"), stratified_by="race"), people.assign(race=mixed), seed=1
        ),
    ):
        with pytest.raises(DataError, match="'race' that can be told apart, found 1 as int and as str"):
            fit()


def test_identifiers_of_mixed_type(people):
    data = people.assign(person=[j if j % 2 else str(j) for j in range(120)])
    for fit, spec in ((fit_qgcomp, QGComp), (lambda s, d: fit_wqs(s, d, seed=1), WQS)):
        with pytest.raises(DataError, match="'person' that can be put in order, found int and str: convert"):
            fit(spec(outcome="y", exposures=("pb", "cd"), identifier="person"), data)


def test_names_of_tests(people):
    fit = fit_regression(references(), people)
    with pytest.raises(SpecificationError, match=r"coefficients among .*found 'race\[B\]': .*'race\[b\]'"):
        wald_test(fit, ["race[B]"])
    with pytest.raises(SpecificationError, match=r"exposures among pb, found 'Pb': .*nearest to 'Pb': 'pb'"):
        joint_test(fit, people, ["Pb"])
    with pytest.raises(SpecificationError, match=r"the text 'pb': write \('pb',\)"):
        joint_test(fit, people, "pb")
