"""WQS under a survey design: what is split and resampled, what is refused, what has no interval."""

import numpy as np
import pandas as pd
import pytest

from mixepi import (
    WQS,
    HoldoutOptions,
    PermutationOptions,
    fit_repeated_holdout_wqs,
    fit_wqs,
    permutation_test_wqs,
)
from mixepi.errors import ConvergenceWarning, DataError, SpecificationError
from mixepi.random_streams import random_stream
from mixepi.wqs.data import wqs_data
from mixepi.wqs.split import resample_counts, split_rows

DESIGN = {"weights": "w", "strata": "stratum", "psu": "psu"}
SPEC = WQS(outcome="y", exposures=("a", "b", "c"), bootstraps=40, **DESIGN)


@pytest.fixture(scope="module")
def clustered() -> pd.DataFrame:
    """Fifteen strata of two PSUs of ten people; the first has four PSUs."""
    generator = np.random.default_rng(3)
    place = np.repeat(np.arange(32), 10)
    data = pd.DataFrame(np.exp(generator.normal(size=(320, 3))), columns=list("abc"))
    return data.assign(
        y=0.5 * np.log(data["a"]) + generator.normal(size=320),
        w=generator.uniform(1, 3, 320),
        stratum=np.maximum(place // 2 - 1, 0),
        psu=place,
        rows=np.arange(320),
    )


def sides(data: pd.DataFrame, rows: np.ndarray) -> pd.Series:
    """The share of validated rows of each PSU."""
    return pd.Series(rows).groupby(data["psu"].to_numpy()).mean()


def test_whole_psus_are_split_within_a_large_stratum_and_whole_strata_otherwise(clustered):
    arrays = wqs_data(SPEC, clustered)
    for seed in range(5):
        training, validation = split_rows(random_stream(seed, "split"), arrays, 0.6)
        np.testing.assert_array_equal(training, ~validation)
        share = sides(clustered, validation)
        assert set(share) == {0.0, 1.0}
        assert share[:4].sum() == 2
        assert share[4:].sum() == 2 * round(0.6 * 14)
        assert (share[4:].to_numpy().reshape(14, 2).std(axis=1) == 0).all()


def test_resamples_draw_whole_psus_of_the_training_strata(clustered):
    arrays = wqs_data(SPEC, clustered)
    training, _ = split_rows(random_stream(1, "split"), arrays, 0.6)
    counts = resample_counts(random_stream(1, "draws"), arrays, training, 200, None)
    by_psu = pd.DataFrame(counts.T).groupby(clustered["psu"].to_numpy()[training])
    assert (by_psu.std() == 0).all().all()
    # Two PSUs a stratum on this side: one is drawn and counts twice.
    assert set(np.unique(counts)) == {0.0, 2.0}
    np.testing.assert_array_equal(by_psu.first().sum(), by_psu.ngroups)


def test_the_split_depends_on_the_seed_and_not_on_the_order_of_rows(clustered):
    first = fit_wqs(SPEC, clustered, seed=4)
    shuffled = clustered.sample(frac=1, random_state=1)
    second = fit_wqs(SPEC, shuffled, seed=4)
    found = pd.Series(second.validation_rows, index=shuffled.index).reindex(clustered.index)
    np.testing.assert_array_equal(first.validation_rows, found)
    assert not np.array_equal(first.validation_rows, fit_wqs(SPEC, clustered, seed=5).validation_rows)
    # 2 of the 4 PSUs of the large stratum, 8 strata of two: 18 PSUs, 9 strata, two parameters.
    assert first.model.df == 9 + 1 - 2
    assert first.converged


def test_validation_rows_that_tear_psus_are_refused(clustered):
    with pytest.raises(DataError, match="whole PSUs in validation_rows, found 32 of 32 with rows on both"):
        fit_wqs(SPEC, clustered, seed=1, validation_rows=clustered["rows"] % 2 == 0)
    whole = fit_wqs(SPEC, clustered, seed=1, validation_rows=clustered["stratum"] % 2 == 0)
    np.testing.assert_array_equal(whole.validation_rows, clustered["stratum"] % 2 == 0)


def test_there_is_no_permutation_test_under_a_design(clustered):
    with pytest.raises(
        SpecificationError, match=r"expected no survey design, found strata='stratum'.*qgcomp"
    ):
        permutation_test_wqs(SPEC, clustered, seed=1)
    options = PermutationOptions(permutations=19, workers=1, progress=False)
    without = WQS(outcome="y", exposures=("a", "b", "c"), bootstraps=5)
    assert permutation_test_wqs(without, clustered, seed=1, options=options).converged


def test_repeated_holdout_has_no_interval_under_a_design(clustered):
    options = HoldoutOptions(holdouts=40, workers=1, progress=False)
    with pytest.warns(ConvergenceWarning, match="found none under a survey design: splits of one"):
        repeated = fit_repeated_holdout_wqs(SPEC, clustered, seed=4, options=options)
    table = repeated.estimates()
    assert table[["std_error", "conf_low", "conf_high"]].isna().all().all()
    assert table[["estimate", "median"]].notna().all().all()
    assert repeated.converged
    single = fit_wqs(SPEC, clustered, seed=4)
    np.testing.assert_allclose(repeated.coefficients[0], single.model.coefficients, rtol=1e-12)


def test_splitting_rows_is_seen(clustered, monkeypatch):
    """A deliberate fault: the split of a sample without a design."""
    monkeypatch.setattr("mixepi.wqs.data.sampling_units", lambda design: None)
    with pytest.raises(AssertionError):
        assert set(sides(clustered, fit_wqs(SPEC, clustered, seed=1).validation_rows)) == {0.0, 1.0}
