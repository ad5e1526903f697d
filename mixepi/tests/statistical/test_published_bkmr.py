"""bkmr's own example data, with strong signals: not part of this project, skipped where they are not at hand.

Some exposure is in the model in every draw of bkmr's, so that its inverted selection ratio changes nothing
component-wise; with groups it does, and `compat` reproduces it.
"""

import numpy as np
import pandas as pd
import pytest

from mixepi import BKMR, BKMRResult, ChainOptions, fit_bkmr
from mixepi.bkmr.diagnostics import mcse_mean
from tests.support.paths import PUBLISHED

BKMR_PUBLISHED = PUBLISHED / "bkmr"
pytestmark = [
    pytest.mark.statistical,
    pytest.mark.skipif(not BKMR_PUBLISHED.is_dir(), reason="needs ../shared/oracles/published/bkmr"),
]

EXPOSURES = ("z1", "z2", "z3", "z4")
# bkmr's four chains of 20,000 are worth some 2,000 independent draws: the spread of its PIPs between chains.
DRAWS_OF_BKMR = 2_000


def stored(name: str) -> pd.DataFrame:
    return pd.read_csv(BKMR_PUBLISHED / f"{name}.csv")


def fit(data: str, **options: object) -> BKMRResult:
    spec = BKMR(
        outcome="y", exposures=EXPOSURES, covariates=("x",), scale=False, intercept="kernel", **options
    )
    return fit_bkmr(spec, stored(data), seed=1, options=ChainOptions(draws=2500, progress=False))


def four_errors(draws: np.ndarray, posterior_sd: float) -> float:
    ours = mcse_mean(draws) if draws.std() > 0 else 0.0
    return 4 * float(np.hypot(ours, posterior_sd / np.sqrt(DRAWS_OF_BKMR)))


def means_agree(result: BKMRResult, name: str) -> None:
    """Means and inclusion within four Monte Carlo errors; sds within a tenth, of r (heavy tails) a fifth."""
    draws = {"beta1": result.beta[:, :, 0], "sigsq": result.sigma2, "lambda": result.lambda_}
    draws |= {f"r{m + 1}": result.r[:, :, m] for m in range(len(EXPOSURES))}
    for parameter, theirs in stored(f"{name}_ests").set_index("param").iterrows():
        x = draws[str(parameter)]
        assert abs(x.mean() - theirs["mean"]) < four_errors(x, theirs["sd"]), (parameter, x.mean())
        close = 0.2 if str(parameter).startswith("r") else 0.1
        assert x.std() == pytest.approx(theirs["sd"], rel=close), parameter
    for m, pip in enumerate(stored(f"{name}_pips")["PIP"]):
        included = (result.r[:, :, m] > 0).astype(float)
        allowed = four_errors(included, max(np.sqrt(pip * (1 - pip)), 0.02))
        assert abs(included.mean() - pip) < allowed, (EXPOSURES[m], included.mean(), pip)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("overview_long", "overview_simdata_n50_M4_seed111"),
        ("corr_comp_long", "overview_simdata_corr_n100_seed111"),
    ],
)
def test_strong_signal_component_wise(name, data):
    result = fit(data)
    assert (result.r > 0).any(axis=2).all()
    means_agree(result, name)
    expected = stored(f"{name}_overall_exact")
    expected = expected[expected["quantile"] != 0.5]
    table = result.overall(quantiles=tuple(expected["quantile"]))
    errors = np.hypot(expected["sd"] / np.sqrt(5_000), expected["est_sd_between_chains"] / 2)
    assert np.all(np.abs(table["estimate"].to_numpy() - expected["est"]) < 4 * errors)
    np.testing.assert_allclose(table["std_error"], expected["sd"], rtol=0.1)


def test_strong_signal_of_a_group():
    result = fit(
        "overview_simdata_corr_n100_seed111",
        selection="hierarchical",
        groups=(("z1", "z3"), ("z2",), ("z4",)),
        compat="bkmr",
    )
    means_agree(result, "corr_hier_long")
    table = result.pips().set_index("exposure").loc[list(EXPOSURES)]
    expected = stored("corr_hier_long_pips_hier")
    np.testing.assert_allclose(table["group_pip"], expected["groupPIP"], atol=0.045)
    np.testing.assert_allclose(table["conditional_pip"], expected["condPIP"], atol=0.045)
