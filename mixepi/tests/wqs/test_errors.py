"""Every error and warning says what was expected, what was found, and what to do."""

import numpy as np
import pytest

from mixepi import (
    WQS,
    HoldoutOptions,
    PermutationOptions,
    fit_repeated_holdout_wqs,
    fit_wqs,
    permutation_test_wqs,
)
from mixepi.errors import (
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
        fit_wqs(WQS(**BASE, direction="negative", constrain_sign=False), strong, seed=1)
    with pytest.raises(DirectionError, match="with a negative index, found none of 10"):
        fit_wqs(WQS(**BASE, direction="negative"), strong, seed=1)
    with pytest.raises(DirectionError, match="expected some of 3 splits to be completed, found none"):
        fit_repeated_holdout_wqs(
            WQS(**BASE, direction="negative"), strong, seed=1, options=HoldoutOptions(holdouts=3, workers=1)
        )
    with pytest.raises(DirectionError, match="no index to test"):
        permutation_test_wqs(
            WQS(**BASE, direction="negative"),
            strong,
            seed=1,
            options=PermutationOptions(permutations=19, workers=1),
        )


def test_a_doubtful_direction_warns(toy):
    with pytest.warns(DirectionWarning, match="fit a negative index better than the other sign, found"):
        result = fit_wqs(WQS(**BASE, direction="negative"), toy, seed=1)
    assert "negative index" in result.facts()["warnings"][0]


def test_missing_values_are_counted_by_column(toy):
    holes = toy.copy()
    holes.loc[:2, "a"] = np.nan
    holes.loc[5, "z"] = np.nan
    with pytest.raises(DataError, match=r"no missing values in 120 rows, found a: 3; z: 1: drop or impute"):
        fit_wqs(WQS(**BASE), holes, seed=1)


def test_missing_values_outside_the_domain_are_no_matter(toy):
    holes = toy.assign(inside=np.arange(len(toy)) > 2)
    holes.loc[:2, "a"] = np.nan
    assert fit_wqs(WQS(**BASE, domain="inside"), holes, seed=1).training_rows[:3].sum() == 0


def test_columns_that_do_not_exist_or_do_not_vary(toy):
    with pytest.raises(DataError, match=r"expected columns 'lead'"):
        fit_wqs(WQS(**{**BASE, "exposures": ("a", "lead")}), toy, seed=1)
    with pytest.raises(DataError, match=r"'a' to vary, found the single value 2 in all 120 rows"):
        fit_wqs(WQS(**BASE), toy.assign(a=2.0), seed=1)
    with pytest.raises(DataError, match=r"covariates that vary, found 'z' constant"):
        fit_wqs(WQS(**BASE), toy.assign(z=0.0), seed=1)
    with pytest.raises(DataError, match=r"outcome 'y' to vary"):
        fit_wqs(WQS(**BASE), toy.assign(y=1.0), seed=1)
    with pytest.raises(DataError, match=r"'a' to be numeric, found dtype"):
        fit_wqs(WQS(**BASE), toy.assign(a="x"), seed=1)
    with pytest.raises(DataError, match=r"finite values in column 'z', found 1"):
        fit_wqs(WQS(**BASE), toy.assign(z=np.r_[np.inf, toy["z"][1:]]), seed=1)


def test_weights_must_be_positive(toy):
    with pytest.raises(DataError, match=r"positive weights in column 'w', found 2 of 120 zero or negative"):
        fit_wqs(WQS(**BASE, weights="w"), toy.assign(w=np.r_[0.0, -1.0, np.ones(118)]), seed=1)


def test_outcomes_must_suit_the_family(toy):
    with pytest.raises(DataError, match=r"'y' to be 0 or 1 for family 'binomial', found 120 other values"):
        fit_wqs(WQS(**BASE, family="binomial"), toy, seed=1)
    with pytest.raises(DataError, match=r"'y' to hold counts .* found \d+ negative or fractional"):
        fit_wqs(WQS(**BASE, family="poisson"), toy, seed=1)


@pytest.mark.filterwarnings("ignore::mixepi.errors.MixepiWarning")
def test_few_events(toy):
    rare = toy.assign(y=(np.arange(len(toy)) % 12 == 0).astype(float))
    with pytest.warns(
        FewEventsWarning, match="at least 5 events per parameter among the training rows, found"
    ) as caught:
        result = fit_wqs(WQS(**BASE, family="binomial"), rare, seed=1)
    assert any("validation rows" in str(w.message) for w in caught)
    assert "events per parameter" in result.facts()["warnings"][0]
    none = np.zeros(len(toy))
    none[:3] = 1
    validation = np.ones(len(toy), dtype=bool)
    validation[60:] = False
    with pytest.raises(
        EstimationError, match="both outcomes among the training rows, found 0 events in 60 rows"
    ):
        fit_wqs(WQS(**BASE, family="binomial"), toy.assign(y=none), seed=1, validation_rows=validation)


def test_separation_in_a_bootstrap(toy):
    spec = WQS(**{**BASE, "outcome": "event", "covariates": ("z", "rare")}, family="binomial", validation=0.0)
    with pytest.warns(SeparationWarning, match=r"finite fits in 10 bootstraps, found separation in \d+"):
        result = fit_wqs(spec, toy.assign(rare=_rare(toy)), seed=1)
    # Only the rare covariate is separated: the index of those bootstraps is finite and counts.
    assert 0 < result.bootstraps.separated.sum() < 10
    assert result.bootstraps.used.all()


def test_separation_in_the_final_model(toy):
    flag = ((toy["event"] == 1) & (np.arange(len(toy)) % 7 == 0)).astype(float)
    spec = WQS(**{**BASE, "outcome": "event", "covariates": ("z", "flag")}, family="binomial", validation=0.0)
    with pytest.raises(SeparationError, match=r"rows predicted with certainty by wqs, z, flag"):
        fit_wqs(spec, toy.assign(flag=flag), seed=1)


def _rare(toy):
    """One event and one non-event: most resamples miss one of them."""
    rare = np.zeros(len(toy))
    rare[[int(np.argmax(toy["event"] == 1)), int(np.argmax(toy["event"] == 0))]] = 1.0
    return rare


def test_non_detects_warn(toy):
    with pytest.warns(QuantileWarning, match=r"'a': expected 4 score levels, found 3"):
        fit_wqs(WQS(**BASE), toy.assign(a=np.maximum(toy["a"], toy["a"].quantile(0.4))), seed=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "cox"}, "expected family to be one of gaussian"),
        ({"direction": "up"}, "expected direction to be one of positive, negative, both, found 'up'"),
        ({"signal": "t4"}, "expected signal to be one of t2"),
        ({"exposures": ("a",)}, "expected at least 2 exposures, found 1"),
        ({"exposures": ("a", "z")}, "'z' as exposures and covariates"),
        ({"validation": 1.0}, "share from 0 to below 1, found 1.0"),
        ({"bootstraps": 0}, "bootstraps to be a whole number of at least 1, found 0"),
        ({"random_subset": 4}, "random_subset to be a whole number from 1 to 3, found 4"),
        ({"interaction": "z", "direction": "both"}, "an interaction without direction 'both'"),
        ({"interaction": "a"}, "'a' as exposures and interaction"),
        ({"psu": "p"}, "weights, strata and psu together"),
        ({"weights": "a"}, "one role, found 'a' as exposures and weights: name it once"),
        ({"offset": "z"}, "one role, found 'z' as covariates and offset"),
        ({"stratified_by": "y"}, "one role, found 'y' as outcome and stratified_by"),
        ({"outcome": None}, "outcome to be one column name, found None"),
        ({"weights": ["w"]}, r"weights to be one column name, found \['w'\]"),
        ({"quantiles": 1}, "quantiles to be a whole number of at least 2, found 1"),
        ({"quantiles": 2.5}, "quantiles to be a whole number of at least 2, found 2.5"),
        ({"quantiles": "4"}, "quantiles to be a whole number of at least 2, found '4'"),
        ({"quantiles": True}, "quantiles to be a whole number of at least 2, found True"),
        ({"bootstraps": 2.5}, "bootstraps to be a whole number of at least 1, found 2.5"),
        ({"random_subset": "root"}, "whole number from 1 to 3, found 'root'.*or 'sqrt'"),
        ({"random_subset": True}, "whole number from 1 to 3, found True"),
        ({"validation": "half"}, "share from 0 to below 1, found 'half'"),
        ({"constrain_sign": "no"}, "constrain_sign to be True or False, found 'no'"),
    ],
)
def test_contradictory_specifications(options, message):
    with pytest.raises(SpecificationError, match=message):
        WQS(**{**BASE, **options})


def test_numpy_integers_are_whole_numbers(toy):
    options = {"quantiles": np.int8(10), "random_subset": np.int64(2)}
    found = fit_wqs(WQS(**BASE, **options), toy, seed=np.uint32(7))
    plain = fit_wqs(WQS(**BASE, quantiles=10, random_subset=2), toy, seed=7)
    np.testing.assert_array_equal(found.index_weights, plain.index_weights)
    assert found.spec == plain.spec


def test_a_stratum_may_be_a_covariate_too():
    spec = WQS(**{**BASE, "covariates": ("z", "region")}, weights="w", strata="region", psu="p")
    assert spec.is_survey


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        (0.999, r"more training rows than parameters \(3\), found 0 of 120: change the validation share"),
        (0.975, r"more training rows than parameters \(3\), found 3 of 120"),
        (0.025, r"more validation rows than parameters \(3\), found 3 of 120"),
    ],
)
def test_both_parts_need_more_rows_than_parameters(toy, validation, message):
    spec = WQS(**BASE, validation=validation)
    with pytest.raises(DataError, match=message):
        fit_wqs(spec, toy, seed=1)
    with pytest.raises(DataError, match=message):
        fit_repeated_holdout_wqs(spec, toy, seed=1, options=HoldoutOptions(holdouts=2, workers=1))


def test_a_permutation_test_needs_more_rows_than_parameters(toy):
    with pytest.raises(DataError, match=r"analysed rows than parameters \(3\), found 3 of 3"):
        permutation_test_wqs(
            WQS(**BASE, quantiles=None), toy[:3], seed=1, options=PermutationOptions(permutations=19)
        )


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        (
            lambda spec, data: fit_repeated_holdout_wqs(
                spec, data, seed=1, options=HoldoutOptions(holdouts=2.5)
            ),
            "holdouts .*found 2.5",
        ),
        (
            lambda spec, data: fit_repeated_holdout_wqs(
                spec, data, seed=1, options=HoldoutOptions(workers=0)
            ),
            "workers .*found 0",
        ),
        (
            lambda spec, data: permutation_test_wqs(
                spec, data, seed=1, options=PermutationOptions(permutations="x")
            ),
            "permutations .*found 'x'",
        ),
        (
            lambda spec, data: permutation_test_wqs(
                spec, data, seed=1, options=PermutationOptions(workers=0)
            ),
            "workers .*found 0",
        ),
        (lambda spec, data: fit_wqs(data, spec, seed=1), "spec to be a WQS, found DataFrame"),
        (lambda spec, data: fit_wqs(spec, data, seed=1).weights(level="x"), "between 0 and 1, found 'x'"),
    ],
)
def test_options_of_the_functions(toy, fit, message):
    with pytest.raises(SpecificationError, match=message):
        fit(WQS(**BASE), toy)


@pytest.mark.parametrize("role", ["stratified_by", "interaction"])
def test_dates_are_no_groups(toy, role):
    with pytest.raises(DataError, match=r"'day' to hold numbers or groups, found dtype datetime64"):
        fit_wqs(WQS(**BASE, **{role: "day"}), toy.assign(day=np.datetime64("2020-01-01")), seed=1)


def test_given_rows_are_checked(toy):
    with pytest.raises(DataError, match=r"whole numbers from 0 to 47, found shape \(2, 48\), dtype float64"):
        fit_wqs(WQS(**BASE), toy, seed=1, bootstrap_rows=np.full((2, 48), 1.5))
    with pytest.raises(DataError, match=r"whole numbers from 0 to 47, found shape \(0,\)"):
        fit_wqs(WQS(**BASE), toy, seed=1, bootstrap_rows=[])
    with pytest.raises(DataError, match=r"validation_rows to be 120 values, found shape \(3,\)"):
        fit_wqs(WQS(**BASE), toy, seed=1, validation_rows=[True, False, True])
    with pytest.raises(DataError, match="found 120 validation rows of 120"):
        fit_wqs(WQS(**BASE), toy, seed=1, validation_rows=np.ones(120, dtype=bool))
    with pytest.raises(DataError, match="numbers from 0 to 47"):
        fit_wqs(WQS(**BASE), toy, seed=1, bootstrap_rows=np.full((2, 48), 48))
    with pytest.raises(SpecificationError, match="does not resample rows"):
        fit_wqs(WQS(**BASE, random_subset=2), toy, seed=1, bootstrap_rows=np.zeros((2, 48), dtype=int))
    with pytest.raises(SpecificationError, match="validation above 0 for repeated holdout"):
        fit_repeated_holdout_wqs(WQS(**BASE, validation=0.0), toy, seed=1)
    with pytest.raises(SpecificationError, match="permutations to be a whole number of at least 19, found 5"):
        permutation_test_wqs(WQS(**BASE), toy, seed=1, options=PermutationOptions(permutations=5))


def test_a_repeated_identifier_is_an_error(toy):
    with pytest.raises(DataError, match=r"one row per value of 'person', found 1 repeated"):
        fit_wqs(WQS(**BASE, identifier="person"), toy.assign(person=np.r_[0, 0, np.arange(118) + 5]), seed=1)
