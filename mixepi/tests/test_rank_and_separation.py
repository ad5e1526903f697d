"""What is said of a design without an answer (collinear, separated, counts of zero), and what has one."""

import numpy as np
import pandas as pd
import pytest

from mixepi import WQS, QGComp, RegressionSpec, fit_qgcomp, fit_regression, fit_wqs, rank
from mixepi.errors import EstimationError, SeparationError
from mixepi.glm import constrained
from mixepi.rank import dependent_columns, require_independent, standardise
from mixepi.separation import are_counts_separated
from mixepi.survey import glm as survey_glm_module

DESIGN = {"weights": "w", "strata": "stratum", "psu": "psu"}
EXPOSURES = ("lead", "cadmium")


@pytest.fixture(scope="module")
def records():
    generator = np.random.default_rng(15)
    n = 240
    lead, cadmium = np.exp(generator.normal(size=(2, n)))
    frame = pd.DataFrame(
        {
            "lead": lead,
            "cadmium": cadmium,
            "day": generator.integers(0, 7, n).astype(float),
            "site": generator.choice(["north", "south", "west"], n),
            "score": 0.4 * np.log(lead) + generator.normal(size=n),
            "fractures": generator.poisson(0.8, n),
            "stratum": np.arange(n) // 40,
            "psu": np.arange(n) % 2,
            "w": generator.uniform(1, 3, n),
        }
    )
    return frame.assign(case=(frame["score"] + 0.05 * frame["day"] > 0.2).astype(int))


def slopes(records, family, outcome, design, offset):
    spec = RegressionSpec(
        outcome=outcome, exposures=("lead",), covariates=("day",), family=family, **(DESIGN if design else {})
    )
    fit = fit_regression(spec, records.assign(day=records["day"] + offset))
    return np.concatenate([fit.coefficients[1:], np.sqrt(np.diag(fit.covariance))[1:], [fit.df]])


@pytest.mark.parametrize("design", [False, True], ids=["unweighted", "survey"])
@pytest.mark.parametrize(("family", "outcome"), [("gaussian", "score"), ("binomial", "case")])
@pytest.mark.parametrize("offset", [738_000.0, 1e10])
def test_where_a_covariate_is_counted_from_changes_no_slope(records, family, outcome, design, offset):
    expected = slopes(records, family, outcome, design, 0.0)
    np.testing.assert_allclose(slopes(records, family, outcome, design, offset), expected, rtol=1e-7)


def test_the_intercept_and_the_covariance_come_back_in_the_units_of_the_columns(records):
    spec = RegressionSpec(outcome="score", exposures=("lead",), covariates=("day",))
    fit = fit_regression(spec, records.assign(day=records["day"] + 50))
    X = np.column_stack([np.ones(len(records)), records["lead"], records["day"] + 50])
    beta, residual, *_ = np.linalg.lstsq(X, records["score"], rcond=None)
    np.testing.assert_allclose(fit.coefficients, beta, rtol=1e-9)
    by_hand = residual[0] / (len(X) - 3) * np.linalg.inv(X.T @ X)
    np.testing.assert_allclose(fit.covariance, by_hand, rtol=1e-8)


def test_a_fault_in_the_way_back_is_seen(records, monkeypatch):
    def centred_only(design):
        scaled = standardise(design)
        return rank.Standardised(scaled.matrix, np.diag(np.diag(scaled.back)))

    right = fit_regression(RegressionSpec(outcome="score", exposures=("lead",), **DESIGN), records)
    monkeypatch.setattr(survey_glm_module, "standardise", centred_only)
    wrong = fit_regression(RegressionSpec(outcome="score", exposures=("lead",), **DESIGN), records)
    assert abs(wrong.coefficients[0] - right.coefficients[0]) > 0.01


@pytest.mark.parametrize("offset", [0.0, 1e7, 1e10])
def test_rank_is_judged_about_the_means(offset):
    generator = np.random.default_rng(1)
    day = generator.integers(0, 7, 100) + offset
    X = np.column_stack([np.ones(100), day, generator.normal(size=100)])
    assert dependent_columns(X).size == 0
    both = np.column_stack([X, 3 * X[:, 1] - 7])
    assert len(dependent_columns(both)) == 1
    assert dependent_columns(np.column_stack([X, np.full(100, 4.0)])).tolist() == [3]
    assert dependent_columns(X[:, :1]).size == 0


def test_indicators_of_all_levels_without_an_intercept_are_independent():
    levels = np.eye(3)[np.arange(30) % 3]
    assert dependent_columns(levels).size == 0
    with pytest.raises(EstimationError, match="combination of the others in 30 rows"):
        require_independent(np.column_stack([np.ones(30), levels]), ["one", "a", "b", "c"])


def test_messages_of_the_survey_fit_name_the_columns(records, monkeypatch):
    import svy

    def fail(_):
        raise svy.SvyError("singular", "the matrix is singular at x2")

    monkeypatch.setattr(svy.Sample, "glm", property(fail))
    with pytest.raises(EstimationError, match="singular at day"):
        slopes(records, "gaussian", "score", True, 0.0)


@pytest.mark.parametrize("families", ["poisson", "quasipoisson", "negative_binomial"])
def test_counts_of_zero_in_a_group_are_no_collinearity(records, families):
    none = records.assign(fractures=records["fractures"].where(records["site"] != "south", 0))
    spec = WQS(outcome="fractures", exposures=EXPOSURES, covariates=("site",), family=families, bootstraps=5)
    with pytest.raises(SeparationError, match=r"all counts of site\[south\] to be 0 .*merge rare categories"):
        fit_wqs(spec, none, seed=1)


@pytest.mark.parametrize("site", ["north", "west"])
@pytest.mark.parametrize("design", [{}, DESIGN])
def test_counts_of_zero_in_the_reference_group_too(records, site, design):
    none = records.assign(fractures=records["fractures"].where(records["site"] != site, 0))
    spec = QGComp(outcome="fractures", exposures=EXPOSURES, covariates=("site",), family="poisson", **design)
    with pytest.raises(SeparationError, match=r"all counts of .* to be 0"):
        fit_qgcomp(spec, none)
    one = none.index[none["site"] == site][0]
    assert np.isfinite(
        fit_qgcomp(spec, none.assign(fractures=none["fractures"].where(none.index != one, 1))).psi
    )


def test_without_the_look_at_counts_the_message_is_wrong(records, monkeypatch):
    """The fault: columns that are not collinear are called so."""
    none = records.assign(fractures=records["fractures"].where(records["site"] != "south", 0))
    monkeypatch.setattr(constrained, "_check_counts", lambda *_: None)
    spec = QGComp(outcome="fractures", exposures=EXPOSURES, covariates=("site",), family="poisson")
    with pytest.raises(EstimationError) as caught:
        fit_qgcomp(spec, none)
    assert not isinstance(caught.value, SeparationError)


def test_separation_of_counts_by_hand():
    x = np.array([0.0, 1, 2, 3, 4, 5])
    X = np.column_stack([np.ones(6), x])
    assert not are_counts_separated(X, np.array([1, 0, 2, 0, 1, 0]))
    # Only one value of x has counts: the slope can turn about it, and all others go to zero on one side only.
    assert not are_counts_separated(X, np.array([0, 0, 3, 0, 0, 0]))
    assert are_counts_separated(X, np.array([0, 0, 0, 0, 0, 2]))
    assert are_counts_separated(np.column_stack([X, x == 3]), np.array([1, 0, 2, 0, 1, 0]))
    assert not are_counts_separated(np.column_stack([X, x == 3]), np.array([1, 0, 2, 1, 1, 0]))
    assert not are_counts_separated(X, np.array([1, 1, 2, 3, 1, 2]))
