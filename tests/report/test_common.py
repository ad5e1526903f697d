"""What sections choose to show, of the paper's study and of others."""

from report.sections.common import COVARIATE_SETS, blood, group, preferred, steps


def test_groups_come_in_order_and_have_a_name():
    found = ["Q10", "per_doubling", "Q2", "trend_score", "Q3", None]
    assert steps(found) == ["Q2", "Q3", "Q10"]
    assert [group(number) for number in (4, 5, 10)] == ["quartile", "quintile", "quantile group"]


def test_covariate_sets_of_another_study_are_not_left_out():
    assert preferred(["age_income", "crude"], COVARIATE_SETS) == ["crude", "age_income"]
    assert preferred(["age", *COVARIATE_SETS], COVARIATE_SETS) == list(COVARIATE_SETS)


def test_only_metals_are_said_to_be_in_blood():
    units = {"Cd": "ug/L", "cotinine": "ng/mL"}
    assert [blood(name, units) for name in units] == ["blood cadmium, ug/L", "cotinine, ng/mL"]
