"""The dbt test every_rule_keeps_somebody, on cohorts of three people."""

import re

import duckdb
import pytest

from tests.warehouse.support.builds import ROOT

TEST = (ROOT / "tests" / "generic" / "every_rule_keeps_somebody.sql").read_text()


def count_failures(*last_steps: int) -> int:
    """Run the test as dbt does, on a study of three steps and people who get so far."""
    _, body, _ = re.split(r"\{% (?:test .*?|endtest) %\}", TEST)
    query = body.replace("{{ model }}", "people").replace("{{ ref('int_study_steps') }}", "steps")
    with duckdb.connect() as connection:
        connection.execute("create table steps (study varchar, step integer, rule varchar)")
        connection.execute("insert into steps values ('a', 1, 'one'), ('a', 2, 'two'), ('a', 3, 'three')")
        connection.execute("create table people (study varchar, last_step_passed integer)")
        connection.executemany("insert into people values ('a', ?)", [[step] for step in last_steps])
        ((failures,),) = connection.execute(f"select count(*) from ({query})").fetchall()
    return int(failures)


def test_a_study_with_people_at_the_end_passes() -> None:
    assert count_failures(0, 1, 3) == 0


@pytest.mark.parametrize(
    ("last_steps", "named"), [((0, 0, 0), "step 1: .* rule one"), ((0, 2, 1), "step 3: .* rule three")]
)
def test_the_rule_that_keeps_nobody_is_named(last_steps: tuple[int, ...], named: str) -> None:
    with pytest.raises(duckdb.Error, match=f"study a, {named} to keep somebody, found nobody"):
        count_failures(*last_steps)
