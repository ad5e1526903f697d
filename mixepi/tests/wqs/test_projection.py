"""The projection test of the index: cases counted by hand, its law by simulation, and faults."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mixepi import WQS, fit_regression, projection_test_wqs
from mixepi.errors import EstimationError, SpecificationError
from mixepi.regression import RegressionSpec, wald_test
from mixepi.wqs import projection

DESIGN = {"weights": "w", "strata": "stratum", "psu": "psu"}
SPEC = WQS(outcome="y", exposures=("a", "b", "c"), covariates=("z",), quantiles=None, **DESIGN)


@pytest.fixture(scope="module")
def sample() -> pd.DataFrame:
    generator = np.random.default_rng(11)
    place = np.repeat(np.arange(40), 12)
    data = pd.DataFrame(generator.normal(size=(480, 4)), columns=list("abcz"))
    data = (data - data.mean()) / data.std(ddof=1)
    y = (
        0.3 * data["a"]
        + 0.2 * data["b"]
        + 0.2 * generator.normal(size=40)[place]
        + generator.normal(size=480)
    )
    return data.assign(y=y, w=generator.uniform(1, 3, 480), stratum=place // 2, psu=place % 2)


def test_projections_by_hand():
    """Uncorrelated: negative coefficients become 0. Correlated: the nearest point by a grid."""
    rows = np.array([[1.0, -2.0], [-1.0, -1.0], [0.5, 0.2]])
    np.testing.assert_allclose(projection.project(rows, np.diag([1.0, 4.0])), np.maximum(rows, 0), atol=1e-12)
    covariance = np.array([[1.0, 0.8], [0.8, 1.0]])
    inverse = np.linalg.inv(covariance)
    grid = np.linspace(0, 4, 4001)
    for row in ([1.0, -2.0], [-0.5, 1.0]):
        edges = np.concatenate([np.column_stack([grid, 0 * grid]), np.column_stack([0 * grid, grid])])
        away = edges - row
        best = edges[np.einsum("ij,jk,ik->i", away, inverse, away).argmin()]
        np.testing.assert_allclose(projection.project(np.array([row]), covariance)[0], best, atol=1e-3)


def test_how_many_are_kept_by_hand():
    """Two coefficients of correlation r: both kept with probability 1/4 + asin(r) / (2 pi), one with 1/2."""
    for r in (-0.5, 0.0, 0.7):
        # A projection keeps both where the point itself lies in the quadrant.
        both = 0.25 + np.arcsin(r) / (2 * np.pi)
        found = projection.kept_at_random(np.array([[1.0, r], [r, 1.0]]), np.random.default_rng(1))
        np.testing.assert_allclose(found, [0.5 - both, 0.5, both], atol=0.015)


def test_estimates_are_those_of_the_regression_and_the_index_its_projection(sample):
    found = projection_test_wqs(SPEC, sample, seed=1)
    fit = fit_regression(
        RegressionSpec(outcome="y", exposures=("a", "b", "c"), covariates=("z",), **DESIGN), sample
    )
    np.testing.assert_allclose(found.coefficients, fit.coefficients[1:4], rtol=1e-8)
    assert found.df == 20
    assert found.p_value < 0.001
    assert found.weights()["weight"].sum() == pytest.approx(1)
    # All coefficients positive: the projection is themselves, and its length Wald's F times 3.
    if (found.coefficients > 0).all():
        wald = wald_test(fit, ("a", "b", "c"))
        assert found.statistic == pytest.approx(3 * wald.statistic, rel=1e-8)
    flipped = projection_test_wqs(SPEC, sample.assign(y=-sample["y"]), seed=1)
    assert flipped.p_value > 0.5
    opposite = WQS(**vars(SPEC) | {"direction": "negative"})
    assert projection_test_wqs(opposite, sample.assign(y=-sample["y"]), seed=1).statistic == pytest.approx(
        found.statistic
    )


def test_units_and_weights_do_not_matter(sample):
    found = projection_test_wqs(SPEC, sample, seed=1)
    scaled = projection_test_wqs(SPEC, sample.assign(y=1e4 * sample["y"], w=sample["w"] / 9), seed=1)
    assert scaled.statistic == pytest.approx(found.statistic, rel=1e-6)
    assert scaled.p_value == pytest.approx(found.p_value, abs=0.01)


def p_values(df: float, structure: str, replications: int = 3000) -> np.ndarray:
    """Under the null with a covariance that is known, known up to a factor, or estimated as a whole."""
    generator = np.random.default_rng(5)
    covariance = np.array([[1.0, 0.5, 0.2], [0.5, 2.0, 0.4], [0.2, 0.4, 1.0]])
    mixture = projection.kept_at_random(covariance, generator)
    drawn = generator.multivariate_normal(np.zeros(3), covariance, size=replications)
    whole = stats.wishart(df=int(df), scale=covariance / df)
    values = []
    for row in drawn:
        estimated = covariance * generator.chisquare(df) / df
        if structure == "whole":
            estimated = np.asarray(whole.rvs(random_state=generator))
        values.append(projection.law(row, estimated, mixture, df, is_design=structure == "whole").p_value)
    return np.array(values)


@pytest.mark.parametrize(("df", "structure"), [(15, "whole"), (15, "factor"), (6, "whole")])
def test_p_values_keep_their_level_with_few_degrees_of_freedom(df, structure):
    values = p_values(df, structure)
    for level in (0.05, 0.2):
        assert abs((values < level).mean() - level) < 3.5 * np.sqrt(level * (1 - level) / values.size)


def test_a_covariance_taken_as_known_is_seen(monkeypatch):
    """A deliberate fault: chi-squares in place of ratios."""
    monkeypatch.setattr(
        projection, "ratio_tail", lambda k, statistic, df, denominator: stats.chi2.sf(statistic, k)
    )
    with pytest.raises(AssertionError):
        test_p_values_keep_their_level_with_few_degrees_of_freedom(6, "whole")


def test_what_cannot_be_tested_is_refused(sample):
    with pytest.raises(SpecificationError, match="expected one direction and no interaction"):
        projection_test_wqs(WQS(**vars(SPEC) | {"direction": "both"}), sample, seed=1)
    few = sample[sample["stratum"] < 2]
    with pytest.raises(EstimationError, match="degree"):
        projection_test_wqs(SPEC, few, seed=1)
