"""Replicates that fail: counted, told, and no interval from too few."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mixepi import (
    WQS,
    HoldoutOptions,
    PermutationOptions,
    QGComp,
    fit_qgcomp_bootstrap,
    fit_qgcomp_sandwich,
    fit_repeated_holdout_wqs,
    fit_wqs,
    permutation_test_wqs,
)
from mixepi.errors import ConvergenceWarning, EstimationError, MixepiWarning, SeparationError
from mixepi.qgcomp import marginal
from mixepi.qgcomp.structural import fit_structural, powers
from mixepi.replicates import Failure, attempted, enough, needed_for_percentiles, percentiles, settled
from mixepi.wqs import permutation, repeated_holdout

EXPOSURES = ("a", "b", "c")
HOLDOUTS = HoldoutOptions(holdouts=60, workers=1, progress=False)
PERMUTATIONS = PermutationOptions(permutations=39, workers=1, progress=False)


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    generator = np.random.default_rng(8)
    data = pd.DataFrame(np.exp(generator.normal(size=(160, 3))), columns=EXPOSURES)
    eta = np.log(data["a"]) + generator.logistic(size=160)
    return data.assign(y=eta, event=(eta > 0).astype(float), rare=np.arange(160) % 53 == 0)


def test_how_many_an_interval_needs():
    assert [needed_for_percentiles(level) for level in (0.95, 0.9, 0.5, 0.99)] == [39, 19, 3, 199]
    assert enough(39, 78, 39)
    assert not enough(39, 79, 39)
    assert not enough(38, 38, 39)
    assert settled(38, 38, 39)
    assert not settled(38, 39, 39)
    assert not settled(2, 5, 39)
    low, high = percentiles(np.arange(39.0)[:, None], 0.95, 39)
    assert (low.item(), high.item()) == (pytest.approx(0.95), pytest.approx(37.05))
    assert np.isnan(percentiles(np.arange(38.0)[:, None], 0.95, 38)).all()


def test_only_what_data_bring_about_is_a_failed_replicate():
    assert isinstance(attempted(lambda x: 1 / x, 0), Failure)
    assert attempted(lambda x: np.float64(1) / x, 0) == np.inf  # and no warning of NumPy
    with pytest.raises(TypeError):
        attempted(lambda x: x + "", 1)


def failing(real, share):
    """The real function, that fails for the given share of the numbers of replicates."""

    def fit(*arguments):
        if arguments[-1] % 10 < 10 * share:
            raise SeparationError("expected overlap, found none")
        return real(*arguments)

    return fit


SPEC = WQS(outcome="y", exposures=EXPOSURES, bootstraps=40)


@pytest.mark.parametrize(("share", "interval"), [(0.3, True), (0.4, False), (0.7, False)])
def test_failed_splits(people, monkeypatch, share, interval):
    """Of 60 splits, 42 are enough for 95 %; 36 and 18 are not."""
    monkeypatch.setattr(repeated_holdout, "_holdout", failing(repeated_holdout._holdout, share))
    with pytest.warns(MixepiWarning, match=f"expected 60 completed splits, found {60 - 60 * share:.0f}"):
        repeated = fit_repeated_holdout_wqs(SPEC, people, seed=1, options=HOLDOUTS)
    row = repeated.estimates().iloc[1]
    assert np.isfinite(row["estimate"])
    assert np.isfinite([row["std_error"], row["conf_low"], row["conf_high"]]).all() == interval
    assert repeated.weights()["conf_low"].notna().all() == interval
    assert repeated.converged == interval
    assert any("for an interval" in note for note in repeated.warnings) != interval
    assert "expected overlap" in repeated.holdout_table()["reason"][0]


def test_when_every_split_fails_the_error_is_theirs(people, monkeypatch):
    monkeypatch.setattr(repeated_holdout, "_holdout", failing(repeated_holdout._holdout, 1))
    with pytest.raises(SeparationError, match="some of 60 splits to be completed, found none"):
        fit_repeated_holdout_wqs(SPEC, people, seed=1, options=HOLDOUTS)


def test_failed_permutations_count_as_more_extreme(people, monkeypatch):
    whole = permutation_test_wqs(replace(SPEC, bootstraps=5), people, seed=1, options=PERMUTATIONS)
    assert whole.p_value == 1 / 40
    monkeypatch.setattr(permutation, "_permuted", failing(permutation._permuted, 0.3))
    with pytest.warns(
        ConvergenceWarning, match="39 permutations with finite fits, found 27: the others count"
    ):
        some = permutation_test_wqs(replace(SPEC, bootstraps=5), people, seed=1, options=PERMUTATIONS)
    assert some.p_value == 13 / 40
    assert some.converged
    kept = np.isfinite(some.null_estimates)
    np.testing.assert_array_equal(some.null_estimates[kept], whole.null_estimates[kept])
    monkeypatch.setattr(permutation, "_permuted", failing(permutation._permuted, 0.6))
    with pytest.warns(ConvergenceWarning):
        few = permutation_test_wqs(replace(SPEC, bootstraps=5), people, seed=1, options=PERMUTATIONS)
    assert not few.converged
    assert np.isnan(few.estimates()["null_high"][0])


def test_one_bootstrap_has_weights_and_no_interval_of_them(people):
    table = fit_wqs(replace(SPEC, bootstraps=1), people, seed=1).weights()
    assert table["weight"].sum() == pytest.approx(1)
    assert table[["conf_low", "conf_high"]].isna().all().all()
    assert fit_wqs(SPEC, people, seed=1).weights()["conf_low"].notna().all()


BINARY = QGComp(outcome="event", exposures=EXPOSURES, family="binomial")


@pytest.mark.parametrize(("lost", "interval"), [(20, True), (60, False)])
def test_failed_resamples(people, monkeypatch, lost, interval):
    real = marginal.fit_resamples

    def some_fail(*arguments, **options):
        fits, converged, separated = real(*arguments, **options)
        return fits, converged & (np.arange(len(fits)) >= lost), separated

    monkeypatch.setattr(marginal, "fit_resamples", some_fail)
    with pytest.warns(ConvergenceWarning, match=f"100 resamples with finite fits, found {100 - lost}"):
        fit = fit_qgcomp_bootstrap(BINARY, people, seed=1, resamples=100)
    table = fit.estimates()
    assert table["estimate"].notna().all()
    assert table[["std_error", "p_value", "conf_low", "conf_high"]].notna().all().all() == interval
    assert fit.converged == interval
    assert fit.overall()["conf_low"].notna().all() == interval
    assert fit_qgcomp_sandwich(BINARY, people).converged


def test_separated_resamples_are_counted_and_numpy_keeps_quiet(people):
    """Three people of a rare group, all with the event: resamples predict them with certainty."""
    event = np.where(people["rare"], 1.0, people["event"])
    spec = replace(BINARY, covariates=("rare",))
    one_without = people.assign(event=np.where(people.index == 0, 0.0, event))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        fit = fit_qgcomp_bootstrap(spec, one_without, seed=1, resamples=100)
        with pytest.raises(EstimationError):
            fit_qgcomp_bootstrap(spec, people.assign(event=event), seed=1, resamples=100)
    assert {issubclass(one.category, MixepiWarning) for one in told} == {True}
    (note,) = [text for text in fit.warnings if "certainty" in text]
    assert "of 100" in note
    assert np.isfinite(fit.estimates()["std_error"]).all()


@pytest.mark.parametrize(("family", "link"), [("binomial", "log"), ("binomial", "logit"), ("poisson", "log")])
def test_a_resample_that_cannot_settle_leaves_the_others_alone(family, link):
    P = powers(np.arange(4.0), 1)
    good = np.array([0.2, 0.25, 0.3, 0.37])
    bad = [[0.0, 0.1, 0.2, 0.3], [np.nan] * 4, [0.5, np.inf, 0.5, 0.5]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        together = fit_structural(np.array([*bad, good]), P, family, link)
        alone = fit_structural(good[None], P, family, link)
    assert np.isnan(together[:3]).all()
    np.testing.assert_allclose(together[3], alone[0], rtol=1e-12)


def test_a_fault_in_the_rule_is_seen(people, monkeypatch):
    """A deliberate fault: any number of replicates is enough."""
    monkeypatch.setattr("mixepi.replicates.enough", lambda completed, asked, needed: True)
    with pytest.raises(AssertionError):
        test_one_bootstrap_has_weights_and_no_interval_of_them(people)
