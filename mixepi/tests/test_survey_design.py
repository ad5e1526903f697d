"""PSUs, degrees of freedom and refusals under a design and a domain: by hand, and alike in every method."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from mixepi import (
    WQS,
    QGComp,
    RegressionSpec,
    fit_qgcomp,
    fit_qgcomp_bootstrap,
    fit_qgcomp_sandwich,
    fit_regression,
    fit_wqs,
)
from mixepi.errors import EstimationError
from mixepi.regression import joint_test
from mixepi.survey import design as survey
from mixepi.survey.design import SurveyDesign, rao_wu_factors, sampling_units, split_units, total_covariance

EXPOSURES = ("a", "b", "c")
DESIGN = {"weights": "w", "strata": "stratum", "psu": "psu", "domain": "domain"}
MIXTURE = {"outcome": "y", "exposures": EXPOSURES, **DESIGN}


def people(strata: int = 30, rows: int = 16) -> pd.DataFrame:
    """Strata of two PSUs of `rows` people each."""
    generator = np.random.default_rng(5)
    n = strata * 2 * rows
    data = pd.DataFrame(np.exp(generator.normal(size=(n, 3))), columns=EXPOSURES)
    return data.assign(
        y=0.3 * np.log(data["a"]) + generator.normal(size=n),
        w=generator.uniform(1, 3, n),
        stratum=np.arange(n) // (2 * rows),
        psu=np.arange(n) // rows % 2,
        domain=True,
    )


def regression(data: pd.DataFrame) -> tuple[float, int]:
    fit = fit_regression(RegressionSpec(**MIXTURE), data)
    return fit.df, len(fit.terms)


def splines(data: pd.DataFrame) -> tuple[float, int]:
    fit = fit_regression(RegressionSpec(**MIXTURE), data)
    return joint_test(fit, data, ("b", "c")).df_residual, len(fit.terms)


def closed(data: pd.DataFrame) -> tuple[float, int]:
    fit = fit_qgcomp(QGComp(**MIXTURE), data)
    return fit.df, len(fit.terms)


def sandwich(data: pd.DataFrame) -> tuple[float, int]:
    return fit_qgcomp_sandwich(QGComp(**MIXTURE), data).df, 1


def bootstrap(data: pd.DataFrame) -> tuple[float, int]:
    return fit_qgcomp_bootstrap(QGComp(**MIXTURE), data, seed=1, resamples=60).df, 1


def index(data: pd.DataFrame) -> tuple[float, int]:
    fit = fit_wqs(WQS(**MIXTURE, bootstraps=3, validation=0), data, seed=1)
    return fit.model.df, len(fit.model.terms)


METHODS = (regression, splines, closed, sandwich, bootstrap, index)


@pytest.fixture(scope="module")
def sample() -> pd.DataFrame:
    return people()


@pytest.mark.filterwarnings("ignore::mixepi.errors.MixepiWarning")
@pytest.mark.parametrize("method", METHODS)
def test_degrees_of_freedom_are_those_of_the_domain(sample, method):
    """A domain in 5 of 30 strata has 5 (R's degf(subset(design, domain))); one PSU of the five empty, 4."""
    five = sample.assign(domain=sample["stratum"] < 5)
    df, coefficients = method(five)
    assert df == 5 + 1 - coefficients
    gap = five.assign(domain=five["domain"] & ~((five["stratum"] == 0) & (five["psu"] == 0)))
    assert method(gap)[0] == 4 + 1 - coefficients


@pytest.mark.parametrize("method", METHODS)
def test_a_stratum_with_one_psu_is_refused_where_the_domain_has_rows(sample, method):
    lonely = sample[~((sample["stratum"] == 0) & (sample["psu"] == 0))]
    with pytest.raises(EstimationError, match="at least two PSUs in every stratum, found one in 1 of 30"):
        method(lonely)
    elsewhere = lonely.assign(domain=lonely["stratum"] > 0)
    df, coefficients = method(elsewhere)
    assert df == 29 + 1 - coefficients


@pytest.mark.parametrize("method", METHODS)
def test_a_domain_in_one_psu_of_each_stratum_leaves_no_degree_of_freedom(sample, method):
    with pytest.raises(EstimationError, match="more PSUs with rows of the domain than strata, found 30 PSUs"):
        method(sample.assign(domain=sample["psu"] == 0))


@pytest.mark.parametrize("method", METHODS)
def test_strata_without_rows_of_the_domain_change_nothing_but_their_rows(sample, method):
    """They add nothing to a variance: with or without their rows, every number is the same."""
    five = sample.assign(domain=sample["stratum"] < 5)
    assert method(five) == method(five[five["domain"]])


def test_two_releases_of_nhanes_pooled():
    """15 strata of 2 PSUs, and 24 strata with 49 PSUs: 15, 25 and 40 degrees of freedom."""
    sizes = [2] * 15 + [2] * 23 + [3]
    strata = np.repeat(np.arange(39.0), sizes)
    psu = np.concatenate([np.arange(float(m)) for m in sizes])
    for rows, df in ((strata < 15, 15), (strata >= 15, 25), (strata >= 0, 40)):
        assert sampling_units(design(strata, psu, rows)).df == df


def design(strata: np.ndarray, psu: np.ndarray, domain: np.ndarray | None = None) -> SurveyDesign:
    n = strata.size
    rows = np.ones(n, dtype=np.bool_) if domain is None else domain
    return SurveyDesign(
        strata=strata.astype(np.float64), psu=psu.astype(np.float64), weights=np.ones(n), domain=rows
    )


def test_units_and_covariance_by_hand():
    """Three strata; the domain misses the third and one PSU of the second, whose total is then zero."""
    strata, psu = np.array([0, 0, 0, 1, 1, 2, 2]), np.array([0, 0, 1, 0, 1, 0, 1])
    own = design(strata, psu, np.array([1, 1, 1, 1, 0, 0, 0], dtype=np.bool_))
    units = sampling_units(own)
    assert units.strata.tolist() == [0, 0, 1, 1]
    assert units.occupied.tolist() == [True, True, True, False]
    assert units.of_row.tolist() == [0, 0, 1, 2, 3, -1, -1]
    covariance, df = total_covariance(np.array([[1.0], [2.0], [7.0], [4.0]]), own, np.arange(4))
    # (3 - 7)^2 of two PSUs, and (4 - 0)^2: m / (m - 1) times squares about the mean is (difference)^2.
    assert covariance.item() == pytest.approx(16 + 16)
    assert df == 1


def test_rao_wu_factors_by_hand():
    """Two PSUs per stratum: one is drawn and counts twice. Three: two are drawn and count 1.5 each."""
    factors = rao_wu_factors(np.random.default_rng(1), np.array([0.0, 0, 1, 1, 1]), 500)
    assert set(np.unique(factors[:, :2])) == {0.0, 2.0}
    assert set(np.unique(factors[:, 2:])) == {0.0, 1.5, 3.0}
    np.testing.assert_array_equal(factors[:, :2].sum(axis=1), 2)
    np.testing.assert_array_equal(factors[:, 2:].sum(axis=1), 3)
    np.testing.assert_allclose(factors.mean(axis=0), 1, atol=0.15)


def test_a_split_keeps_two_psus_of_each_stratum_on_each_side():
    generator = np.random.default_rng(1)
    # Ten strata of two, one of three: whole; one of four and one of ten: within.
    strata = np.repeat(np.arange(13.0), [2] * 10 + [3, 4, 10])
    for _ in range(20):
        chosen = split_units(generator, strata, 0.6)
        taken = np.bincount(strata.astype(int), chosen)
        assert taken[-2:].tolist() == [2, 6]
        assert sum(taken[:11] > 0) == round(0.6 * 11)
        assert set(taken[:10]) == {0, 2}
        assert taken[10] in (0, 3)
    assert split_units(generator, np.zeros(5), 0.6).sum() == 3
    with pytest.raises(EstimationError, match="at least 2 strata, or 4 PSUs in a stratum"):
        split_units(generator, np.zeros(3), 0.6)


@dataclass(frozen=True, kw_only=True)
class WholeDesign(survey.SamplingUnits):
    """A deliberate fault: degrees of freedom of the whole sample."""

    @property
    def df(self) -> float:
        return 30.0


@pytest.mark.filterwarnings("ignore::mixepi.errors.MixepiWarning")
@pytest.mark.parametrize("method", METHODS)
def test_a_fault_in_the_one_place_shows_in_every_method(sample, method, monkeypatch):
    monkeypatch.setattr(survey, "SamplingUnits", WholeDesign)
    with pytest.raises(AssertionError):
        test_degrees_of_freedom_are_those_of_the_domain(sample, method)


def test_weights_do_not_change_which_rows_are_the_domain(sample):
    whole = fit_qgcomp_sandwich(QGComp(**MIXTURE), sample)
    scaled = fit_qgcomp_sandwich(QGComp(**MIXTURE), sample.assign(w=sample["w"] * 7))
    np.testing.assert_allclose(whole.covariance, scaled.covariance, rtol=1e-10)
    without = replace(QGComp(**MIXTURE), domain=None)
    assert fit_qgcomp_sandwich(without, sample).df == whole.df == 30
