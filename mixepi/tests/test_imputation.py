"""Multiple imputation: what is filled in, what is left alone, and Rubin's rules."""

import numpy as np
import pandas as pd
import pytest

from mixepi.errors import ConvergenceWarning, DataError, EstimationError, SpecificationError
from mixepi.imputation import impute, pool
from tests.support.paths import FIXTURES

COLUMNS = ("y", "x", "smoking", "older", "age")


def people(n: int = 300, seed: int = 1) -> pd.DataFrame:
    """Smoking follows x, but not in the order of its names; an eighth of three columns is missing."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, n)
    smoking = np.array(["former", "current", "never"])[np.digitize(x + rng.normal(0, 0.2, n), [-0.5, 0.5])]
    frame = pd.DataFrame(
        {
            "y": x + rng.normal(0, 1, n),
            "x": x,
            "smoking": smoking,
            "older": x > 0,
            "age": rng.integers(50, 80, n),
            "note": "as it was",
        },
        index=np.arange(n) * 3 + 1000,
    ).astype({"age": "Int64", "older": "boolean"})
    for name in ("x", "smoking", "older"):
        frame.loc[rng.random(n) < 1 / 8, name] = None
    return frame


@pytest.fixture(scope="module")
def completed() -> list[pd.DataFrame]:
    return impute(people(), COLUMNS, imputations=3, seed=7)


def test_nothing_is_missing_and_nothing_known_changed(completed):
    given = people()
    known = given.notna()
    for frame in completed:
        assert frame.notna().all(axis=None)
        assert frame.dtypes.equals(given.dtypes)
        pd.testing.assert_frame_equal(frame.where(known), given.where(known), check_dtype=False)


def test_what_is_imputed_was_observed(completed):
    given = people()
    for frame in completed:
        for name in ("x", "smoking"):
            assert set(frame[name]) <= set(given[name].dropna())


def test_imputations_differ_and_depend_on_seed_and_number_alone(completed):
    assert not completed[0].equals(completed[1])
    assert impute(people(), COLUMNS, imputations=1, seed=7)[0].equals(completed[0])
    assert not impute(people(), COLUMNS, imputations=1, seed=8)[0].equals(completed[0])


def test_a_factor_follows_its_predictors_whatever_the_order_of_its_levels(completed):
    """The alphabet would make the lowest level the middle one: few may be two levels off."""
    missing = people()["smoking"].isna() & people()["x"].notna()
    order = {"former": 0, "current": 1, "never": 2}
    for frame in completed:
        expected = pd.Series(np.digitize(frame["x"], [-0.5, 0.5]), index=frame.index)
        off = (frame["smoking"].map(order) - expected).abs()[missing]
        assert (off == 2).mean() < 0.05
        assert (off == 0).mean() > 0.6


def test_columns_that_say_the_same_do_no_harm():
    """Whether someone ever smoked is a sum of the levels of smoking."""
    frame = people()
    frame["ever"] = frame["smoking"].map({"former": 1.0, "current": 1.0, "never": 0.0})
    frame["age_again"] = frame["age"].astype(float) * 12
    (done,) = impute(frame, [*COLUMNS, "ever", "age_again"], imputations=1, seed=1)
    assert done[["smoking", "ever"]].notna().all(axis=None)
    known = frame["x"]
    assert done["x"].std() == pytest.approx(known.std(), rel=0.1)


def test_a_record_without_any_value_is_completed_too():
    frame = people()[["x", "smoking"]]
    frame.iloc[5] = None
    (done,) = impute(frame, ["x", "smoking"], imputations=1, seed=1)
    assert done.notna().all(axis=None)


def test_complete_data_come_back_as_they_are():
    frame = people().dropna()
    for done in impute(frame, COLUMNS, imputations=2, seed=1):
        pd.testing.assert_frame_equal(done, frame)


def test_levels_are_drawn_in_their_shares():
    """The middle level by y alone, the outer ones by x: no single score of the levels would do."""
    rng = np.random.default_rng(3)
    n = 4000
    x, y = rng.choice([-1.0, 1.0], n), rng.choice([0.0, 1.0], n)
    middle = rng.random(n) < np.where(y == 1, 0.8, 0.2)
    level = np.where(middle, "b", np.where(rng.random(n) < np.where(x > 0, 0.9, 0.1), "a", "c"))
    frame = pd.DataFrame({"x": x, "y": y, "level": level})
    frame.loc[rng.random(n) < 0.5, "level"] = None
    (done,) = impute(frame, ["x", "y", "level"], imputations=1, seed=1)
    imputed = frame["level"].isna()
    shares = [
        pd.crosstab([rows["x"], rows["y"]], rows["level"], normalize="index").to_numpy()
        for rows in (done[imputed], done[~imputed])
    ]
    # about 500 in each of the four cells: standard error of a share at most 0.022 on each side
    np.testing.assert_allclose(shares[0], shares[1], atol=0.1)


@pytest.mark.parametrize(
    ("change", "columns", "error", "message"),
    [
        ({}, ["x", "weight"], DataError, "expected columns 'weight', found none"),
        ({}, ["x", "y", "x"], SpecificationError, "found x more than once"),
        ({"x": np.inf}, COLUMNS, DataError, "finite values in column 'x', found 1 infinite"),
        ({"bmi": np.nan}, [*COLUMNS, "bmi"], DataError, "values of 'bmi' to learn from, found 0 in 300 rows"),
    ],
)
def test_bad_input_is_named(change, columns, error, message):
    frame = people()
    for name, value in change.items():
        frame.loc[frame.index[0] if name in frame else frame.index, name] = value
    with pytest.raises(error, match=message):
        impute(frame, columns, imputations=1, seed=1)


def test_at_least_one_imputation():
    with pytest.raises(SpecificationError, match="imputations to be a whole number of at least 1, found 0"):
        impute(people(), COLUMNS, imputations=0, seed=1)


def test_rubins_rules_by_hand():
    """Estimates 1, 2, 3 with variance 1: within 1, between 1, total 1 + 4/3."""
    pooled = pool([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], df_complete=7)
    assert (pooled.estimate, pooled.within, pooled.between) == (2, 1, 1)
    assert pooled.std_error == pytest.approx(np.sqrt(7 / 3))
    share = (4 / 3) / (7 / 3)
    df_imputation, df_observed = 2 / share**2, (8 / 10) * 7 * (1 - share)
    assert pooled.df == pytest.approx(df_imputation * df_observed / (df_imputation + df_observed))
    low, high = pooled.interval()
    assert low + high == pytest.approx(4)


@pytest.mark.parametrize("case", pd.read_csv(FIXTURES / "imputation/pooled.csv").to_dict("records"))
def test_pooling_equals_r_mice(case):
    pooled = pool(
        [float(text) for text in case["estimates"].split(";")],
        [float(text) for text in case["std_errors"].split(";")],
        df_complete=case["df_complete"],
    )
    for name in ("estimate", "std_error", "within", "between", "df", "missing_information"):
        assert getattr(pooled, name) == pytest.approx(case[name], rel=1e-12), name


def test_nothing_missing_leaves_estimate_and_error():
    pooled = pool([0.5, 0.5], [0.1, 0.1], df_complete=np.inf)
    assert (pooled.estimate, pooled.std_error, pooled.df) == (0.5, pytest.approx(0.1), np.inf)
    assert pooled.missing_information == 0
    assert pooled.p_value == pytest.approx(5.733e-7, rel=1e-3)


@pytest.mark.parametrize(
    ("estimates", "std_errors", "message"),
    [
        ([1.0], [1.0], "at least 2 imputations, found 1 and 1"),
        ([1.0, 2.0], [1.0], "found 2 and 1"),
        ([np.nan, np.nan], [1.0, 1.0], "found 2 of 2 imputations without"),
    ],
)
def test_what_cannot_be_pooled_is_refused(estimates, std_errors, message):
    with pytest.raises(EstimationError, match=message):
        pool(estimates, std_errors, df_complete=np.inf)


def test_failed_imputations_are_counted_and_too_few_leave_no_interval():
    """The mean of the others by hand; the fits under a design have their own degrees of freedom."""
    given = [1.0, 2.0, 3.0, np.nan, 4.0], [1.0, 1.0, 1.0, 1.0, 0.0]
    with pytest.warns(ConvergenceWarning, match="a fit of each of 5 imputations, found none of 2"):
        pooled = pool(*given, df_complete=[9, 7, 8, 7, 7])
    whole = pool([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], df_complete=7)
    assert (pooled.imputations, pooled.failed, pooled.converged) == (3, 2, True)
    assert (pooled.estimate, pooled.std_error, pooled.df) == (whole.estimate, whole.std_error, whole.df)
    with pytest.warns(
        ConvergenceWarning, match="at least 3 completed imputations for an interval, found 2 of 5"
    ):
        few = pool([1.0, 2.0, *[np.nan] * 3], [1.0] * 5, df_complete=7)
    assert few.estimate == 1.5
    assert not few.converged
    assert np.isnan([few.std_error, few.p_value, *few.interval()]).all()
