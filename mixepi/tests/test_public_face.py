"""What a user sees: one list of names, one habit of signatures, and no more imported than is used."""

import inspect
import subprocess
import sys
import tomllib
from dataclasses import fields, is_dataclass

import pytest

import mixepi
from mixepi.results.base import Result
from tests.support.paths import LIBRARY

SPECS = ("WQS", "QGComp", "BKMR", "RegressionSpec")
OPTIONS = ("ChainOptions", "HoldoutOptions", "PermutationOptions")
DETERMINISTIC = ("fit_regression", "fit_qgcomp", "fit_qgcomp_sandwich")
RANDOM = (
    "fit_wqs",
    "fit_repeated_holdout_wqs",
    "permutation_test_wqs",
    "projection_test_wqs",
    "fit_qgcomp_bootstrap",
    "fit_bkmr",
)
RESULTS = [
    name
    for name in mixepi.__all__
    if inspect.isclass(getattr(mixepi, name)) and issubclass(getattr(mixepi, name), Result)
]


def test_every_public_name_exists_and_is_described():
    assert set(mixepi.__all__) == set(dir(mixepi))
    assert len(mixepi.__all__) == len(set(mixepi.__all__))
    for name in mixepi.__all__:
        assert getattr(mixepi, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'fit_lasso'"):
        mixepi.fit_lasso  # noqa: B018


def test_no_public_name_is_hidden_by_a_module():
    """Once a module is imported, its name means the module."""
    modules = {path.stem for path in (LIBRARY / "src" / "mixepi").iterdir()}
    assert not modules & set(mixepi.__all__)


def test_every_error_and_warning_is_public():
    from mixepi import errors

    own = {name for name, value in vars(errors).items() if inspect.isclass(value)} - {"LinAlgError"}
    assert own <= set(mixepi.__all__)


def test_the_version_is_that_of_the_project():
    with (LIBRARY / "pyproject.toml").open("rb") as stream:
        assert mixepi.__version__ == tomllib.load(stream)["project"]["version"]


def test_importing_loads_nothing_that_takes_time():
    code = "import sys, mixepi; dir(mixepi); print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in found.stdout.split()}
    assert not loaded & {"numpy", "pandas", "scipy", "numba", "statsmodels", "svy", "polars", "altair"}


@pytest.mark.parametrize("name", SPECS + OPTIONS)
def test_specifications_and_options_take_keywords_only_and_stay_as_they_are(name):
    kind = getattr(mixepi, name)
    assert is_dataclass(kind)
    assert all(field.kw_only for field in fields(kind))
    assert kind.__dataclass_params__.frozen
    for field in fields(kind):
        assert (
            f"    {field.name} : " in kind.__doc__
            or f"    {field.name}, " in kind.__doc__
            or (f", {field.name}" in kind.__doc__)
        ), field.name


@pytest.mark.parametrize("name", DETERMINISTIC + RANDOM)
def test_fits_take_specification_and_data_then_keywords(name):
    parameters = list(inspect.signature(getattr(mixepi, name)).parameters.values())
    assert [p.name for p in parameters[:2]] == ["spec", "data"]
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters[2:])
    assert ("seed" in {p.name for p in parameters}) == (name in RANDOM)
    assert all(p.default is p.empty for p in parameters if p.name == "seed")


def test_every_fit_is_among_those():
    functions = {name for name in mixepi.__all__ if name.startswith("fit_")}
    assert functions - {"fit_quantile_scores"} <= {*DETERMINISTIC, *RANDOM}


@pytest.mark.parametrize("name", RESULTS)
def test_results_have_one_habit(name):
    kind = getattr(mixepi, name)
    for method in ("estimates", "summary"):
        assert inspect.signature(getattr(kind, method)).parameters["level"].default == 0.95
    assert kind.__repr__ is Result.__repr__
    assert any(method.startswith("plot_") for method in dir(kind))


def test_a_result_of_every_kind_is_public():
    assert len(RESULTS) == 8
