"""How sections choose what to draw, and how they name groups, axes and files."""

import pandas as pd
import pytest

from report.labels import adjusted, chosen, labels, named
from report.sections.common import common_ending, concentration, effect, group, last_of_each, slug, steps

MAIN = pd.DataFrame(
    {"study": ["a", "a", "b"], "outcome": ["y2", "y4", "y1"], "covariate_set": ["few", "most", "none"]}
)


def rows(code: str, *found: tuple[str, str, int], study: str = "a") -> pd.DataFrame:
    return pd.DataFrame(found, columns=[code, f"{code}_name", f"{code}_order"]).assign(study=study)


SETS = rows("covariate_set", ("most", "M", 4), ("none", "N", 1), ("few", "F", 2), ("other", "O", 3))


def test_labels_come_in_the_order_of_the_marts():
    assert list(labels(SETS, "covariate_set").items()) == [
        ("none", "N"), ("few", "F"), ("other", "O"), ("most", "M"),
    ]  # fmt: skip


def test_a_code_without_a_label_is_shown_in_words_and_no_code_as_nothing():
    frame = rows("outcome", ("new_one", None, 1), (None, None, None), ("old", "Old one", 2))
    assert list(named(frame, "outcome")) == ["New one", "\N{EN DASH}", "Old one"]


def test_many_covariate_sets_are_those_that_the_study_singles_out():
    assert chosen(SETS, "covariate_set", MAIN) == {"few": "F", "most": "M"}
    assert chosen(SETS.assign(study="b"), "covariate_set", MAIN) == {"none": "N"}


def test_all_are_drawn_if_they_are_few_or_none_is_singled_out():
    assert list(chosen(SETS.head(3), "covariate_set", MAIN)) == ["none", "few", "most"]
    assert list(chosen(SETS.assign(study="c"), "covariate_set", MAIN)) == ["none", "few", "other", "most"]
    assert len(chosen(SETS, "covariate_set", MAIN.iloc[:0])) == 4


def test_the_one_covariate_set_is_the_second_of_those_drawn():
    assert adjusted(SETS, MAIN) == "most"
    assert adjusted(SETS.head(3), MAIN) == "few"
    assert adjusted(SETS.head(1), MAIN) == "most"


def test_groups_come_in_order_and_have_a_name():
    found = ["Q10", "per_doubling", "Q2", "trend_score", "Q3", None]
    assert steps(found) == ["Q2", "Q3", "Q10"]
    assert [group(number) for number in (4, 5, 10)] == ["quartile", "quintile", "quantile group"]


def test_lines_stand_between_groups_of_rows():
    assert last_of_each(["a1", "a2", "b1", "b2", "c1", "c2"], 2) == ["a2", "b2"]
    assert last_of_each(["a1"], 1) == []
    assert not last_of_each([], 0)


@pytest.mark.parametrize(
    ("names", "ending"),
    [
        (["Total femur BMD", "Lumbar spine BMD"], "BMD"),
        (["Total femur BMD"], "Total femur BMD"),
        (["Cholesterol", "Uric acid"], ""),
        ([], ""),
    ],
)
def test_outcomes_that_share_an_axis_are_called_by_the_words_they_end_in(names, ending):
    assert common_ending(names) == ending


@pytest.mark.parametrize(
    ("kind", "unit", "axis", "scale", "factor"),
    [
        ("binary", None, "odds ratio per doubling (logarithmic)", "odds ratio", 1),
        ("continuous", "g/cm2", "difference in grip per doubling, mg/cm\N{SUPERSCRIPT TWO}",
         "difference, mg/cm\N{SUPERSCRIPT TWO}", 1000),
        ("continuous", "mg/dL", "difference in grip per doubling, mg/dL", "difference, mg/dL", 1),
        ("continuous", None, "difference in grip per doubling", "difference", 1),
    ],
)  # fmt: skip
def test_an_axis_says_what_is_estimated_and_in_which_unit(kind, unit, axis, scale, factor):
    frame = rows("outcome", ("grip", "Grip", 1)).assign(outcome_kind=kind, outcome_unit=unit)
    how = effect(frame)
    assert (how.axis("per doubling"), how.scale) == (axis, scale)
    assert (how.is_ratio, how.factor) == (kind == "binary", factor)


def test_a_concentration_has_the_exposures_full_name_and_unit():
    frame = pd.DataFrame({"exposure_name": ["Serum cotinine"], "exposure_unit": ["ng/mL"]})
    assert concentration(frame) == "serum cotinine (ng/mL)"
    assert concentration(frame.assign(exposure_unit=None)) == "serum cotinine"


def test_a_name_of_a_file_has_letters_digits_and_dashes():
    assert slug("peng2025", "BMD", "mg/cm\N{SUPERSCRIPT TWO}") == "peng2025-bmd-mg-cm"
