"""The section of the specification curve: which specifications are drawn, and what is said of the others."""

import pandas as pd
import pytest

from report.sections.sensitivity import curve
from report.sections.sensitivity_tables import all_choices, glossary
from tests.report.support import made_results

WHERE = "outcome == 'osteoporosis' and exposure == 'Cd' and contrast == 'Q4'"


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Specifications of cadmium's fourth quartile: 60 with numbers, 4 without, the fourth is the study's."""
    return made_results.frames()["sensitivity"].query(WHERE)


@pytest.fixture(scope="module")
def levels() -> pd.DataFrame:
    return made_results.frames()["sensitivity_levels"].query(WHERE)


def test_a_few_are_all_drawn(rows, levels):
    figure = curve("x", rows, all_choices(levels))
    assert figure.panels[0].marks == 60
    assert "60 specifications" in figure.notes[0]
    assert "evenly" not in figure.notes[0]
    assert "4 without numbers are not drawn" in figure.notes[0]


def test_many_are_thinned_which_is_said_and_the_studys_own_stays(rows, levels):
    others = [rows.assign(is_published=False, estimate=rows["estimate"] + k / 1000) for k in range(1, 9)]
    many = pd.concat([rows, *others], ignore_index=True)
    figure = curve("x", many, all_choices(levels))
    drawn = figure.panels[0].spec["data"]["values"]
    assert len(drawn) == figure.panels[0].marks
    options = {record["weighting"] for record in drawn}
    assert options == set(many["weighting"])
    assert 119 <= len(drawn) < 140  # a rare option adds one
    assert [record["marked"] for record in drawn].count(True) == 1
    assert {drawn[0]["x"], drawn[-1]["x"]} == {1, 540}
    assert "540 specifications" in figure.notes[0]
    assert f"{len(drawn)} of them are drawn, evenly spaced" in figure.notes[0]
    assert len(figure.table.data) == len(many)


def test_a_curve_without_the_studys_own_says_so(rows, levels):
    figure = curve("x", rows.assign(is_published=False), all_choices(levels))
    assert "none of them is the study's own" in figure.notes[0]


def lines(figure) -> list[str]:
    """Return the lines beneath the first curve, from top to bottom."""
    layer = next(item["layer"][0] for item in figure.panels[0].spec["layer"] if "fold" in str(item))
    return layer["encoding"]["y"]["scale"]["domain"]


def test_options_stand_in_the_order_of_the_mart_and_a_choice_made_alike_is_left_out(rows, levels):
    place = {"full": 1, "crude": 2, "age": 3, "age_bmi": 4}
    ordered = levels.assign(level_order=levels["level"].map(place).fillna(levels["level_order"]))
    found = lines(curve("x", rows.assign(weighting="survey"), all_choices(ordered)))
    assert [line for line in found if line.startswith("covariate_set=")] == [
        "covariate_set=full",
        "covariate_set=crude",
        "covariate_set=age",
        "covariate_set=age_bmi",
    ]
    assert not [line for line in found if line.startswith("weighting")]


def test_a_name_that_fits_is_shown_and_of_a_longer_one_the_code_in_words(levels):
    by_column = {choice.column: choice for choice in all_choices(levels)}
    assert by_column["covariate_set"].name == "Covariates of the model"
    assert by_column["covariate_set"].options["age_bmi"] == "Age and BMI"
    assert by_column["reference_set"].name == "Reference set"
    assert by_column["weighting"].options["unweighted"] == "Unweighted"


def test_the_glossary_prints_every_option():
    described = pd.DataFrame(
        {
            "choice": "menopause",
            "choice_order": 1,
            "level": [f"option_{number}" for number in range(40)],
            "level_order": range(40),
            "choice_name": "Who counts",
            "level_name": [f"Rule {number}" for number in range(40)],
            "is_published": False,
        }
    )
    assert [row[3] for row in glossary("peng2025", described).rows()] == [f"Rule {n}" for n in range(40)]
