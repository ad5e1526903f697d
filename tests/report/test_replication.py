"""The replication table, and the sentence above it, counted by hand."""

import pandas as pd

from report.sections.replication import in_short, table
from tests.report.support import made_results

COLUMNS = (
    "agrees",
    "is_finding",
    "is_significant_here",
    "survives_age_bmi",
    "survives_weighting",
    "survives_multiple_testing",
)
CLAIMS = (
    (True, False, None, None, None, None),
    (True, True, True, True, True, True),
    (True, True, True, True, False, None),
    (True, True, True, False, False, True),
    (True, True, False, True, True, True),
    (False, True, True, True, True, True),
    (None, True, None, None, None, None),
)


def test_claims_are_counted_step_by_step():
    text = in_short(pd.DataFrame(CLAIMS, columns=COLUMNS)).text
    assert text == (
        "In short: 5 of 7 claims come out, in number or in pattern. Findings of an association "
        "among these: 4; significant in our own model: 3. Of the 3, 2 remain with age and BMI, 1 "
        "with the survey's weights, 2 after correction for the number of tests, and 1 through all three."
    )


def test_none_is_said_in_words():
    text = in_short(pd.DataFrame(CLAIMS[2:4], columns=COLUMNS)).text
    assert text.endswith("1 after correction for the number of tests, and none through all three.")


def test_without_findings_nothing_is_said_to_survive():
    text = in_short(pd.DataFrame(CLAIMS[:1], columns=COLUMNS)).text
    assert text == (
        "In short: 1 of 1 claims come out, in number or in pattern. Findings of an association "
        "among these: 0; significant in our own model: 0."
    )


def test_a_value_without_p_is_shown():
    claims = made_results.replication()
    claims.loc[claims["claim"] == "bkmr", "age_bmi_value"] = -0.035
    assert list(table(claims).shown["With age and BMI"])[-1] == "\N{MINUS SIGN}0.035"
    assert list(table(claims).shown["Weighted"])[-1] == "\N{EN DASH}"
