"""Queries of README and "What holds" answer as printed on the real files, and run on the synthetic ones."""

import re

import pytest

from report.query import answer
from tests.warehouse.support.builds import ROOT


def examples(page: str) -> list[tuple[str, str]]:
    return re.findall(
        r"```sql\n(.*?)\n```\n\n```text\n(.*?)\n```", (ROOT / page).read_text(), flags=re.DOTALL
    )


README = examples("README.md")
WHAT_HOLDS = examples("docs/what-holds.md")
# Tests build with the fit profile quick, the page was written with full: these tables differ between the two.
OF_THE_PROFILE = re.compile(r"\b(wqs|bkmr)_|\bfrom (replication|sensitivity)")
EXAMPLES = README + [example for example in WHAT_HOLDS if not OF_THE_PROFILE.search(example[0])]


def test_there_are_as_many_as_there_should_be():
    assert len(README) == 5
    assert len(WHAT_HOLDS) == 12
    assert len(EXAMPLES) == 5 + 5


@pytest.mark.parametrize(("query", "expected"), EXAMPLES)
def test_answers_are_those_of_the_real_files(real_data, query, expected):
    assert answer(query, real_data / "results" / "nhanes_bone.duckdb") == expected


@pytest.mark.parametrize(("query", "expected"), README + WHAT_HOLDS)
def test_queries_run_on_synthetic_data(demo_data, query, expected):
    found = answer(query, demo_data / "results" / "nhanes_bone.duckdb").splitlines()
    assert len(found) == len(expected.splitlines()) or "share_of_variance >=" in query
