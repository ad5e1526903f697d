"""Random streams and the fan-out of tasks."""

import io

import numpy as np
import pytest

from mixepi.fan_out import fan_out, with_progress
from mixepi.random_streams import random_stream


def draw(task: int) -> float:
    return float(random_stream(7, "test", task).normal())


def test_results_come_in_order_and_do_not_depend_on_workers():
    assert fan_out(draw, range(20), workers=1) == fan_out(draw, range(20), workers=2)


def test_streams_differ_by_seed_and_name():
    first = random_stream(1, "a").random(4)
    assert np.array_equal(first, random_stream(1, "a").random(4))
    assert not np.array_equal(first, random_stream(2, "a").random(4))
    assert not np.array_equal(first, random_stream(1, "b").random(4))
    assert not np.array_equal(random_stream(1, 1).random(4), random_stream(1, "1").random(4))


def test_negative_seed_is_refused():
    with pytest.raises(ValueError, match="at least 0, found -1"):
        random_stream(-1)


def test_no_worker_is_refused():
    with pytest.raises(ValueError, match="workers to be a whole number of at least 1, found 0"):
        fan_out(draw, [1, 2], workers=0)


def test_progress_is_a_line_now_and_then_off_a_terminal(monkeypatch):
    times = iter([0.0, 4.0, 11.0, 12.0])
    monkeypatch.setattr("mixepi.fan_out.time.monotonic", lambda: next(times))
    stream = io.StringIO()
    assert list(with_progress(iter("abc"), 3, "letters", stream)) == ["a", "b", "c"]
    assert stream.getvalue() == "letters: 2 of 3 in 11 s\n"
