"""Machines and installations that lack something: a home, a folder that can be written, a shell for `~`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from mixepi import BKMR, ChainOptions, load
from mixepi.errors import SpecificationError
from tests.bkmr.support.fits import quiet_fit
from tests.support.paths import FIXTURES, LIBRARY

# What a process that started without anything says of where its code is kept, and its worker's.
KERNEL = """
import os, subprocess, sys, warnings
import numpy as np

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from mixepi.bkmr.likelihood.kernel import kernel_between
    from mixepi.bkmr.likelihood import over_lambda
    value = kernel_between(np.zeros((1, 1)), np.ones((1, 1)), np.ones(1))
print(value[0, 0])
print([str(item.message)[:60] for item in caught if "MixepiWarning" in item.category.__name__])
folder = os.environ["NUMBA_CACHE_DIR"]
print(folder, any(files for _, _, files in os.walk(folder)))
worker = "import os, mixepi.bkmr.likelihood.kernel; print(os.environ['NUMBA_CACHE_DIR'])"
command = [sys.executable, "-W", "error", "-c", worker]
print(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
"""


def read_only_installation(folder: Path) -> dict[str, str]:
    """Copy the package to where Python and numba can keep nothing: a file stands in each cache's place."""
    installed = folder / "mixepi"
    shutil.copytree(LIBRARY / "src" / "mixepi", installed, ignore=shutil.ignore_patterns("__pycache__"))
    for path in [installed, *(path for path in installed.rglob("*") if path.is_dir())]:
        (path / "__pycache__").touch()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")}
    # No home and no cache of the user: nothing can be made below a device.
    return {**kept, "PYTHONPATH": str(folder), "HOME": "/dev/null/home", "XDG_CACHE_HOME": "/dev/null/cache"}


def test_a_read_only_installation_without_a_home_works_and_says_so_once(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", KERNEL],
        env=read_only_installation(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    value, said, kept, worker = done.stdout.split("\n")[:4]
    assert float(value) == pytest.approx(0.36787944117144233, rel=1e-14)
    assert said == "['expected a folder for compiled code that can be written, fou']"
    folder, filled = kept.split()
    assert filled == "True"
    assert worker == folder  # shared, and without a second warning
    assert not Path(folder).exists()  # gone with the process


def test_the_fault_numba_without_a_folder_ends_the_import(tmp_path):
    code = (
        "import mixepi.compiled; mixepi.compiled._keep_elsewhere = lambda: None;"
        "import mixepi.bkmr.likelihood.kernel"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=read_only_installation(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "cannot cache function" in done.stderr


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_a_tilde_is_the_home_directory_wherever_a_path_is_given(home, tmp_path):
    people = pd.read_csv(FIXTURES / "bkmr" / "sim2000_first250.csv").iloc[:60]
    options = ChainOptions(chains=1, warmup=4, draws=4, workers=1, progress=False, checkpoint="~/chains")
    assert options.checkpoint == home / "chains"
    fit = quiet_fit(BKMR(outcome="bmd_fn", exposures=("pb", "cd"), log=True), people, seed=1, options=options)
    assert list((home / "chains").iterdir())
    fit.save("~/fit.zip")
    assert (home / "fit.zip").exists()
    assert load("~/fit.zip").seed == 1
    assert [path.name for path in tmp_path.iterdir()] == ["home"]  # no folder called ~


def test_what_is_no_path_is_refused():
    for path in (3, ("a", "b")):
        with pytest.raises(SpecificationError, match="expected checkpoint to be a path"):
            ChainOptions(checkpoint=path)
    with pytest.raises(SpecificationError, match="expected path to be a path, found 3"):
        load(3)
