"""Every result shows itself, draws its charts, and is the same after a round trip through a file."""

import json
import sys
import zipfile
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

import mixepi
from mixepi import (
    BKMR,
    WQS,
    ChainOptions,
    GammaPrior,
    HoldoutOptions,
    MissingPackageError,
    PermutationOptions,
    Priors,
    QGComp,
    RegressionSpec,
    SavedResultError,
    SpecificationError,
)
from mixepi.results import saved

MIXTURE = {"outcome": "y", "exposures": ("a", "b", "c"), "covariates": ("z",)}
SHORT = ChainOptions(chains=2, warmup=5, draws=6, workers=1, progress=False)
DESIGN = {"weights": "w", "strata": "s", "psu": "u"}


def people() -> pd.DataFrame:
    generator = np.random.default_rng(8)
    data = pd.DataFrame(generator.lognormal(size=(80, 5)), columns=["a", "b", "c", "z", "w"])
    data["y"] = np.log(data["a"] * data["b"] / data["c"]) + generator.normal(size=80)
    data["event"] = (data["y"] > generator.normal(size=80)).astype(float)
    data["s"], data["u"] = np.arange(80) % 4, np.arange(80) // 4 % 5
    data["group"] = np.where(generator.random(80) < 0.5, "men", "women")
    return data


def wqs(**options):
    return WQS(**{**MIXTURE, "bootstraps": 4} | options)


BINARY = {"outcome": "event", "family": "binomial"}
FITS = {
    "regression": lambda d: mixepi.fit_regression(RegressionSpec(**MIXTURE), d),
    "logistic": lambda d: mixepi.fit_regression(RegressionSpec(**MIXTURE | BINARY | {"covariates": ()}), d),
    "survey": lambda d: mixepi.fit_regression(RegressionSpec(**MIXTURE, **DESIGN), d),
    "WQS": lambda d: mixepi.fit_wqs(wqs(), d, seed=1),
    "WQS strata": lambda d: mixepi.fit_wqs(wqs(stratified_by="group", validation=0.0), d, seed=1),
    "WQS both": lambda d: mixepi.fit_wqs(wqs(direction="both", quantiles=None), d, seed=1),
    "holdout": lambda d: mixepi.fit_repeated_holdout_wqs(
        wqs(), d, seed=1, options=HoldoutOptions(holdouts=3, workers=1, progress=False)
    ),
    "permutation": lambda d: mixepi.permutation_test_wqs(
        wqs(), d, seed=1, options=PermutationOptions(permutations=19, workers=1, progress=False)
    ),
    "projection": lambda d: mixepi.projection_test_wqs(wqs(), d, seed=1),
    "qgcomp": lambda d: mixepi.fit_qgcomp(QGComp(**MIXTURE), d),
    "qgcomp bootstrap": lambda d: mixepi.fit_qgcomp_bootstrap(
        QGComp(**MIXTURE | BINARY, degree=2), d, seed=1, resamples=5
    ),
    "qgcomp sandwich": lambda d: mixepi.fit_qgcomp_sandwich(QGComp(**MIXTURE, **DESIGN), d),
    "BKMR": lambda d: mixepi.fit_bkmr(
        BKMR(**MIXTURE, log=True, priors=Priors(r=GammaPrior(mean=0.1, sd=0.1))), d, seed=1, options=SHORT
    ),
    "BKMR probit": lambda d: mixepi.fit_bkmr(
        BKMR(**MIXTURE | BINARY, selection="hierarchical", groups=(("a", "b"), ("c",))),
        d,
        seed=1,
        options=SHORT,
    ),
}
# Tables that take no arguments beyond options, by the classes that have them.
TABLES = (
    "estimates",
    "standardised",
    "weights",
    "bootstrap_table",
    "facts",
    "holdout_table",
    "coefficients_table",
    "partial_effects",
    "overall",
    "outcome_model",
    "pips",
    "model_probabilities",
    "draws",
    "acceptance",
    "single",
    "interactions",
)
CHARTS = {
    "plot_estimates": {},
    "plot_weights": {},
    "plot_permutations": {},
    "plot_overall": {},
    "plot_pips": {},
    "plot_response": {"grid": 3},
    "plot_single": {},
    "plot_interactions": {},
    "plot_trace": {},
    "plot_posterior_and_prior": {},
}


@pytest.fixture(scope="module")
def results():
    with pytest.warns():
        return {name: fit(people()) for name, fit in FITS.items()}


@pytest.mark.parametrize("name", FITS)
def test_a_round_trip_gives_equal_tables(results, name, tmp_path):
    result = results[name]
    path = tmp_path / "fit.zip"
    result.save(path)
    again = mixepi.load(path)
    assert type(again) is type(result)
    assert again.spec == result.spec
    seen = 0
    for table in TABLES:
        method = getattr(result, table, None)
        if callable(method):
            seen += 1
            one, two = method(), getattr(again, table)()
            if isinstance(one, pd.DataFrame):
                pd.testing.assert_frame_equal(one, two, check_exact=True)
            else:
                np.testing.assert_array_equal(one, two)
    assert seen >= 1
    assert again.summary() == result.summary()
    again.save(tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == path.read_bytes()
    assert {found.name for found in tmp_path.iterdir()} == {"fit.zip", "again.zip"}


@pytest.mark.parametrize("name", ["WQS", "WQS strata", "BKMR"])
def test_a_loaded_result_knows_new_data(results, name, tmp_path):
    results[name].save(tmp_path / "fit")
    again = mixepi.load(tmp_path / "fit")
    new = people().iloc[:9]
    for result, method in ((results[name], "index"), (results[name], "predict")):
        if hasattr(result, method):
            pd.testing.assert_frame_equal(getattr(result, method)(new), getattr(again, method)(new))


@pytest.mark.parametrize("name", FITS)
def test_a_result_shows_itself(results, name):
    result = results[name]
    line = repr(result)
    assert line.startswith(f"<{type(result).__name__}: ")
    assert "\n" not in line
    assert len(line) < 200
    assert result.spec.outcome in line
    text = result.summary()
    assert text.startswith(line.split(": ", 1)[1][:-1])
    assert len(text.splitlines()) < 45
    assert max(map(len, text.splitlines())) < 200
    estimate = result.estimates()["estimate"].iloc[0]
    assert f"{estimate:.4g}" in text
    assert f"{estimate:.4g}" in result._repr_html_()


def test_text_of_the_data_is_escaped_in_html():
    data = people().rename(columns={"y": "<b>y"})
    shown = mixepi.fit_regression(RegressionSpec(outcome="<b>y", exposures=("a",)), data)._repr_html_()
    assert "&lt;b&gt;y" in shown
    assert "<b>y" not in shown


@pytest.mark.parametrize("name", FITS)
def test_charts_have_titles_and_labels(results, name):
    result = results[name]
    drawn = [chart for chart in CHARTS if hasattr(result, chart)]
    assert drawn
    for chart in drawn:
        described = getattr(result, chart)(**CHARTS[chart]).to_dict()
        title = described["title"]
        assert title["text"], chart
        assert result.spec.outcome in " ".join([title["text"], *title["subtitle"]]), chart
        assert '"title": "' in json.dumps(described.get("layer", described.get("spec", described))), chart


@pytest.mark.parametrize(("name", "chart"), [("WQS", "plot_weights"), ("BKMR", "plot_pips")])
def test_without_altair_the_error_says_what_to_install(results, monkeypatch, name, chart):
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(MissingPackageError, match=r'pip install "mixepi\[plots\]"'):
        getattr(results[name], chart)()


def test_other_files_are_refused(results, tmp_path):
    path = tmp_path / "fit"
    path.write_text("outcome,exposure\n1,2\n")
    with pytest.raises(SavedResultError, match="found another or a damaged file"):
        mixepi.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    with pytest.raises(SavedResultError, match="found another zip file"):
        mixepi.load(path)
    with pytest.raises(FileNotFoundError):
        mixepi.load(tmp_path / "nothing")


@pytest.mark.parametrize("kept", [0.2, 0.9, 0.999])
def test_a_file_that_was_cut_is_refused(results, tmp_path, kept):
    path = tmp_path / "fit"
    results["WQS"].save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(SavedResultError, match="damaged"):
        mixepi.load(path)


def test_a_file_with_wrong_bytes_is_refused(results, tmp_path):
    path = tmp_path / "fit"
    results["regression"].save(path)
    whole = path.read_bytes()
    for at in range(60, len(whole) - 400, 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
        try:
            again = mixepi.load(path)
        except SavedResultError:
            continue
        # a byte that nobody reads, such as a date
        pd.testing.assert_frame_equal(again.estimates(), results["regression"].estimates())


def change(path, **changes):
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    contents = json.loads(members["result.json"]) | changes
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (members | {"result.json": json.dumps(contents).encode()}).items():
            archive.writestr(name, data)


def test_a_file_of_another_format_names_its_version(results, tmp_path):
    path = tmp_path / "fit"
    results["regression"].save(path)
    change(path, format_version=99, mixepi_version="7.0")
    with pytest.raises(SavedResultError, match=r"format 99 of mixepi 7\.0: read it with that version"):
        mixepi.load(path)


@pytest.mark.parametrize(
    "content",
    [
        {"class": "os.system", "fields": {}},
        {"class": "WQS", "fields": {"outcome": "y"}},
        {"array": 99},
        {"float": "many"},
        {"list": []},
        7,
        {"class": "GammaPrior", "fields": {"mean": 1.0, "sd": 1.0}},
    ],
)
def test_contents_that_are_no_result_are_refused(results, tmp_path, content):
    path = tmp_path / "fit"
    results["regression"].save(path)
    change(path, result=content)
    with pytest.raises(SavedResultError, match=r"expected a (whole )?result"):
        mixepi.load(path)


def test_a_file_says_what_wrote_it(results, tmp_path):
    results["qgcomp"].save(tmp_path / "fit")
    with zipfile.ZipFile(tmp_path / "fit") as archive:
        contents = json.loads(archive.read("result.json"))
    assert contents["mixepi_version"] == mixepi.__version__
    assert contents["format_version"] == saved.FORMAT_VERSION
    assert contents["result"]["class"] == "QGCompResult"


@dataclass(frozen=True)
class OwnPrior(GammaPrior):
    """A prior that mixepi does not know."""


def test_what_cannot_be_saved_leaves_the_old_file(results, tmp_path):
    path = tmp_path / "fit"
    results["BKMR"].save(path)
    before = path.read_bytes()
    spec = replace(results["BKMR"].spec, priors=Priors(r=OwnPrior()))
    with pytest.raises(SpecificationError, match=r"values that can be saved, found OwnPrior"):
        replace(results["BKMR"], spec=spec).save(path)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["fit"]


def test_a_full_disk_leaves_the_old_file(results, small_disk):
    path = small_disk / "fit"
    results["WQS"].save(path)
    before = path.read_bytes()
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (16 * 2**20 - 64 * 1024))
    with pytest.raises(OSError, match="No space left"):
        replace(results["WQS"], validation_rows=np.random.default_rng(1).random(10**6)).save(path)
    assert path.read_bytes() == before
    assert not path.with_name("fit.part").exists()
