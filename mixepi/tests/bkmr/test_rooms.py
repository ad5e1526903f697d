"""Imports between the rooms of BKMR run one way."""

import re
from pathlib import Path

import pytest

import mixepi.bkmr

ROOMS = ("model", "likelihood", "probit", "sampler")


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_those_before_it(room):
    texts = [path.read_text() for path in (Path(mixepi.bkmr.__file__).parent / room).glob("*.py")]
    named = set(re.findall(r"from mixepi\.bkmr\.(\w+)", "\n".join(texts)))
    assert room in named
    # The specification's options are all that a chain takes from outside.
    assert named <= {*ROOMS[: ROOMS.index(room) + 1], *({"spec"} if room == "sampler" else ())}
