"""From a data frame to tables: reproducibility, checkpoints, labels, schemas."""

import itertools
import pickle
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mixepi import BKMR, BKMRResult, ChainOptions, ConvergenceWarning, fit_bkmr
from mixepi.bkmr import diagnostics, plots
from mixepi.bkmr.probit.importance import ProbitEvaluation
from mixepi.bkmr.sampler import chain as chains
from mixepi.bkmr.sampler.checkpoint import CheckpointError
from mixepi.errors import SpecificationError
from tests.bkmr.support.fits import COVARIATES, METALS, quiet_fit

ARRAYS = ("r", "lambda_", "sigma2", "cluster_variance", "beta", "response", "latent")


def assert_same_draws(one, two):
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


def test_draws_do_not_depend_on_workers(people, spec, short, gaussian):
    assert_same_draws(quiet_fit(spec, people, seed=1, options=replace(short, workers=2)), gaussian)


def test_another_seed_gives_other_draws(people, spec, short, gaussian):
    assert not np.array_equal(quiet_fit(spec, people, seed=2, options=short).lambda_, gaussian.lambda_)


@pytest.mark.parametrize("stop", [25, 55], ids=["in warm-up", "after warm-up"])
@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_a_killed_run_resumes_with_the_same_draws(
    monkeypatch, tmp_path, request, people, short, family, stop
):
    unbroken = request.getfixturevalue(family)
    saved = replace(short, checkpoint=tmp_path, checkpoint_seconds=0)
    advance = chains.Chain.advance
    calls = 0

    def killed(self):
        nonlocal calls
        calls += 1
        if calls > stop:
            raise KeyboardInterrupt
        advance(self)

    monkeypatch.setattr(chains.Chain, "advance", killed)
    with pytest.raises(KeyboardInterrupt):
        fit_bkmr(unbroken.spec, people, seed=1, options=saved)
    monkeypatch.setattr(chains.Chain, "advance", advance)
    assert (tmp_path / "chain-0.pickle").exists()
    resumed = quiet_fit(unbroken.spec, people, seed=1, options=saved)
    assert_same_draws(resumed, unbroken)
    assert resumed.attempts == unbroken.attempts
    # A finished run is read back, and one of another fit is refused.
    assert_same_draws(quiet_fit(unbroken.spec, people, seed=1, options=saved), unbroken)
    with pytest.raises(SpecificationError, match="this very fit"):
        fit_bkmr(unbroken.spec, people, seed=2, options=saved)


def test_a_dense_probit_resumes_without_its_matrices(tmp_path, people, short, binomial):
    """A checkpoint has no n x n array: the importance density is made anew, the same to the last bit."""
    spec, half = replace(binomial.spec, solver="dense"), short.draws // 2
    quiet_fit(spec, people, seed=1, options=replace(short, draws=half, checkpoint=tmp_path))
    _, state = pickle.loads((tmp_path / "chain-0.pickle").read_bytes())
    assert isinstance(state.exact, ProbitEvaluation)
    assert state.exact.proposal is None
    resumed = quiet_fit(spec, people, seed=1, options=replace(short, checkpoint=tmp_path))
    assert_same_draws(resumed, quiet_fit(spec, people, seed=1, options=short))


def test_a_full_disk_is_said_and_keeps_the_last_checkpoint(small_disk, people, spec, short, gaussian):
    folder = small_disk / "chains"
    options = replace(short, draws=short.draws // 2, checkpoint=folder)
    quiet_fit(spec, people, seed=1, options=options)
    saved = {path.name: path.read_bytes() for path in folder.iterdir()}
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (shutil.disk_usage(small_disk).free - 4096))
    with pytest.raises(CheckpointError, match=r"chains, which failed: No space left on device\. Make room"):
        quiet_fit(spec, people, seed=1, options=replace(short, checkpoint=folder))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == saved
    filler.unlink()
    assert_same_draws(quiet_fit(spec, people, seed=1, options=replace(short, checkpoint=folder)), gaussian)


def test_a_damaged_checkpoint_is_named(tmp_path, people, spec, short, gaussian):
    saved = replace(short, checkpoint=tmp_path)
    quiet_fit(spec, people, seed=1, options=saved)
    path = tmp_path / "chain-1.pickle"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(SpecificationError, match=r"chain-1\.pickle, found a damaged file .*: remove it"):
        quiet_fit(spec, people, seed=1, options=saved)
    path.unlink()
    assert_same_draws(quiet_fit(spec, people, seed=1, options=saved), gaussian)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_chains_that_have_not_converged_go_on(request, people, short, family):
    """On to twice the draws, twice at most: the same draws as of one long run."""
    spec = request.getfixturevalue(family).spec
    longer = quiet_fit(spec, people, seed=1, options=replace(short, draws=4 * short.draws))
    went_on = quiet_fit(spec, people, seed=1, options=replace(short, max_draws=5 * short.draws))
    assert went_on.options.draws == 4 * short.draws
    assert went_on.options.checkpoint is None
    assert_same_draws(went_on, longer)


def test_unconverged_runs_say_so_everywhere(people, spec, short):
    with pytest.warns(ConvergenceWarning, match="NOT CONVERGED"):
        result = fit_bkmr(spec, people, seed=1, options=short)
    tables = [
        result.pips(),
        result.estimates(),
        result.acceptance(),
        result.overall(),
        result.univariate(grid=5),
    ]
    for table in tables:
        assert table["status"].str.startswith("NOT CONVERGED").all()
    assert subtitle(result)[0].startswith("NOT CONVERGED")


def subtitle(result):
    return result.plot_pips().to_dict()["title"]["subtitle"]


def test_charts_say_what_is_not_the_exact_posterior(monkeypatch, gaussian):
    monkeypatch.setattr(BKMRResult, "status", "converged")
    fitc = replace(gaussian, spec=replace(gaussian.spec, solver="fitc"))
    compat = replace(gaussian, spec=replace(gaussian.spec, compat="bkmr"))
    assert not subtitle(replace(gaussian))
    assert any("APPROXIMATE (fitc" in line for line in subtitle(fitc))
    assert any("NOT THE POSTERIOR" in line for line in subtitle(compat))


def test_one_chain_is_never_converged(people, spec, short):
    result = quiet_fit(spec, people, seed=1, options=replace(short, chains=1))
    assert "one chain" in result.status


OPTIONS = {
    "fitc": ({"solver": "fitc", "inducing": 10}, "APPROXIMATE"),
    "compat": ({"compat": "bkmr"}, "NOT THE POSTERIOR"),
    "kernel intercept": ({"intercept": "kernel"}, "intercept kernel"),
    "dense": ({"solver": "dense"}, "exact"),
    "none": ({"selection": "none"}, "exact"),
    "cluster": ({"cluster": "site"}, "exact"),
    "probit cluster": ({"cluster": "site", "family": "binomial", "outcome": "osteo"}, "exact"),
    "groups": ({"selection": "hierarchical", "groups": (("pb", "cd"), ("hg",), ("se", "mn"))}, "exact"),
}


@pytest.mark.parametrize("change", OPTIONS.values(), ids=OPTIONS.keys())
def test_every_variant_runs_and_is_labelled(people, spec, change):
    options = ChainOptions(chains=2, warmup=15, draws=10, workers=1, progress=False)
    result = quiet_fit(replace(spec, **change[0]), people, seed=1, options=options)
    table = result.pips()
    assert table["method"].str.contains(change[1]).all()
    assert np.isfinite(result.overall(quantiles=(0.25, 0.75))["estimate"]).all()
    if result.spec.selection == "hierarchical":
        inside = result.included
        assert not np.any(inside[..., 0] & inside[..., 1])
        np.testing.assert_allclose(table["pip"][:2].sum(), table["group_pip"][0])
        seen = table[table["group_pip"] > 0]
        assert len(seen)
        np.testing.assert_allclose(seen["conditional_pip"] * seen["group_pip"], seen["pip"])
        np.testing.assert_allclose(seen.groupby("group")["conditional_pip"].sum(), 1.0)
        np.testing.assert_allclose(table["prior_pip"], [0.25, 0.25, 0.5, 0.25, 0.25])
    if result.spec.selection == "none":
        assert result.included.all()
    if result.model.cluster is not None:
        assert (result.cluster_variance > 0).all()


SCHEMAS = {
    "pips": ["exposure", "group", "pip", "group_pip", "conditional_pip", "prior_pip", "mcse"],
    "estimates": [
        "term",
        "estimate",
        "std_error",
        "conf_low",
        "conf_high",
        "r_hat",
        "ess_bulk",
        "ess_tail",
        "mcse",
        "judged",
    ],
    "acceptance": ["move", "attempts", "acceptance"],
    "model_probabilities": ["exposures", "probability"],
    "overall": ["exposures", "quantile", "fixed"],
    "univariate": ["exposure", "z", "value"],
    "single": ["exposure", "fixed"],
    "interactions": ["exposure"],
    "bivariate": ["exposure_1", "exposure_2", "z_1", "z_2", "value_1", "value_2"],
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas(gaussian, name):
    table = getattr(gaussian, name)(**({"grid": 4} if name in ("univariate", "bivariate") else {}))
    curves = ("overall", "univariate", "single", "interactions", "bivariate")
    numbers = ["estimate", "std_error", "conf_low", "conf_high"] if name in curves else []
    columns = [c for c in table.columns if c not in ("status", "method", "scale")]
    assert columns == SCHEMAS[name] + numbers


def test_charts_are_made(gaussian):
    for chart in (
        gaussian.plot_response(grid=5),
        gaussian.plot_overall(),
        gaussian.plot_bivariate("pb", "cd", grid=4),
        gaussian.plot_posterior_and_prior(),
        gaussian.plot_single(),
        gaussian.plot_interactions(),
        gaussian.plot_trace(),
        gaussian.plot_pips(),
        gaussian.plot_estimates(),
    ):
        assert chart.to_dict()["title"]["text"]


def test_a_long_trace_is_thinned_to_what_altair_draws(gaussian):
    grid = itertools.product([f"r[{j}]" for j in range(22)], range(1, 5), range(1, 1001))
    draws = pd.DataFrame(grid, columns=["parameter", "chain", "draw"]).assign(value=0.0)
    assert len(plots.plot_trace(gaussian, draws).to_dict()["datasets"].popitem()[1]) > 2000


def test_scaler_is_frozen_in_the_result(gaussian, people):
    logs = np.log(people[list(METALS)].to_numpy())
    np.testing.assert_allclose(gaussian.model.z, (logs - logs.mean(0)) / logs.std(0, ddof=1))
    np.testing.assert_allclose(gaussian.scaler.transform(people.iloc[:7]), gaussian.model.z[:7])
    values = gaussian.scaler.to_natural(gaussian.model.z[:, 2], 2)
    np.testing.assert_allclose(values, people["hg"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "converged"),
        ({"ess_tail": 399.0}, "NOT CONVERGED: tail ESS 399 of sigma2"),
        ({"ess_bulk": 120.0, "ess_tail": 90.0}, "NOT CONVERGED: ESS 120 of sigma2"),
        ({"r_hat": 1.06}, "NOT CONVERGED: R-hat 1.060 of sigma2"),
        ({"r_hat": 9.0, "ess_tail": 1.0, "judged": False}, "converged"),
    ],
)
def test_what_decides_on_convergence(gaussian, change, said):
    table = gaussian.usual.assign(r_hat=1.01, ess_bulk=500.0, ess_tail=400.0)
    for column, value in change.items():
        table.loc[table["term"] == "sigma2", column] = value
    judged = replace(gaussian, modes=())  # of so few draws some modes are missed
    judged.__dict__["usual"] = table
    assert judged.status == said


# R-hat, bulk ESS, tail ESS and MCSE of the mean, by ArviZ 0.22.0 for the draws made below.
BY_ARVIZ = {
    "numbers": (1.0316387513717913, 92.96338431399776, 424.14701859485797, 0.11207676510880413),
    "zeros and ones": (1.008077972260421, 950.7203457655606, None, 0.0117934962224963),
}


@pytest.mark.parametrize("name", BY_ARVIZ)
def test_diagnostics_agree_with_arviz(name):
    rng = np.random.default_rng(0)
    x = np.cumsum(rng.normal(size=(4, 300)), axis=1) * 0.05 + rng.normal(size=(4, 300))
    x[3] += 0.5
    draws = x if name == "numbers" else (x > 1).astype(float)
    r_hat, bulk, tail, mcse = BY_ARVIZ[name]
    assert diagnostics.r_hat(draws) == pytest.approx(r_hat, rel=1e-6)
    assert diagnostics.ess_bulk(draws) == pytest.approx(bulk, rel=0.02)
    assert diagnostics.mcse_mean(draws) == pytest.approx(mcse, rel=0.02)
    if tail:
        # of zeros and ones the 5 % quantile is a constant, for which the two have other conventions
        assert diagnostics.ess_tail(draws) == pytest.approx(tail, rel=0.05)


def test_importing_bkmr_does_not_load_numba():
    code = "import sys, mixepi, mixepi.bkmr; print('numba' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_ten_lines(people):
    spec = BKMR(outcome="bmd_fn", exposures=METALS, covariates=COVARIATES, log=True)
    result = quiet_fit(
        spec, people, seed=7, options=ChainOptions(chains=2, warmup=20, draws=20, workers=1, progress=False)
    )
    assert result.pips()["pip"].between(0, 1).all()
    assert len(result.univariate(grid=10)) == 50
