"""Design-based variances: against finite differences in the weights, and totals counted otherwise."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array, eye_array

from mixepi import BKMR, ChainOptions, EstimationError
from mixepi.bkmr.likelihood.contrasts import Contrasts
from mixepi.bkmr.likelihood.response import response_joint
from mixepi.bkmr.likelihood.solver import Solver
from mixepi.bkmr.sampler.draws import Draws
from mixepi.bkmr.survey.jackknife import Jackknife, Totals
from mixepi.survey.design import SurveyDesign, sampling_units, total_covariance
from tests.bkmr.support import naive
from tests.bkmr.support.fits import quiet_fit

R, LAMBDA = np.array([0.3, 0.05]), 1.7
POINTS = np.array([[0.0, 0.0], [1.0, -1.0], [-1.0, 0.5]])
MATRIX = np.array([[-1.0, 1.0, 0.0], [0.0, 0.5, 0.5]])
SOLVERS = ("lowrank", "dense")


def contrasts(model):
    covariates = np.zeros((len(MATRIX), model.X.shape[1]))
    if model.intercept:
        covariates[:, 0] = MATRIX.sum(axis=1)
    return Contrasts(points=POINTS, combine=MATRIX.__matmul__, covariates=covariates)


def conditional_means(model, solver, r=R, lambda_=LAMBDA):
    joint = solver.posterior(model, r, lambda_, model.projected())
    return MATRIX @ response_joint(model, joint, POINTS)[0][model.X.shape[1] :]


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("solver", SOLVERS)
def test_covariance_with_a_row_is_the_slope_in_its_weight(solver, intercept):
    """d E(theta) / d w_i = (y_i - E f_i) Cov(theta, f_i) / sigma2 at fixed r and lambda."""
    weights = np.linspace(0.3, 2.0, 25)
    model, solver = naive.model(weights=weights, intercept=intercept), Solver(solver, 1e-9, 20)
    data = model.projected()
    joint = solver.posterior(model, R, LAMBDA, data)
    fitted, variance = joint.fitted(data)
    found = joint.covariance_with(csr_array(eye_array(25)), data, model.z, contrasts(model))
    for i in (0, 7, 24):
        step = 1e-5 * np.eye(25)[i]
        up, down = (
            conditional_means(replace(model, weights=weights + sign * step), solver) for sign in (1, -1)
        )
        np.testing.assert_allclose(
            (model.y[i] - fitted[i]) * found[i], (up - down) / 2e-5, rtol=1e-4, atol=1e-7
        )
    # The rows themselves as points.
    mean, covariance = response_joint(model, joint, model.z)
    p = model.X.shape[1]
    np.testing.assert_allclose(fitted, mean[p:], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(variance, np.diag(covariance)[p:], rtol=1e-5, atol=1e-7)


def grid_posterior(model, solver):
    """Points (r, lambda), their posterior probabilities and the conditional means there."""
    quantiles = (np.arange(12) + 0.5) / 12
    rs = [0.0, *model.priors.r.quantile(quantiles)]
    points, log_mass, means = [], [], []
    for r in rs:
        for lambda_ in model.priors.lambda_.quantile(quantiles):
            at = np.array([r, 0.0])
            value = solver.evaluate(model, at, float(lambda_), model.projected()).log_likelihood
            log_mass.append(value + (np.log(12) if r == 0 else 0.0))
            points.append((at, float(lambda_)))
            means.append(conditional_means(model, solver, at, float(lambda_)))
    mass = np.exp(np.array(log_mass) - max(log_mass))
    return points, mass / mass.sum(), np.array(means)


def drawn(model, solver, count, rng):
    """Draws of the posterior on the grid, as a fit keeps them, and their conditional means."""
    points, mass, means = grid_posterior(model, solver)
    chosen = rng.choice(len(points), size=count, p=mass)
    draws = Draws.empty(model, count, 1)
    prior = model.priors.sigma2
    for t, k in enumerate(chosen):
        r, lambda_ = points[k]
        quadratic = solver.posterior(model, r, lambda_, model.projected()).quadratic
        shape = prior.shape + 0.5 * (model.size - model.X.shape[1])
        draws.r[t], draws.lambda_[t] = r, lambda_
        draws.sigma2[t] = (prior.rate + 0.5 * quadratic) / rng.gamma(shape)
    together = {name: array[None] for name, array in draws.arrays().items()}
    return Draws(**together), means[chosen]


def test_scores_are_the_slopes_of_the_posterior_mean(monkeypatch):
    """With r, lambda and sigma2 unknown: the sum over a grid, whose weights move, is differenced."""
    rng = np.random.default_rng(3)
    weights = np.linspace(0.5, 1.5, 25)
    model, solver = naive.model(weights=weights, signal=0.5), Solver("dense", 1e-9, 20)
    count = 2000
    draws, means = drawn(model, solver, count, rng)
    identity = Totals(units=None, weights=weights, columns=csr_array(eye_array(25)))
    seen = []
    monkeypatch.setattr(Totals, "variances", lambda self, scores: seen.append(scores))
    jackknife = Jackknife(
        model=model, solver=solver, draws=draws, totals=identity, kept=[(0, t) for t in range(count)]
    )
    jackknife.variances([contrasts(model)], [means])
    slopes = np.empty((25, 2))
    for i in range(25):
        step = 1e-4 * np.eye(25)[i]
        up, down = (
            grid_posterior(replace(model, weights=weights + sign * step), solver)[1:] for sign in (1, -1)
        )
        slopes[i] = (up[0] @ up[1] - down[0] @ down[1]) / 2e-4
    expected = weights[:, None] * slopes
    for found, true in zip(seen[0].T, expected.T, strict=True):
        assert np.corrcoef(found, true)[0, 1] > 0.99
        assert found @ true / (true @ true) == pytest.approx(1.0, abs=0.1)


def design(strata, psu, domain=None):
    n = len(strata)
    return SurveyDesign(
        strata=np.asarray(strata, dtype=float),
        psu=np.asarray(psu, dtype=float),
        weights=np.ones(n),
        domain=np.ones(n, dtype=bool) if domain is None else domain,
    )


def test_totals():
    """Against the library's linearised covariance, and n / (n - 1) times the sum of squares of rows."""
    rng = np.random.default_rng(1)
    whole = design(np.repeat(np.arange(5), 12), np.tile(np.repeat([0, 1, 2], 4), 5), rng.random(60) < 0.7)
    rows = np.flatnonzero(whole.domain)
    weights = rng.gamma(2.0, size=len(rows))
    model = naive.model(n=len(rows), weights=weights)
    totals = Totals.of(model, whole, seed=1)
    scores = weights[:, None] * rng.normal(size=(len(rows), 2))
    found = totals.variances(totals.columns @ scores)
    centred = scores - (weights / weights.sum())[:, None] * scores.sum(axis=0)
    expected = np.diag(total_covariance(centred, whole, rows)[0])
    np.testing.assert_allclose(found.clustered, expected, rtol=1e-10)
    m = len(rows)
    np.testing.assert_allclose(found.independent, m / (m - 1) * np.sum(centred**2, axis=0), rtol=1e-10)
    assert totals.units.df == sampling_units(whole).df == 10
    # A score that the weights are proportional to says nothing: their sum is fixed.
    nothing = totals.variances(totals.columns @ weights[:, None])
    np.testing.assert_allclose([*nothing.clustered, *nothing.independent], 0.0, atol=1e-20)
    assert nothing.design_effect[0] == pytest.approx(1.0) or nothing.independent[0] > 0


def test_design_effect_of_whole_clusters():
    """Rows alike within PSUs of b rows: the variance is b times that of independent rows, by hand."""
    strata, psu = np.repeat(np.arange(50), 8), np.tile(np.repeat([0, 1], 4), 50)
    whole = design(strata, psu)
    model = naive.model(n=400)
    totals = Totals.of(model, whole, seed=2)
    rng = np.random.default_rng(1)
    alike = np.repeat(rng.normal(size=(100, 200)), 4, axis=0)
    effects = totals.variances(totals.columns @ alike).design_effect
    assert effects.mean() == pytest.approx(4.0, abs=0.2)
    apart = totals.variances(totals.columns @ rng.normal(size=(400, 200))).design_effect
    assert apart.mean() == pytest.approx(1.0, abs=0.1)


# --- In tables --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def surveyed(people):
    rng = np.random.default_rng(3)
    n = len(people)
    return people.assign(
        w=rng.gamma(2.0, size=n), stratum=np.arange(n) % 5, unit=np.arange(n) // 5 % 4, old=people["age"] > 60
    )


def survey_fit(spec, data, **options):
    spec = replace(spec, weights="w", strata="stratum", psu="unit", **options)
    return quiet_fit(
        spec, data, seed=1, options=ChainOptions(chains=2, warmup=40, draws=40, workers=1, progress=False)
    )


@pytest.mark.parametrize(("outcome", "family"), [("bmd_fn", "gaussian"), ("osteo", "binomial")])
def test_tables_carry_the_design(outcome, family, spec, surveyed, tmp_path):
    from scipy import stats

    from mixepi import load

    fit = survey_fit(replace(spec, outcome=outcome, family=family), surveyed)
    requests = [("overall", {"quantiles": (0.25, 0.75)}), ("single", {}), ("interactions", {})]
    if family == "binomial":
        requests.append(("overall", {"scale": "probability"}))
    for table in fit.summaries(*requests, draws=30):
        effect = table["design_effect"].clip(lower=1.0)
        np.testing.assert_allclose(
            table["std_error"], table["posterior_std_error"] * np.sqrt(effect), rtol=1e-12
        )
        half = 0.5 * (table["conf_high"] - table["conf_low"])
        np.testing.assert_allclose(half, stats.t.ppf(0.975, 15) * table["std_error"], rtol=1e-12)
        assert (table["df"] == 15).all()
        assert table["jackknife_std_error"].max() > 0
        assert "design effect" in table["method"].iloc[0]
    fit.save(tmp_path / "fit")
    again = load(tmp_path / "fit").single(draws=30)
    np.testing.assert_array_equal(again["conf_low"], fit.single(draws=30)["conf_low"])
    pair = fit.bivariate(pairs=[("pb", "cd")], grid=6, draws=30)
    assert pair["jackknife_std_error"].notna().equals(pair["estimate"].notna())
    # The response at a monitored point, here from 80 sampled values in place of their conditional means.
    parameters = fit.estimates().set_index("term")["jackknife_std_error"]
    assert np.isfinite(parameters).all()
    assert parameters.filter(like="beta[").min() > 0
    middle = surveyed.head(1).assign(**dict.fromkeys(spec.covariates, 0.0))
    middle = middle.assign(
        **{
            name: fit.scaler.to_natural(fit.monitors[4, j : j + 1], j)
            for j, name in enumerate(spec.exposures)
        }
    )
    there = fit.predict(middle, draws=1000)["jackknife_std_error"].iloc[0]
    assert parameters["h[all exposures at 45 %]"] == pytest.approx(there, rel=0.15)
    alone = fit.predict(surveyed.head(3), draws=30)
    assert {"design_effect", "jackknife_std_error"} <= set(alone.columns)


def test_domain_keeps_its_design(spec, surveyed):
    fit = survey_fit(spec, surveyed, domain="old")
    assert fit.model.n == surveyed["old"].sum() < len(fit.design.strata) == len(surveyed)
    table = fit.overall(quantiles=(0.75,), draws=30)
    assert table["df"].iloc[0] == sampling_units(fit.design).df


def test_a_lonely_psu_is_named_before_anything_is_sampled(spec, surveyed):
    with pytest.raises(EstimationError, match="two PSUs"):
        survey_fit(spec, surveyed.assign(unit=surveyed["unit"].where(surveyed["stratum"] > 0, 0)))


def test_weights_alone_say_what_they_are(spec, surveyed):
    fit = quiet_fit(
        replace(spec, weights="w"),
        surveyed,
        seed=1,
        options=ChainOptions(chains=1, warmup=10, draws=10, workers=1, progress=False),
    )
    assert "intervals of independent rows" in fit.method
    assert "design_effect" not in fit.overall(draws=5).columns


def test_part_of_a_design_is_refused():
    from mixepi import SpecificationError

    with pytest.raises(SpecificationError, match="strata and psu together"):
        BKMR(outcome="y", exposures=("a",), weights="w", psu="u")
