"""Tables that are cut print what a reader must find."""

import pytest

from report.marts import open_marts
from report.sections import dose_response, provenance, qgcomp, subgroups, wqs
from report.sections.common import headline, undrawn_first
from tests.report.support import made_results


@pytest.fixture(scope="module")
def tables(made_database):
    """Return every table of these sections of the first study, by name."""
    with open_marts(made_database) as marts:
        blocks = [
            block
            for module in (dose_response, provenance, qgcomp, subgroups, wqs)
            for block in module.section(marts).blocks
        ]
    return {block.name: block for block in blocks if block.kind == "table"}


def printed(table, *columns):
    """Return the distinct values of columns among the printed rows."""
    return [set(table.data.head(table.most_rows)[column]) for column in columns]


def test_tests_of_a_curve_are_printed_for_every_exposure_and_outcome_that_is_drawn(tables):
    table = tables["dose-response-peng2025-tests"]
    exposures, outcomes, sets, engines = printed(table, "exposure", "outcome", "covariate_set", "engine")
    assert exposures == set(made_results.EXPOSURES)
    assert outcomes == {"osteoporosis", "bmd_total_femur"}
    assert sets == {"age_bmi"}
    assert engines == {"unweighted", "survey"}


def test_tests_of_interaction_are_printed_for_every_exposure(tables):
    exposures, forms, sets = printed(
        tables["interactions-peng2025"], "exposure", "exposure_form", "covariate_set"
    )
    assert exposures == set(made_results.EXPOSURES)
    assert forms == {"per_doubling"}
    assert len(sets) == 1


@pytest.mark.parametrize("name", ["wqs-peng2025", "qgcomp-peng2025"])
def test_all_outcomes_are_printed(tables, name):
    table = tables[name]
    outcomes, sets = printed(table, "outcome", "covariate_set")
    assert outcomes == set(table.data["outcome"])
    assert sets == {"age_bmi"}


def test_every_file_is_printed(tables):
    assert not tables["input-files"].cut()


def test_tables_of_persons_are_not_listed(tables):
    listed = set(tables["result-tables"].data["table_name"])
    assert "associations" in listed
    assert not listed & {"cohort", "participants", "cohort_exposures", "cohort_outcomes"}


def test_chosen_rows_come_first_and_are_counted():
    frame = made_results.replication()[["claim", "exposure"]]
    rows, count = headline(frame, claim=["bkmr", "cd_q4"])
    assert list(rows["claim"]) == ["cd_q4", "bkmr", "women", "cd_trend"]
    assert count == 2
    assert headline(frame, claim=["none"])[1] == 20


def test_rows_without_numbers_come_first():
    rows = undrawn_first(made_results.replication(), "our_value")
    assert list(rows["claim"])[:1] == ["bkmr"]
    assert list(rows["claim"])[1:] == ["women", "cd_q4", "cd_trend"]
