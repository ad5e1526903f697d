"""What is built is what should be installed: archives, an empty environment, one fit of each method.

Run by `make package`: it builds, and fetches the dependencies from the package index that pip is set to.
"""

import os
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from tests.support.paths import LIBRARY

pytestmark = pytest.mark.distribution

# What an environment with the wheel must not hold: a warehouse, an extra, what only tests need.
FORBIDDEN = {"altair", "arviz", "dbt-core", "dbt-duckdb", "distributed", "duckdb", "nhanes-bone", "pytest"}

FITS = """
import numpy as np
import pandas as pd

import mixepi

rng = np.random.default_rng(1)
data = pd.DataFrame(rng.normal(size=(120, 3)), columns=["a", "b", "c"])
data["y"] = 0.5 * data["a"] + rng.normal(size=120)
data["w"], data["s"], data["p"] = 1.0, np.arange(120) % 6, np.arange(120) // 6 % 2
columns = {"outcome": "y", "exposures": ("a", "b"), "covariates": ("c",)}
fits = [
    mixepi.fit_regression(mixepi.RegressionSpec(**columns), data),
    mixepi.fit_regression(mixepi.RegressionSpec(**columns, weights="w", strata="s", psu="p"), data),
    mixepi.fit_wqs(mixepi.WQS(**columns, bootstraps=10), data, seed=1),
    mixepi.fit_qgcomp(mixepi.QGComp(**columns), data),
    mixepi.fit_qgcomp_bootstrap(mixepi.QGComp(**columns), data, seed=1, resamples=20),
    mixepi.fit_bkmr(
        mixepi.BKMR(**columns),
        data,
        seed=1,
        options=mixepi.ChainOptions(chains=1, warmup=20, draws=20, workers=1, progress=False),
    ),
]
for fit in fits:
    assert np.isfinite(fit.estimates()["estimate"]).all(), fit
print(mixepi.__version__, mixepi.__file__)
"""

LIGHT = """
import sys
import mixepi

assert mixepi.WQS and "numba" not in sys.modules and "statsmodels" not in sys.modules
"""


def run(*command: str | Path, folder: Path) -> str:
    """Run a command outside the project, and return what it prints; show it if it fails."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [*map(str, command)],
        cwd=folder,
        env=environment | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("distribution")


def environment(folder: Path, name: str) -> Path:
    """Make an empty virtual environment, and return its Python."""
    venv.create(folder / name, with_pip=True)
    return folder / name / ("Scripts" if sys.platform == "win32" else "bin") / "python"


@pytest.fixture(scope="module")
def archives(folder: Path) -> tuple[Path, Path]:
    """Return the wheel, built from the source distribution, and the source distribution."""
    python = environment(folder, "builder")
    run(python, "-m", "pip", "install", "--quiet", "build", folder=folder)
    run(python, "-m", "build", "--outdir", folder / "dist", LIBRARY, folder=folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    (source,) = (folder / "dist").glob("*.tar.gz")
    return wheel, source


@pytest.fixture(scope="module")
def python(folder: Path, archives: tuple[Path, Path]) -> Path:
    """Return the Python of an environment with the wheel and what it asks for."""
    python = environment(folder, "installed")
    run(python, "-m", "pip", "install", "--quiet", archives[0], folder=folder)
    return python


def test_wheel_is_the_package_alone(archives):
    names = zipfile.ZipFile(archives[0]).namelist()
    package = {name for name in names if name.startswith("mixepi/")}
    source = LIBRARY / "src"
    sources = {p.relative_to(source).as_posix() for p in source.rglob("*") if p.suffix in {".py", ".pyi"}}
    assert package == sources | {"mixepi/py.typed"}
    assert all(".dist-info/" in name for name in set(names) - package)
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_source_distribution_can_be_tested(archives):
    with tarfile.open(archives[1]) as source:
        names = {name.split("/", 1)[1] for name in source.getnames()}
        assert {"LICENSE", "README.md", "CHANGELOG.md", "CITATION.cff", "pyproject.toml"} <= names
        tests = LIBRARY / "tests"
        wanted = {
            path.relative_to(LIBRARY).as_posix()
            for path in tests.rglob("*")
            if path.is_file() and path.suffix in {".py", ".csv", ".R", ".md"}
        }
        assert wanted <= names
        found = source.extractfile(next(n for n in source.getnames() if n.endswith("/pyproject.toml")))
        assert "ini_options" in tomllib.loads(found.read().decode())["tool"]["pytest"]
    assert not {name for name in names if name.startswith(("site/", "dist/")) or "__pycache__" in name}


def test_nothing_of_a_warehouse_is_installed(python, folder):
    installed = run(python, "-m", "pip", "list", "--format", "freeze", folder=folder)
    names = {line.split("==")[0].lower() for line in installed.splitlines()}
    assert "mixepi" in names
    assert not names & FORBIDDEN


def test_every_method_fits_in_an_empty_environment(python, folder):
    version, file = run(python, "-W", "ignore", "-c", FITS, folder=folder).split()
    assert version == tomllib.loads((LIBRARY / "pyproject.toml").read_text())["project"]["version"]
    assert str(folder) in file


def test_importing_loads_nothing_heavy(python, folder):
    run(python, "-c", LIGHT, folder=folder)


def test_tests_run_from_the_source_distribution(archives, python, folder):
    with tarfile.open(archives[1]) as source:
        source.extractall(folder / "source", filter="data")
    (root,) = (folder / "source").iterdir()
    run(python, "-m", "pip", "install", "--quiet", "--upgrade", "pip", folder=folder)  # groups need pip 25.1
    run(python, "-m", "pip", "install", "--quiet", "--group", f"{root}/pyproject.toml:test", folder=folder)
    assert "passed" in run(python, "-m", "pytest", "-q", "tests/test_splines.py", folder=root)
