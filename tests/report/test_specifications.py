"""The section of the specification curve: which specifications are drawn, and what is said of the others."""

import pandas as pd
import pytest

from report.sections.sensitivity import curve, glossary
from tests.report.support import made_results


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Specifications of cadmium's fourth quartile: 60 with numbers, 4 without, the fourth is the paper's."""
    return made_results.frames()["sensitivity"].query(
        "outcome == 'osteoporosis' and metal == 'Cd' and contrast == 'Q4'"
    )


def test_a_few_are_all_drawn(rows):
    figure = curve("peng2025", "osteoporosis", "Cd", rows, {})
    assert figure.panels[0].marks == 60
    assert "60 specifications" in figure.notes[0]
    assert "evenly" not in figure.notes[0]
    assert "4 without numbers are not drawn" in figure.notes[0]


def test_many_are_thinned_which_is_said_and_the_papers_own_stays(rows):
    others = [rows.assign(is_published=False, estimate=rows["estimate"] + k / 1000) for k in range(1, 9)]
    many = pd.concat([rows, *others], ignore_index=True)
    figure = curve("peng2025", "osteoporosis", "Cd", many, {})
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


def test_a_curve_without_the_papers_own_says_so(rows):
    figure = curve("peng2025", "osteoporosis", "Cd", rows.assign(is_published=False), {})
    assert "none of them is the paper's own" in figure.notes[0]


def test_options_stand_in_the_order_of_the_seed_and_a_choice_made_alike_is_left_out(rows):
    figure = curve("peng2025", "osteoporosis", "Cd", rows, {"covariate_set": ("full", "crude", "age")})
    layer = next(item["layer"][0] for item in figure.panels[0].spec["layer"] if "fold" in str(item))
    lines = layer["encoding"]["y"]["scale"]["domain"]
    assert [line for line in lines if line.startswith("covariate_set=")] == [
        "covariate_set=full",
        "covariate_set=crude",
        "covariate_set=age",
        "covariate_set=age_bmi",
    ]
    assert not [line for line in lines if line.startswith("menopause")]


def test_the_glossary_prints_every_option():
    described = pd.DataFrame(
        {
            "choice": "menopause",
            "level": [f"option_{number}" for number in range(40)],
            "choice_name": "Who counts",
            "level_name": [f"Rule {number}" for number in range(40)],
            "is_published": False,
        }
    )
    assert [row[3] for row in glossary("peng2025", described).rows()] == [f"Rule {n}" for n in range(40)]
