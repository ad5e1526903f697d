"""Every error and warning says what was expected, what was found, and what to do."""

import numpy as np
import pytest

from envmix import WQS, fit_repeated_holdout_wqs, fit_wqs, permutation_test_wqs
from envmix.errors import (
    DataError,
    DirectionError,
    DirectionWarning,
    EstimationError,
    FewEventsWarning,
    QuantileWarning,
    SeparationError,
    SeparationWarning,
    SpecificationError,
)

BASE = {"outcome": "y", "exposures": ("a", "b", "c", "d"), "covariates": ("z",), "bootstraps": 10}


def test_no_bootstrap_in_the_direction(toy):
    strong = toy.assign(y=toy[["a", "b", "c", "d"]].rank().sum(axis=1))
    with pytest.raises(
        DirectionError, match=r"with a negative index, found none of 10 \(10 fit better the other way\)"
    ):
        fit_wqs(WQS(**BASE, direction="negative", constrain_sign=False), strong, 1)
    with pytest.raises(DirectionError, match="with a negative index, found none of 10"):
        fit_wqs(WQS(**BASE, direction="negative"), strong, 1)
    with pytest.raises(DirectionError, match="expected some of 3 splits to be completed, found none"):
        fit_repeated_holdout_wqs(WQS(**BASE, direction="negative"), strong, 1, holdouts=3, workers=1)
    with pytest.raises(DirectionError, match="no index to test"):
        permutation_test_wqs(WQS(**BASE, direction="negative"), strong, 1, permutations=19, workers=1)


def test_a_doubtful_direction_warns(toy):
    with pytest.warns(DirectionWarning, match="fit a negative index better than the other sign, found"):
        result = fit_wqs(WQS(**BASE, direction="negative"), toy, 1)
    assert "negative index" in result.facts()["warnings"][0]


def test_missing_values_are_counted_by_column(toy):
    holes = toy.copy()
    holes.loc[:2, "a"] = np.nan
    holes.loc[5, "z"] = np.nan
    with pytest.raises(DataError, match=r"no missing values in 120 rows, found a: 3; z: 1: drop or impute"):
        fit_wqs(WQS(**BASE), holes, 1)


def test_missing_values_outside_the_domain_are_no_matter(toy):
    holes = toy.assign(inside=np.arange(len(toy)) > 2)
    holes.loc[:2, "a"] = np.nan
    assert fit_wqs(WQS(**BASE, domain="inside"), holes, 1).training_rows[:3].sum() == 0


def test_columns_that_do_not_exist_or_do_not_vary(toy):
    with pytest.raises(DataError, match=r"expected columns 'lead'"):
        fit_wqs(WQS(**{**BASE, "exposures": ("a", "lead")}), toy, 1)
    with pytest.raises(DataError, match=r"'a' to vary, found the single value 2 in all 120 rows"):
        fit_wqs(WQS(**BASE), toy.assign(a=2.0), 1)
    with pytest.raises(DataError, match=r"covariates that vary, found 'z' constant"):
        fit_wqs(WQS(**BASE), toy.assign(z=0.0), 1)
    with pytest.raises(DataError, match=r"outcome 'y' to vary"):
        fit_wqs(WQS(**BASE), toy.assign(y=1.0), 1)
    with pytest.raises(DataError, match=r"'a' to be numeric, found dtype"):
        fit_wqs(WQS(**BASE), toy.assign(a="x"), 1)
    with pytest.raises(DataError, match=r"finite values in column 'z', found 1"):
        fit_wqs(WQS(**BASE), toy.assign(z=np.r_[np.inf, toy["z"][1:]]), 1)


def test_weights_must_be_positive(toy):
    with pytest.raises(DataError, match=r"positive weights in column 'w', found 2 of 120 zero or negative"):
        fit_wqs(WQS(**BASE, weights="w"), toy.assign(w=np.r_[0.0, -1.0, np.ones(118)]), 1)


def test_outcomes_must_suit_the_family(toy):
    with pytest.raises(DataError, match=r"'y' to be 0 or 1 for family 'binomial', found 120 other values"):
        fit_wqs(WQS(**BASE, family="binomial"), toy, 1)
    with pytest.raises(DataError, match=r"'y' to hold counts .* found \d+ negative or fractional"):
        fit_wqs(WQS(**BASE, family="poisson"), toy, 1)


@pytest.mark.filterwarnings("ignore::envmix.errors.EnvmixWarning")
def test_few_events(toy):
    rare = toy.assign(y=(np.arange(len(toy)) % 12 == 0).astype(float))
    with pytest.warns(
        FewEventsWarning, match="at least 5 events per parameter among the training rows, found"
    ) as caught:
        result = fit_wqs(WQS(**BASE, family="binomial"), rare, 1)
    assert any("validation rows" in str(w.message) for w in caught)
    assert "events per parameter" in result.facts()["warnings"][0]
    none = np.zeros(len(toy))
    none[:3] = 1
    validation = np.ones(len(toy), dtype=bool)
    validation[60:] = False
    with pytest.raises(
        EstimationError, match="both outcomes among the training rows, found 0 events in 60 rows"
    ):
        fit_wqs(WQS(**BASE, family="binomial"), toy.assign(y=none), 1, validation_rows=validation)


def test_separation_in_a_bootstrap(toy):
    spec = WQS(**{**BASE, "outcome": "event", "covariates": ("z", "rare")}, family="binomial", validation=0.0)
    with pytest.warns(SeparationWarning, match=r"finite fits in 10 bootstraps, found separation in \d+"):
        result = fit_wqs(spec, toy.assign(rare=_rare(toy)), 1)
    # Only the rare covariate is separated: the index of those bootstraps is finite and counts.
    assert 0 < result.bootstraps.separated.sum() < 10
    assert result.bootstraps.used.all()


def test_separation_in_the_final_model(toy):
    flag = ((toy["event"] == 1) & (np.arange(len(toy)) % 7 == 0)).astype(float)
    spec = WQS(**{**BASE, "outcome": "event", "covariates": ("z", "flag")}, family="binomial", validation=0.0)
    with pytest.raises(SeparationError, match=r"rows predicted with certainty by wqs, z, flag"):
        fit_wqs(spec, toy.assign(flag=flag), 1)


def _rare(toy):
    """One event and one non-event: most resamples miss one of them."""
    rare = np.zeros(len(toy))
    rare[[int(np.argmax(toy["event"] == 1)), int(np.argmax(toy["event"] == 0))]] = 1.0
    return rare


def test_non_detects_warn(toy):
    with pytest.warns(QuantileWarning, match=r"'a': expected 4 score levels, found 3"):
        fit_wqs(WQS(**BASE), toy.assign(a=np.maximum(toy["a"], toy["a"].quantile(0.4))), 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "cox"}, "expected family to be one of gaussian"),
        ({"direction": "up"}, "expected direction to be one of positive, negative, both, found 'up'"),
        ({"signal": "t4"}, "expected signal to be one of t2"),
        ({"exposures": ("a",)}, "expected at least 2 exposures, found 1"),
        ({"exposures": ("a", "z")}, "'z' named twice"),
        ({"validation": 1.0}, "share from 0 to below 1, found 1.0"),
        ({"bootstraps": 0}, "at least 1 bootstrap, found 0"),
        ({"random_subset": 4}, "random_subset from 1 to 3, found 4"),
        ({"interaction": "z", "direction": "both"}, "an interaction without direction 'both'"),
        ({"interaction": "a"}, "'a' in another role"),
        ({"psu": "p"}, "weights, strata and psu together"),
    ],
)
def test_contradictory_specifications(options, message):
    with pytest.raises(SpecificationError, match=message):
        WQS(**{**BASE, **options})


def test_given_rows_are_checked(toy):
    with pytest.raises(
        DataError, match=r"validation_rows to be 120 true or false values, found shape \(3,\)"
    ):
        fit_wqs(WQS(**BASE), toy, 1, validation_rows=[True, False, True])
    with pytest.raises(DataError, match="found 120 validation rows of 120"):
        fit_wqs(WQS(**BASE), toy, 1, validation_rows=np.ones(120, dtype=bool))
    with pytest.raises(DataError, match="numbers from 0 to 47"):
        fit_wqs(WQS(**BASE), toy, 1, bootstrap_rows=np.full((2, 48), 48))
    with pytest.raises(SpecificationError, match="does not resample rows"):
        fit_wqs(WQS(**BASE, random_subset=2), toy, 1, bootstrap_rows=np.zeros((2, 48), dtype=int))
    with pytest.raises(SpecificationError, match="validation above 0 for repeated holdout"):
        fit_repeated_holdout_wqs(WQS(**BASE, validation=0.0), toy, 1)
    with pytest.raises(SpecificationError, match="at least 19 permutations, found 5"):
        permutation_test_wqs(WQS(**BASE), toy, 1, permutations=5)


def test_a_repeated_identifier_is_an_error(toy):
    with pytest.raises(DataError, match=r"one row per value of 'person', found 1 repeated"):
        fit_wqs(WQS(**BASE, identifier="person"), toy.assign(person=np.r_[0, 0, np.arange(118) + 5]), 1)
