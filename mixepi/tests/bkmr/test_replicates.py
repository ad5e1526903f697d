"""Replicate weights counted by hand, and refits to them."""

from dataclasses import replace

import numpy as np
import pytest

from mixepi import ChainOptions, SpecificationError, replicate_bkmr
from mixepi.bkmr.survey import replicates
from mixepi.bkmr.survey.replicates import bootstrap_weights, jackknife_weights
from mixepi.survey.design import SurveyDesign, sampling_units, total_covariance
from tests.bkmr.support.fits import quiet_fit

SHORT = ChainOptions(chains=1, warmup=10, draws=10, workers=1, progress=False)


def design(rng):
    """Four strata of two PSUs and one of three."""
    sizes = (2, 2, 2, 2, 3)
    strata = np.concatenate([np.full(10 * m, h) for h, m in enumerate(sizes)]).astype(float)
    psu = np.concatenate([np.repeat(np.arange(m), 10) for m in sizes]).astype(float)
    return SurveyDesign(
        strata=strata, psu=psu, weights=rng.gamma(2.0, size=len(psu)), domain=np.ones(len(psu), dtype=bool)
    )


def test_jackknife_weights_by_hand():
    found = jackknife_weights(sampling_units(design(np.random.default_rng(1))))
    assert found.factors.shape == (11, 11)
    np.testing.assert_array_equal(found.factors[0], [0, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(found.factors[9], [1] * 8 + [1.5, 0, 1.5])
    np.testing.assert_allclose(found.coefficients, [0.5] * 8 + [2 / 3] * 3)


@pytest.mark.parametrize("kind", ["jackknife", "bootstrap"])
def test_a_total_has_its_linearised_variance(kind):
    """Of a total the jackknife is exactly Binder's formula, and the bootstrap that on average."""
    rng = np.random.default_rng(2)
    whole = design(rng)
    units = sampling_units(whole)
    scores = whole.weights * rng.normal(size=whole.psu.size)
    weights = jackknife_weights(units) if kind == "jackknife" else bootstrap_weights(units, 4000, rng)
    totals = weights.factors[:, units.of_row] @ scores
    found = weights.coefficients @ (totals - scores.sum()) ** 2
    expected = total_covariance(scores[:, None], whole, np.arange(len(scores)))[0][0, 0]
    assert found == pytest.approx(expected, rel=1e-10 if kind == "jackknife" else 0.1)


@pytest.fixture(scope="module")
def surveyed_fit(people, spec):
    n = len(people)
    data = people.assign(
        w=np.random.default_rng(3).gamma(2.0, size=n), stratum=np.arange(n) % 3, unit=np.arange(n) // 3 % 2
    )
    spec = replace(spec, weights="w", strata="stratum", psu="unit")
    return quiet_fit(spec, data, seed=1, options=SHORT)


def test_refits(surveyed_fit, monkeypatch):
    """Each leaves a PSU out, keeps the sum of the weights, and is counted as the jackknife says."""
    seen = []
    run = replicates.run
    monkeypatch.setattr(replicates, "run", lambda *given: seen.append(run(*given)) or seen[-1])
    wanted = (("overall", {"quantiles": (0.25, 0.75)}), ("single", {"fixed": (0.5,)}))
    tables = replicate_bkmr(surveyed_fit, *wanted, draws=10, workers=1)
    plain = surveyed_fit.summaries(*wanted, draws=10)
    assert [fit.model.n for fit in seen] == [
        len(surveyed_fit.model.y) - int(np.sum(sampling_units(surveyed_fit.design).of_row == k))
        for k in range(6)
    ]
    for fit in seen:
        assert fit.model.weights.sum() == pytest.approx(surveyed_fit.model.size)
    for table, single in zip(tables, plain, strict=True):
        np.testing.assert_allclose(table["estimate"], single["estimate"], rtol=1e-12)
        assert (table["df"] == 3).all()
        assert (table["replicates"] == 6).all()
        assert "6 refits" in table["method"].iloc[0]
    # The difference of two percentiles of the whole fit, in each refit.
    points = np.quantile(surveyed_fit.model.z, [0.25, 0.5], axis=0)
    estimates = [_difference(fit, points) for fit in seen]
    expected = np.sqrt(0.5 * np.sum((np.array(estimates) - tables[0]["estimate"].iloc[0]) ** 2))
    assert tables[0]["std_error"].iloc[0] == pytest.approx(expected, rel=1e-8)


def _difference(fit, points):
    from mixepi.bkmr.contrasts import factored, kept_draws
    from mixepi.bkmr.likelihood.response import response_joint

    found = []
    for chain, draw in kept_draws(fit, 10):
        mean = response_joint(fit.model, factored(fit, chain, draw).posterior, points)[0]
        found.append(mean[-2] - mean[-1])
    return np.mean(found)


def test_what_cannot_be_refitted(surveyed_fit, gaussian):
    with pytest.raises(SpecificationError, match="no design"):
        replicate_bkmr(gaussian, ("overall", {}))
    with pytest.raises(SpecificationError, match="no table"):
        replicate_bkmr(surveyed_fit)
