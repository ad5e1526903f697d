"""What is one value per row goes out, and comes in, under the labels of the data frame."""

import numpy as np
import pandas as pd
import pytest

from mixepi import BKMR, WQS, ChainOptions, fit_bkmr, fit_quantile_scores, fit_wqs
from mixepi.errors import DataError
from mixepi.imputation import impute, pool

EXPOSURES = ("a", "b", "c")
SHORT = ChainOptions(chains=2, warmup=20, draws=20, workers=1, progress=False)


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    generator = np.random.default_rng(8)
    data = pd.DataFrame(generator.lognormal(size=(90, 3)), columns=list(EXPOSURES))
    data["y"] = np.log(data["a"]) + np.log(data["b"]) + generator.normal(size=90)
    return data.set_index(pd.Index([f"p{j}" for j in generator.permutation(90)]))


@pytest.fixture(scope="module")
def wqs() -> WQS:
    return WQS(outcome="y", exposures=EXPOSURES, bootstraps=5)


@pytest.fixture(scope="module")
def per_row(people, wqs):
    """Each function that answers row by row."""
    with pytest.warns(match="NOT CONVERGED"):
        bkmr = fit_bkmr(BKMR(outcome="y", exposures=EXPOSURES, log=True), people, seed=1, options=SHORT)
    index = fit_wqs(wqs, people, seed=1)
    return {
        "predict": bkmr.predict,
        "index": index.index,
        "score": fit_quantile_scores(people, EXPOSURES).score,
    }


@pytest.mark.parametrize("function", ["predict", "index", "score"])
def test_answers_carry_the_labels_of_the_rows(people, per_row, function):
    answer = per_row[function]
    whole = answer(people).select_dtypes("number")
    part = people[people["a"] > 1]
    assert list(part.index) != list(people.index)[: len(part)]
    pd.testing.assert_frame_equal(answer(part).select_dtypes("number"), whole.loc[part.index], rtol=1e-6)
    twice = pd.concat([part, part.iloc[::-1]])
    np.testing.assert_array_equal(answer(twice).index, twice.index)


def test_validation_rows_as_a_series_are_read_by_label(people, wqs):
    chosen = pd.Series(np.arange(90) % 2 == 0, index=people.index)
    by_array = fit_wqs(wqs, people, seed=1, validation_rows=chosen.to_numpy()).estimates()
    for series in (chosen, chosen.sort_index(), pd.concat([chosen.sort_index(), pd.Series({"other": True})])):
        by_series = fit_wqs(wqs, people, seed=1, validation_rows=series).estimates()
        pd.testing.assert_frame_equal(by_series, by_array)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.iloc[1:], "a value for every row, found none for 1 of 90 labels, such as 'p"),
        (lambda s: s.reset_index(drop=True), "found none for 90 of 90 labels"),
        (
            lambda s: pd.concat([s.iloc[:1], s]),
            "identify rows, found 1 repeated in the index of val",
        ),
        (lambda s: s.to_numpy()[1:], r"validation_rows to be 90 values, found shape \(89,\)"),
        (lambda s: s.astype(float) * 2, "validation_rows to be true or false, found 45 other values of 90"),
    ],
)
def test_labels_that_do_not_fit_are_refused(people, wqs, change, message):
    chosen = pd.Series(np.arange(90) % 2 == 0, index=people.index)
    with pytest.raises(DataError, match=message):
        fit_wqs(wqs, people, seed=1, validation_rows=change(chosen))


def test_imputation_keeps_rows_apart_whose_labels_are_equal(people):
    frame = people.assign(
        b=people["b"].where(np.arange(90) % 5 > 0), level=np.where(people["c"] > 1, "x", None)
    )
    frame["level"] = frame["level"].where(frame["level"].notna() | (np.arange(90) % 2 == 0), "z")
    once = impute(frame, ["a", "b", "y", "level"], imputations=1, seed=1)[0]
    repeated = frame.set_index(pd.Index(np.arange(90) % 7))
    twice = impute(repeated, ["a", "b", "y", "level"], imputations=1, seed=1)[0]
    pd.testing.assert_frame_equal(twice, once.set_index(repeated.index))


def test_pooling_matches_two_series_by_label():
    estimates = pd.Series([0.1, 0.2, 0.4], index=["i", "ii", "iii"])
    errors = pd.Series([0.3, 0.1, 0.2], index=["iii", "i", "ii"])
    expected = pool([0.1, 0.2, 0.4], [0.1, 0.2, 0.3], df_complete=9)
    assert pool(estimates, errors, df_complete=9) == expected
    with pytest.raises(DataError, match="std_errors to have a value for every row, found none for 1 of 3"):
        pool(estimates, errors.rename({"i": "iv"}), df_complete=9)
