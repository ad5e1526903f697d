"""Contrasts solved in one block against the joint law of all points; what is no contrast is refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mixepi import fan_out
from mixepi.bkmr import contrasts
from mixepi.bkmr.contrasts import CentredGrid, Contrast
from mixepi.bkmr.likelihood import dense, low_rank
from mixepi.bkmr.likelihood.kernel import kernel_between
from mixepi.errors import DataError, QuantileWarning, SpecificationError
from tests.bkmr.support.fits import METALS
from tests.bkmr.test_likelihood import LAMBDA, problem
from tests.bkmr.test_summaries import by_hand

POSTERIOR = ["estimate", "std_error", "conf_low", "conf_high"]


@pytest.fixture(scope="module")
def grid():
    """Three by four points over the exposures 2 and 0, two of them not wanted."""
    first, second = np.array([-1.0, 0.2, 0.9, 2.0]), np.array([-0.5, 0.0, 1.5])
    points = np.full((3, 4, 3), 0.3)
    points[:, :, 2], points[:, :, 0] = np.meshgrid(first, second)
    wanted = np.ones((3, 4), dtype=bool)
    wanted[0, 3] = wanted[2, 1] = False
    return CentredGrid(points=points, wanted=wanted, exposures=(2, 0))


def written_out(grid):
    """The same contrasts with their matrix."""
    matrix = (np.eye(12) - 1 / 12)[grid.wanted.ravel()]
    return Contrast(grid.points.reshape(12, 3), matrix)


RS = [(0.3, 0.0, 0.05), (0.3, 0.1, 0.0), (0.0, 0.2, 0.4), (0.0, 0.2, 0.0), (0.0, 0.0, 0.0)]


@pytest.mark.parametrize("r", RS)
def test_a_grid_without_the_axes_that_are_out_is_the_grid(grid, r):
    r = np.array(r)
    long = written_out(grid)
    kernel = kernel_between(long.points, long.points, r)
    expected = np.diag(long.matrix @ kernel @ long.matrix.T)
    np.testing.assert_allclose(grid.prior_variance(r), expected, atol=1e-14)
    np.testing.assert_allclose(long.prior_variance(r), expected, atol=1e-14)
    short, place = grid.distinct(r)
    assert short.points[..., 0].size == (4 if r[2] else 1) * (3 if r[0] else 1)
    np.testing.assert_allclose(short.prior_variance(r)[place], expected, atol=1e-14)
    values = np.sin(long.points @ r)  # depends on exposures that are in, as h does
    shortened = short.combine(np.sin(short.points.reshape(-1, 3) @ r))[place]
    np.testing.assert_allclose(shortened, long.matrix @ values, atol=1e-15)
    np.testing.assert_allclose(grid.combine(values), long.matrix @ values, atol=1e-15)


def posteriors(z, data, r):
    zt = np.ascontiguousarray(z.T)
    factor = low_rank.factorise(zt, r, max_rank=9, trace=0.0)
    return low_rank.posterior(factor, data, LAMBDA), dense.posterior(zt, r, LAMBDA, data)


@pytest.mark.parametrize("r", RS[:3])
@pytest.mark.parametrize("p", [0, 2])
def test_contrasts_are_those_of_the_joint_law(grid, r, p):
    r = np.array(r)
    z, data = problem(p=p)
    long = written_out(grid)
    load = np.random.default_rng(0).normal(size=(len(long.matrix), p))
    both = np.hstack([load, long.matrix])
    for posterior in posteriors(z, data, r):
        mean, covariance = posterior.joint(long.points, z)
        for asked in (long, grid):
            found = posterior.contrasts(long.points, z, load, asked.combine, asked.prior_variance(r))
            np.testing.assert_allclose(found[0], both @ mean, atol=1e-10)
            np.testing.assert_allclose(found[1], np.diag(both @ covariance @ both.T), atol=1e-10)


def test_a_bivariate_table_is_the_exact_mixture(gaussian):
    alone = replace(gaussian, **{k: v[:, ::4][:, :10] for k, v in gaussian.arrays().items()})
    table = alone.bivariate(pairs=[("hg", "pb")], grid=4, min_distance=100.0)
    points = np.tile(np.quantile(alone.model.z, 0.5, axis=0), (16, 1))
    points[:, 2], points[:, 0] = table["z_1"], table["z_2"]
    centre = np.eye(16) - 1 / 16
    laws = list(by_hand(alone, points))
    means = np.array([centre @ mean for mean, _ in laws])
    variances = np.array([np.diag(centre @ covariance @ centre) for _, covariance in laws])
    np.testing.assert_allclose(table["estimate"], means.mean(0), atol=2e-6)
    np.testing.assert_allclose(table["std_error"], np.sqrt(variances.mean(0) + means.var(0)), atol=2e-5)


def test_faults_in_the_grid_are_seen(grid):
    """The axes exchanged, or the mean over wanted points only: neither is C = I - 11'/q."""
    r = np.array([0.3, 0.0, 0.05])
    long = written_out(grid)
    turned = replace(grid, exposures=(0, 2))
    assert np.abs(turned.prior_variance(r) - long.prior_variance(r)).max() > 0.01
    values = np.sin(long.points @ r)
    wanted = values[grid.wanted.ravel()]
    assert np.abs((wanted - wanted.mean()) - long.matrix @ values).max() > 0.001


@pytest.mark.parametrize("scale", ["link", "probability"])
def test_tables_do_not_depend_on_the_threads(binomial, scale):
    one, two = (
        replace(binomial, options=replace(binomial.options, workers=workers)).bivariate(
            pairs=[("pb", "cd")], grid=4, scale=scale, draws=16
        )
        for workers in (1, 2)
    )
    pd.testing.assert_frame_equal(one, two)


def test_long_tables_show_progress(gaussian, monkeypatch, capsys):
    monkeypatch.setattr(fan_out, "SECONDS_BETWEEN_LINES", 0.0)
    shown = replace(gaussian, options=replace(gaussian.options, progress=True))
    shown.bivariate(grid=3, draws=5)
    assert "BKMR bivariate: 5 of 5 in" in capsys.readouterr().err
    gaussian.bivariate(grid=3, draws=5)
    assert capsys.readouterr().err == ""


def test_a_part_of_the_mixture_moves_and_the_rest_stays(gaussian):
    table = gaussian.overall(exposures=("hg", "cd"), quantiles=(0.25, 0.75), fixed=0.4, others=0.6)
    assert list(table["exposures"]) == ["hg + cd"] * 2
    points = np.tile(np.quantile(gaussian.model.z, 0.6, axis=0), (3, 1))
    points[:, [1, 2]] = np.quantile(gaussian.model.z[:, [1, 2]], [0.25, 0.75, 0.4], axis=0)
    contrast = np.array([[1.0, 0, -1], [0, 1, -1]])
    means = np.array([contrast @ mean for mean, _ in by_hand(gaussian, points)])
    np.testing.assert_allclose(table["estimate"], means.mean(0), atol=2e-6)


def test_all_exposures_named_are_the_whole_mixture(gaussian):
    named, whole = gaussian.overall(exposures=METALS), gaussian.overall()
    pd.testing.assert_frame_equal(named[POSTERIOR], whole[POSTERIOR])
    assert set(whole["exposures"]) == {"all"}
    alone = gaussian.overall(exposures=("pb",), quantiles=(0.75,), fixed=0.25)["estimate"]
    single = gaussian.single(exposures=("pb",), fixed=(0.5,))["estimate"]
    np.testing.assert_allclose(alone, single, atol=1e-12)


@pytest.fixture(scope="module")
def tied(gaussian):
    """Cadmium below detection in 80 of 100 people."""
    z = gaussian.model.z.copy()
    order = np.argsort(z[:, 1])
    z[order[:80], 1] = z[order[0], 1]
    return replace(gaussian, model=replace(gaussian.model, z=z))


def test_a_contrast_of_two_equal_percentiles_is_missing_and_told(tied):
    with pytest.warns(QuantileWarning) as caught:
        table = tied.single(draws=20)
    (text,) = {str(item.message) for item in caught}
    for part in (
        "0.25 and 0.75 quantiles of exposure 'cd'",
        "80% of 100 rows",
        "nearest that differ are 0.25 and 0.81",
    ):
        assert part in text
    missing = table["exposure"] == "cd"
    assert table.loc[missing, POSTERIOR].isna().all(axis=None)
    assert (table.loc[~missing, "conf_high"] > table.loc[~missing, "conf_low"]).all()
    with pytest.warns(QuantileWarning, match="'cd'"):
        missing = tied.interactions(draws=20).set_index("exposure")["estimate"].isna()
    assert missing.to_dict() == {name: name == "cd" for name in METALS}


def test_nothing_is_left_of_a_table_of_equal_percentiles(tied):
    with pytest.raises(DataError, match=r"0\.25 and 0\.81"):
        tied.single(exposures=("cd",))
    with pytest.raises(DataError, match=r"0\.1 and 0\.5 quantiles of exposure 'cd'"):
        tied.overall(exposures=("cd",), quantiles=(0.1, 0.79))
    with pytest.warns(QuantileWarning, match=r"0\.1 and 0\.5 quantiles of exposure 'cd'"):
        table = tied.overall(exposures=("cd",), quantiles=(0.1, 0.5, 0.9), draws=20)
    assert table["estimate"].isna().tolist() == [True, False, False]
    assert table["estimate"][1] == 0


def test_the_nearest_percentiles_that_are_named_differ(tied):
    table = tied.single(exposures=("cd",), high=0.81)
    assert (table["conf_high"] > table["conf_low"]).all()
    with pytest.raises(DataError, match="'cd' to differ"):
        tied.single(exposures=("cd",), high=0.79)


def test_a_contrast_of_nothing_is_not_an_interval_of_width_zero(tied, monkeypatch):
    """The fault: where ties are not looked at, the table says 0 (0, 0)."""
    monkeypatch.setattr("mixepi.bkmr.summaries._tied", lambda *_: None)
    table = tied.single(exposures=("cd",), draws=20)
    assert np.abs(table[POSTERIOR]).max(axis=None) < 1e-9


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda fit: fit.single(fixed=0.5), r"fixed to be a tuple, found 0.5: write \(0.5,\)"),
        (lambda fit: fit.single(fixed=()), "at least one quantile in fixed"),
        (lambda fit: fit.single(fixed="half"), "tuple of quantiles, found 'half'"),
        (lambda fit: fit.single(low=0.5, high=0.5), "low and high to differ, found 0.5 twice"),
        (lambda fit: fit.single(exposures="pb"), r"write \('pb',\)"),
        (lambda fit: fit.single(exposures=("pb", "lead")), "exposures among pb, .*found 'lead'"),
        (lambda fit: fit.single(exposures=("pb", "pb")), "each once"),
        (lambda fit: fit.single(quantile=0.5), "options of single among exposures, low, .*found 'quantile'"),
        (lambda fit: fit.overall(quantiles=0.75), r"quantiles to be a tuple, found 0.75: write \(0.75,\)"),
        (lambda fit: fit.overall(exposures=()), "name at least one"),
        (lambda fit: fit.overall(others="low"), "quantiles from 0 to 1, found 'low'"),
        (lambda fit: fit.interactions(fixed=0.5), r"fixed to be a tuple, found 0.5: write \(0.25, 0.75\)"),
        (lambda fit: fit.interactions(fixed=(0.1, 0.5, 0.9)), "2 different quantiles in fixed"),
        (lambda fit: fit.interactions(fixed=(0.5, 0.5)), "2 different quantiles in fixed"),
        (lambda fit: fit.bivariate(pairs=[("pb", "pb")]), "pairs of exposures among pb"),
        (lambda fit: fit.bivariate(pairs=[3]), "pairs of exposures among pb, .*found 3"),
        (lambda fit: fit.bivariate(pairs=7), "pairs of exposures among pb, .*found 7"),
        (lambda fit: fit.bivariate(min_distance="far"), "min_distance to be a number above 0"),
        (lambda fit: fit.univariate(center="yes"), "center to be True or False"),
        (lambda fit: fit.summaries("overall"), "pairs of a table and its options, found 'overall'"),
        (lambda fit: fit.summaries(("overall",)), "pairs of a table and its options"),
        (lambda fit: fit.summaries(("overall", None)), "pairs of a table and its options"),
        (lambda fit: fit.predict(None, level=0.9), "options of predict among scale, draws"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_before_any_work(gaussian, monkeypatch, ask, message):
    monkeypatch.setattr(contrasts, "factored", None)
    with pytest.raises(SpecificationError, match=message):
        ask(gaussian)


def test_one_exposure_has_no_pairs_and_no_interaction(gaussian):
    arrays = gaussian.arrays()
    one = replace(
        gaussian,
        spec=replace(gaussian.spec, exposures=("pb",)),
        model=replace(gaussian.model, z=gaussian.model.z[:, :1], groups=((0,),)),
        **{**arrays, "r": arrays["r"][:, :, :1]},
    )
    for ask in (one.bivariate, one.interactions):
        with pytest.raises(SpecificationError, match=r"at least two exposures for .*found only pb"):
            ask()
