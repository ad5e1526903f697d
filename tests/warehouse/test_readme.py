"""The README's queries give the README's answers on the real files, and run on the synthetic ones."""

import re

import pytest
from builds import ROOT

from report.query import answer

README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```sql\n(.*?)\n```\n\n```text\n(.*?)\n```", README, flags=re.DOTALL)


def test_there_are_five():
    assert len(EXAMPLES) == 5


@pytest.mark.xdist_group("real_warehouse")
@pytest.mark.parametrize(("query", "expected"), EXAMPLES)
def test_answers_are_those_of_the_real_files(real_data, query, expected):
    assert answer(query, real_data / "results" / "nhanes_bone.duckdb") == expected


@pytest.mark.xdist_group("demo_warehouse")
@pytest.mark.parametrize(("query", "expected"), EXAMPLES)
def test_queries_run_on_synthetic_data(demo_data, query, expected):
    assert len(answer(query, demo_data / "results" / "nhanes_bone.duckdb").splitlines()) == len(
        expected.splitlines()
    )
