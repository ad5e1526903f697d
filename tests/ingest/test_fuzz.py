"""Damaged transport files: refused with a typed error or read as their bytes say; never a crash or a hang."""

import pytest

from tests.ingest.support.fuzz_transport import Outcome, fuzz


def check(outcome: Outcome, mutants: int) -> None:
    assert outcome.read + outcome.refused == mutants
    assert outcome.read > mutants / 10, "those that pass the check of the header try the rest"
    assert outcome.slowest_seconds < 5
    assert outcome.peak_megabytes < 1000


def test_some_mutants() -> None:
    check(fuzz(0, 400), 400)


@pytest.mark.statistical
@pytest.mark.parametrize("first", range(0, 20_000, 5_000))
def test_twenty_thousand_mutants(first: int) -> None:
    outcome = fuzz(first, first + 5_000)
    print(outcome)
    check(outcome, 5_000)
