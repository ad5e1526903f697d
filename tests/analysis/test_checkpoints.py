"""A BKMR that was stopped goes on where it was, and gives what it would have given."""

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import patch

import pandas as pd
import pytest

from analysis.cache.checkpoints import DAYS_KEPT, remove, working_folder
from analysis.cache.fit_cache import FitCache
from analysis.mixtures import bkmr
from analysis.mixtures.bkmr import fit_bkmr_plan, fit_one_bkmr
from mixepi import ChainOptions
from mixepi.bkmr.sampler.chain import Chain
from tests.conftest import ROOT
from tests.support.processes import wait_until

FITS = """
import pickle, sys
from pathlib import Path
from analysis.mixtures import bkmr
from analysis.cache.fit_cache import FitCache
from tests.analysis.test_checkpoints import stuck_fit
bkmr.fit_one_bkmr = stuck_fit
folder = Path(sys.argv[1])
plan, tables = pickle.loads((folder / "study.pickle").read_bytes())
bkmr.fit_bkmr_plan(plan, tables, cache=FitCache(folder / "fits"), workers=int(sys.argv[2]))
"""


def stuck_fit(specification, records, checkpoint):
    """A fit, in whatever process, that saves every sweep and stays in that of the plan's column `seed`."""
    advance = Chain.advance

    def advance_or_stay(chain):
        if chain.state.sweep == specification["seed"]:
            (checkpoint / "stuck").touch()
            time.sleep(600)
        advance(chain)

    def options(**given):
        return ChainOptions(**given, checkpoint_seconds=0)

    with patch.object(Chain, "advance", advance_or_stay), patch.object(bkmr, "ChainOptions", options):
        return fit_one_bkmr(specification, records, checkpoint)


@pytest.fixture
def plan(fit) -> pd.DataFrame:
    """Two fits of 2 chains of 20 + 30 sweeps that go on to 20 + 60; stopped before and after that."""
    bmd = {"outcome": "bmd", "family": "gaussian", "seed": 25}
    return pd.DataFrame([fit | {"max_draws": 60, **other} for other in ({"seed": 55}, bmd)])


@pytest.fixture
def sweeps(monkeypatch) -> list[int]:
    """One number for each sweep that is done in this process."""
    done = []
    advance = Chain.advance

    def counting(chain):
        done.append(chain.state.sweep)
        advance(chain)

    monkeypatch.setattr(Chain, "advance", counting)
    return done


def interrupted(folder: Path, workers: int) -> list[Path]:
    """Fit in a process of its own, as from a terminal, and press Ctrl-C; returns what the chains left."""
    command = [sys.executable, "-c", FITS, str(folder), str(workers)]
    fits = folder / "fits" / "checkpoints"
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: len(list(fits.glob("*/stuck"))) == workers)
            os.killpg(process.pid, signal.SIGINT)
            start = time.monotonic()
            process.wait(timeout=300)
            seconds = time.monotonic() - start
        finally:
            process.kill()
    assert process.returncode != 0
    # three times the five seconds that are promised, of a machine with nothing else to do
    assert seconds < 15 * max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)))
    return sorted(fits.glob("*/chain-*.pickle"))


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_fit_goes_on_with_the_same_draws(plan, tables, tmp_path, sweeps, workers):
    plan = plan.head(workers)
    unbroken = fit_bkmr_plan(plan, tables, workers=1)
    all_sweeps = len(sweeps)
    (tmp_path / "study.pickle").write_bytes(pickle.dumps((plan, tables)))
    left = interrupted(tmp_path, workers)
    done = [pickle.loads(path.read_bytes())[1].sweep for path in left]
    assert sorted(done) == [25, 50, 55][-workers - 1 :]
    sweeps.clear()
    resumed = fit_bkmr_plan(plan, tables, cache=FitCache(tmp_path / "fits"), workers=1)
    assert len(sweeps) == all_sweeps - sum(done)
    assert resumed.equals(unbroken)
    assert list((tmp_path / "fits" / "checkpoints").iterdir()) == []


@pytest.fixture
def stopped(plan, tables, tmp_path, sweeps, monkeypatch):
    """Return the store of fits with the checkpoint of one, and its table if nothing had stopped it."""
    plan = plan.tail(1)
    unbroken = fit_bkmr_plan(plan, tables, workers=1)
    cache = FitCache(tmp_path)
    with monkeypatch.context() as context:
        context.setattr(bkmr, "fit_one_bkmr", stuck_fit)
        context.setattr(time, "sleep", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            fit_bkmr_plan(plan, tables, cache=cache, workers=1)
    all_sweeps = 2 * (20 + 60)
    assert len(list(tmp_path.rglob("chain-0.pickle"))) == 1
    sweeps.clear()
    return plan, cache, unbroken, all_sweeps


def _interrupt(seconds):
    raise KeyboardInterrupt


def test_nothing_else_goes_on_from_it(stopped, tables, sweeps):
    plan, cache, unbroken, all_sweeps = stopped
    assert fit_bkmr_plan(plan, tables, cache=FitCache(cache.folder, refit=True), workers=1).equals(unbroken)
    assert len(sweeps) == all_sweeps, "--full-refresh"


def test_another_seed_is_another_fit(stopped, tables, sweeps):
    plan, cache, unbroken, all_sweeps = stopped
    other = fit_bkmr_plan(plan.assign(seed=2), tables, cache=cache, workers=1)
    assert len(sweeps) == all_sweeps
    assert not other.equals(unbroken)
    assert len(list(cache.folder.rglob("chain-0.pickle"))) == 1, "the other's is left for whoever goes on"


@pytest.mark.parametrize("kept", [0, 300])
def test_a_cut_checkpoint_is_begun_again(stopped, tables, kept):
    plan, cache, unbroken, _ = stopped
    (path,) = cache.folder.rglob("chain-0.pickle")
    path.write_bytes(path.read_bytes()[:kept])
    assert fit_bkmr_plan(plan, tables, cache=cache, workers=1).equals(unbroken)


def test_two_builds_do_not_write_the_same_checkpoint(stopped, tables, sweeps):
    plan, cache, unbroken, all_sweeps = stopped
    (path,) = cache.folder.rglob("chain-0.pickle")
    before = path.read_bytes()
    with working_folder(path.parent):
        assert fit_bkmr_plan(plan, tables, cache=cache, workers=1).equals(unbroken)
        assert len(sweeps) == all_sweeps
        assert path.read_bytes() == before
    remove(path.parent)
    assert not path.exists()


def test_a_checkpoint_of_long_ago_is_removed(stopped, tables):
    plan, cache, _, _ = stopped
    (folder,) = (cache.folder / "checkpoints").iterdir()
    for days, stays in ((DAYS_KEPT - 1, True), (DAYS_KEPT + 1, False)):
        then = time.time() - days * 24 * 3600
        os.utime(folder, (then, then))
        fit_bkmr_plan(plan.head(0), tables, cache=cache)
        assert folder.exists() == stays
