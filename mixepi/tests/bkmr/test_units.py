"""A fit depends on the units of the outcome and of the exposures in nothing but the units of its answers."""

from dataclasses import replace

import numpy as np
import pytest

from mixepi import (
    GammaPrior,
    InverseGammaPrior,
    InverseUniformPrior,
    MixepiWarning,
    Priors,
    UniformPrior,
)
from mixepi.bkmr.design import build
from mixepi.bkmr.model.priors import responses_allowed
from tests.bkmr.support.fits import METALS, quiet_fit


@pytest.mark.parametrize("unit", [1e-6, 1e-3, 1e3, 1e6])
def test_the_unit_of_the_outcome_scales_the_answers_and_moves_nothing_else(
    people, spec, short, gaussian, unit
):
    fit = quiet_fit(spec, people.assign(bmd_fn=people["bmd_fn"] * unit), seed=1, options=short)
    # The search's modes differ in their last digits, and with them what jumps propose.
    np.testing.assert_array_equal(fit.included, gaussian.included)
    np.testing.assert_allclose(fit.r, gaussian.r, rtol=1e-5)
    np.testing.assert_allclose(fit.sigma2, gaussian.sigma2 * unit**2, rtol=1e-5)
    np.testing.assert_allclose(fit.response, gaussian.response * unit, rtol=1e-5, atol=1e-6 * unit)
    np.testing.assert_allclose(fit.beta, gaussian.beta * unit, rtol=1e-4, atol=1e-6 * unit)
    scaled, plain = fit.overall(draws=20), gaussian.overall(draws=20)
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(scaled[column], plain[column] * unit, rtol=1e-4, atol=1e-6 * unit)


def test_a_shift_of_the_outcome_moves_nothing_but_the_intercept(people, spec):
    model, _ = build(spec, people)
    shifted, _ = build(spec, people.assign(bmd_fn=people["bmd_fn"] + 100))
    assert shifted.priors.sigma2.rate == pytest.approx(model.priors.sigma2.rate, rel=1e-9)


def test_the_rate_is_in_units_of_the_residual_variance(people, spec):
    design = np.column_stack([np.ones(len(people)), people[list(spec.covariates)]])
    residual = people["bmd_fn"] - design @ np.linalg.lstsq(design, people["bmd_fn"], rcond=None)[0]
    variance = float(residual @ residual) / (len(people) - design.shape[1])
    model, _ = build(spec, people)
    assert model.priors.sigma2 == InverseGammaPrior(1e-3, model.priors.sigma2.rate, relative=False)
    assert model.priors.sigma2.rate == pytest.approx(1e-3 * variance, rel=1e-10)
    kernel, _ = build(replace(spec, intercept="kernel"), people)
    assert kernel.priors.sigma2.rate == pytest.approx(model.priors.sigma2.rate, rel=1e-10)


def test_the_prior_of_bkmr_is_taken_literally_on_demand(people, spec):
    literal = InverseGammaPrior(1e-3, 1e-3, relative=False)
    for unit in (1.0, 1e-3):
        frame = people.assign(bmd_fn=people["bmd_fn"] * unit)
        model, _ = build(replace(spec, priors=Priors(sigma2=literal)), frame)
        assert model.priors.sigma2 == literal


@pytest.mark.parametrize(
    ("sd", "allowed"),
    [(30.0, "jagged responses only"), (5.0, None), (1.0, None), (0.2, None), (0.02, "hardly any response")],
)
def test_exposures_taken_as_they_are_and_out_of_the_prior_s_reach(people, spec, sd, allowed, recwarn):
    assert responses_allowed(spec.priors.r, sd) == allowed
    frame = people[list(METALS)].apply(np.log)
    frame = frame / frame.std() * [sd, 1, 1, 1, 1]
    build(replace(spec, log=False, scale=False), people.assign(**frame))
    texts = [str(warning.message) for warning in recwarn if warning.category is MixepiWarning]
    if allowed is None:
        assert not texts
    else:
        assert len(texts) == 1
        assert f"found {sd:.3g} of 'pb': the prior allows {allowed}" in texts[0]


@pytest.mark.parametrize(
    "prior", [InverseUniformPrior(), UniformPrior(), GammaPrior(0.05, 0.05), GammaPrior()]
)
def test_priors_in_use_reach_standardised_exposures(prior):
    assert responses_allowed(prior, 1.0) is None
