"""Long runs: interrupts, progress, fits inside workers."""

import io
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pandas as pd
import pytest

from mixepi import BKMR, ChainOptions, fit_bkmr
from mixepi.bkmr.likelihood.exact_stage import GaussianStage
from mixepi.bkmr.likelihood.solver import LARGEST_DENSE
from mixepi.bkmr.sampler import progress
from mixepi.bkmr.sampler.chain import run_chain
from mixepi.fan_out import fan_out
from tests.bkmr.support import chains, naive
from tests.bkmr.support.fits import quiet_fit

LONG_FIT = """
import sys
import numpy as np, pandas as pd
from mixepi import BKMR, ChainOptions, fit_bkmr
z = np.random.default_rng(0).normal(size=(300, 3))
frame = pd.DataFrame(z, columns=["a", "b", "c"]).assign(y=z[:, 0])
options = ChainOptions(chains=2, draws=200_000, workers=int(sys.argv[2]), checkpoint=sys.argv[1])
fit_bkmr(BKMR("y", ("a", "b", "c")), frame, 1, options)
"""


def one_fit(task):
    """A whole fit as one task of many, in a worker process."""
    spec, people, seed, options = task
    return quiet_fit(spec, people, seed=seed, options=options)


def test_a_fit_inside_a_worker_equals_a_fit_here(people, spec, short, gaussian):
    tasks = [(spec, people, 1, short)] * 2
    for inside in fan_out(one_fit, tasks, workers=2):
        for name, array in gaussian.arrays().items():
            np.testing.assert_array_equal(getattr(inside, name), array, err_msg=name)


@pytest.mark.statistical
@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_ends_a_fit_within_seconds_and_leaves_a_checkpoint(tmp_path, workers):
    command = [sys.executable, "-c", LONG_FIT, str(tmp_path), str(workers)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wanted = [tmp_path / f"chain-{k}.pickle" for k in range(workers)]
    try:
        limit = time.monotonic() + 300
        while not all(path.exists() for path in wanted):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < limit
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        _, errors = process.communicate(timeout=300)
        seconds = time.monotonic() - start
    finally:
        process.kill()
    assert process.returncode != 0
    # Five seconds of a machine with nothing else to do.
    assert seconds < 5 * max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)))
    assert f"saved in {tmp_path}: the same call resumes" in errors
    for path in wanted:
        _, state = pickle.loads(path.read_bytes())
        assert state.sweep >= 1


SHORT_FIT = """
import sys, warnings
from pathlib import Path
from tests.bkmr.test_running import small_fit
warnings.simplefilter("ignore")
small_fit(Path(sys.argv[1]), workers=2)
"""


def small_fit(folder=None, workers=1):
    z = np.random.default_rng(0).normal(size=(80, 2))
    frame = pd.DataFrame(z, columns=["a", "b"]).assign(y=z[:, 0] + z[:, 1] ** 2)
    options = ChainOptions(
        chains=2,
        warmup=40,
        draws=160,
        workers=workers,
        checkpoint=folder,
        checkpoint_seconds=0.02,
        progress=False,
    )
    return quiet_fit(BKMR(outcome="y", exposures=("a", "b")), frame, seed=1, options=options)


def test_a_fit_killed_without_warning_resumes_with_the_same_draws(tmp_path):
    command = [sys.executable, "-c", SHORT_FIT, str(tmp_path)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2], start_new_session=True)
    wanted = [tmp_path / f"chain-{k}.pickle" for k in range(2)]
    try:
        limit = time.monotonic() + 300
        while not all(path.exists() for path in wanted):
            assert process.poll() is None
            assert time.monotonic() < limit
            time.sleep(0.01)
    finally:
        # Its workers are in its session.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    reached = [pickle.loads(path.read_bytes())[1].sweep for path in wanted]
    assert min(reached) < 200
    resumed, unbroken = small_fit(tmp_path), small_fit()
    for name, array in unbroken.arrays().items():
        np.testing.assert_array_equal(getattr(resumed, name), array, err_msg=name)
    assert resumed.attempts == unbroken.attempts


def test_a_run_may_be_watched_otherwise_when_it_resumes(tmp_path, people, spec):
    saved = ChainOptions(chains=1, warmup=3, draws=4, workers=1, progress=False, checkpoint=tmp_path)
    first = quiet_fit(spec, people, seed=1, options=saved)
    again = quiet_fit(
        spec, people, seed=1, options=replace(saved, checkpoint_seconds=60, progress=True, workers=2)
    )
    np.testing.assert_array_equal(again.lambda_, first.lambda_)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere(monkeypatch, stream):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.05)
    shown = stream()
    with progress.show_sweeps(2, 100, shown) as path:
        counts = np.memmap(path, dtype=np.int64, mode="r+")
        counts[:] = 30, 20
        end = time.monotonic() + 60
        while "BKMR" not in shown.getvalue() and time.monotonic() < end:
            Event().wait(0.05)
    assert not path.exists()
    text = shown.getvalue()
    if stream is Terminal:
        assert re.search(r"BKMR: +50%.* 50/100", text)
    else:
        assert "BKMR: 50 of 100 sweeps in" in text


def test_fits_show_their_sweeps(monkeypatch, capsys, people, spec):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.001)
    options = ChainOptions(chains=1, warmup=20, draws=100, workers=1)
    with pytest.warns(match="NOT CONVERGED"):
        fit_bkmr(spec, people, seed=1, options=options)
    lines = re.findall(r"BKMR: (\d+) of 120 sweeps", capsys.readouterr().err)
    assert lines
    assert all(0 <= int(k) <= 120 for k in lines)


def test_a_chain_on_another_machine_runs_without_the_file_of_sweeps(tmp_path):
    chain = chains.chain(naive.model(), warmup=2, draws=4)
    assert len(run_chain(replace(chain.task, sweeps=tmp_path / "elsewhere")).draws.lambda_) == 4


def test_a_draw_that_fitc_helped_to_decide_is_labelled(monkeypatch):
    """A proposal of high rank that was refused on an approximate likelihood leaves an exact state behind."""
    monkeypatch.setitem(LARGEST_DENSE, "gaussian", 10)
    monkeypatch.setattr("mixepi.bkmr.likelihood.solver.LARGE_RANK", 12)
    chain = chains.chain(naive.model(n=40, m=3, signal=0.3), seed=2, warmup=30, draws=120, cap=4)
    evaluate, methods, expected, states = GaussianStage.evaluate, [], [], []

    def listen(self, point, local, rng):
        found = evaluate(self, point, local, rng)
        methods.append(found.method)
        return found

    monkeypatch.setattr(GaussianStage, "evaluate", listen)
    while chain.state.sweep < 150:
        methods[:] = [chain.state.exact.method]
        chain.advance()
        if chain.state.sweep > 30:
            expected.append("fitc" in methods)
            states.append(chain.state.exact.method == "fitc")
    np.testing.assert_array_equal(chain.state.draws.approximate, expected)
    assert sum(states) < sum(expected) < len(expected)


def test_charts_say_where_fitc_stood_in(gaussian):
    assert "APPROXIMATE" not in str(gaussian.plot_pips().to_dict()["title"])
    mixed = replace(gaussian, approximate=np.ones_like(gaussian.approximate))
    assert "APPROXIMATE (fitc) in 100 % of draws" in str(mixed.plot_pips().to_dict()["title"])
