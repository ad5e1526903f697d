"""The summary of findings: counted by hand, and every number of it from the tables."""

import re

import pandas as pd
import pytest

from report.findings import Curve, answer, certainty, claims_of, curves_of, default_study, tick, value_text
from report.marts import open_marts
from report.sections import findings as section
from report.sections.replication import table
from tests.report.support import made_results

COLUMNS = ("quantity", "agrees", "is_finding", "is_significant_here", "holds", "weighted_age_bmi_q_value")
CLAIMS = (
    ("count", True, False, None, None, None),
    ("odds_ratio", True, True, True, True, 0.04),
    ("odds_ratio", True, True, True, True, 0.30),
    ("p_value", False, True, True, False, 0.90),
    ("index_leader", True, True, False, None, None),
    ("strongest_subgroup", True, True, True, False, 0.50),
    ("protective_subgroup", None, True, None, None, None),
)


def claims(rows=CLAIMS):
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.assign(weighted_age_bmi_value=None)


def test_the_answer_counts_what_holds_and_each_kind_of_claim():
    first, kinds = answer(claims())
    assert first == (
        "Of 6 findings of the paper, 4 can be tested in a model that is adjusted for age and BMI and "
        "survey-weighted: 2 of them keep direction and p < 0.05, 1 after correction for the number of tests "
        "(q < 0.05)."
    )
    assert kinds == (
        "In our nearest model (crude, unweighted) 1 of 1 count agree; 2 of 3 numbers agree; 2 of 3 patterns "
        "appear, 1 of them with evidence in its own test."
    )


def test_none_is_said_in_words():
    first, _ = answer(claims(CLAIMS[3:4]))
    assert "none of them keep direction and p < 0.05, none after correction" in first


def test_without_findings_there_is_no_answer():
    assert answer(claims(CLAIMS[:1])) == ()


def curve(same_side, significant):
    return Curve(
        total=100,
        same_side=same_side,
        significant=significant,
        median=1.36,
        unit="",
        is_ratio=True,
        is_above=True,
    )


@pytest.mark.parametrize(
    ("holds", "q", "specifications", "word"),
    [
        (True, 0.01, curve(95, 60), "high"),
        (True, 0.20, curve(95, 60), "moderate"),
        (True, 0.01, curve(95, 40), "moderate"),
        (True, 0.01, curve(80, 60), "low"),
        (False, 0.90, curve(90, 0), "low"),
        (True, 0.01, None, "low"),
        (False, 0.90, curve(89, 60), "very low"),
        (None, None, None, "very low"),
    ],
)
def test_certainty_follows_its_rule(holds, q, specifications, word):
    item = {"holds": holds, "weighted_age_bmi_q_value": q, "weighted_age_bmi_p_value": q}
    assert certainty(item, specifications)[0] == word


def test_certainty_gives_its_reason():
    item = {"holds": False, "weighted_age_bmi_q_value": 0.9, "weighted_age_bmi_p_value": 0.504}
    assert certainty(item, curve(93, 5))[1] == (
        "93 of 100 adjusted, weighted specifications lie above 1, median 1.36; 5 with p < 0.05"
    )
    assert certainty(item, None)[1] == "one model, p 0.504, q 0.900"
    nothing = item | {"weighted_age_bmi_p_value": None}
    assert certainty(nothing, None)[1] == "no test is both adjusted and weighted"


def test_specifications_of_a_claim_are_the_adjusted_weighted_ones(made_database):
    with open_marts(made_database) as marts:
        found = curves_of(marts, claims_of(marts))["cd_q4"]
    rows = made_results.frames()["sensitivity"].query(
        "outcome == 'osteoporosis' and exposure == 'Cd' and contrast == 'Q4' and weighting == 'survey' "
        "and covariate_set != 'crude' and estimate.notna()"
    )
    assert found.total == len(rows) > 10
    assert found.same_side == (rows["ratio"] > 1).sum()
    assert found.significant == (rows["p_value"] < 0.05).sum()
    assert found.median == pytest.approx(rows["ratio"].median())


def test_every_number_of_the_first_screen_is_one_of_the_tables(made_database):
    with open_marts(made_database) as marts:
        blocks = section.section(marts).blocks
        ours = claims_of(marts).set_index("claim").loc["cd_q4"]
    shown = next(block for block in blocks if block.kind == "table").shown.iloc[0]
    assert shown["The paper"] == "OR\N{NO-BREAK SPACE}2.18 (1.31,\N{NO-BREAK SPACE}3.63)"
    assert f"{ours['our_value']:.2f} ({ours['our_low']:.2f}," in shown["Ours, crude"]
    assert (
        f"{ours['weighted_age_bmi_value']:.2f} ({ours['weighted_age_bmi_low']:.2f},"
        in (shown["Ours, adjusted and weighted"])
    )
    assert shown["Ours, adjusted and weighted"].endswith(": does not hold")
    assert [shown[name] for name in ("Age, BMI", "Weights", "Many tests")] == ["\u2717", "\u2717", "\u2713"]
    forest = next(block for block in blocks if block.kind == "forest")
    values = [(row.series, row.value, row.low, row.high) for row in forest.rows if row.series]
    assert values == [
        ("The paper", 2.18, 1.309, 3.631),
        ("Ours, crude", 2.11, 1.27, 3.52),
        ("Ours, adjusted and weighted", 1.31, 0.58, 2.96),
    ]
    associations = made_results.frames()["associations"].query(
        "study == 'peng2025' and outcome == 'osteoporosis' and exposure == 'Cd' and contrast == 'Q4' "
        "and subgroup == 'all'"
    )
    crude = associations.query("covariate_set == 'crude' and engine == 'unweighted'").iloc[0]
    rows = [row for row in forest.rows if row.series]
    assert rows[0].before == ("905", "\N{EN DASH}")
    assert rows[1].before == (str(crude["n"]), f"{crude['events']:.0f}")


def test_both_readings_of_body_mass_are_shown(made_database):
    with open_marts(made_database) as marts:
        (forest,) = section.readings(marts)
    associations = made_results.frames()["associations"].query(
        "study == 'peng2025' and outcome == 'osteoporosis' and exposure == 'Cd' and contrast == 'Q4' "
        "and subgroup == 'all' and engine == 'survey'"
    )
    ratios = associations.set_index("covariate_set")["ratio"]
    assert [(row.series, row.value) for row in forest.rows if row.series] == [
        ("without body mass index", ratios["age"]),
        ("with body mass index", ratios["age_bmi"]),
    ]


def test_marks_stand_where_their_values_are(made_database):
    with open_marts(made_database) as marts:
        forest = next(block for block in section.section(marts).blocks if block.kind == "forest")
    low, high = forest.domain
    assert forest.place(low) == 0
    assert forest.place(high) == 100
    assert forest.place((low * high) ** 0.5) == 50
    assert forest.place(high * 9) == 100
    assert low < 1 < high


def test_the_page_shows_a_study_without_claims_first(made_database):
    with open_marts(made_database) as marts:
        assert default_study(marts) == "recommended"


def test_no_page_says_that_the_paper_does_not_publish_something(made_report):
    for name in ("report.html", "appendix.html"):
        text = made_report.with_name(name).read_text(encoding="utf-8")
        assert not re.search(
            r"(does|did) not (publish|report) (its|the) (covariates|cut points|settings|weights)", text
        )


@pytest.mark.parametrize(
    ("value", "said"), [(True, "\u2713"), (False, "\u2717"), (None, "\N{EN DASH}"), (pd.NA, "\N{EN DASH}")]
)
def test_ticks(value, said):
    assert tick(value) == said


def test_a_value_without_p_is_shown():
    rows = made_results.replication()
    rows.loc[rows["claim"] == "bkmr", "age_bmi_value"] = -0.035
    rows["outcome_kind"] = "binary"
    assert list(table(rows).shown["With age and BMI"])[-1] == "\N{MINUS SIGN}0.035"
    assert list(table(rows).shown["Weighted"])[-1] == "\N{EN DASH}"


def test_a_trend_shows_its_p():
    item = {"quantity": "p_value", "outcome_kind": "binary", "our_value": 1.2, "our_p_value": 0.0051}
    assert value_text(item, "our") == "p\N{NO-BREAK SPACE}0.005"
