"""What the page says it is about: exposures and outcomes by their labels, a paper if there are claims."""

import pandas as pd
import pytest

from report.marts import open_marts
from report.sections import findings, question
from tests.report.support import made_results


def told(tmp_path, *tables, marts=None):
    """Return the title of the page, what the summary asks, and the section's introduction, of some tables."""
    path = made_results.write(tmp_path / "results.duckdb", "nhanes", tables or None, marts)
    with open_marts(path) as opened:
        return question.title(opened), findings.asked(opened), question.section(opened).introduction


def test_exposures_and_main_outcomes_are_named(tmp_path):
    title, lead, introduction = told(tmp_path)
    assert title == (
        "Cadmium, lead, mercury, selenium and manganese in relation to osteoporosis, total femur BMD and "
        "femoral neck BMD"
    )
    assert lead.startswith("Question: do the published numbers (Peng 2025, abstract) come out of the public")
    assert "910 participants, 161 cases (as in the paper)" in lead
    assert lead.endswith("Data: NHANES 2013-2014 and 2017-2020.")
    assert introduction.endswith("The data are NHANES 2013-2014 and 2017-2020.")


def test_a_study_without_claims_names_no_paper(tmp_path):
    title, lead, _ = told(tmp_path, "associations", "dose_response")
    assert title.startswith("Cadmium, lead")
    assert lead.startswith("Question: what is associated with what")


def test_many_exposures_are_counted(tmp_path):
    frame = made_results.frames()["associations"]
    many = pd.concat(
        [frame, *(frame.head(1).assign(exposure=f"x{n}", exposure_short_name=f"X {n}") for n in range(9))]
    )
    title, _, _ = told(tmp_path, marts={"associations": many})
    assert title.startswith("14 exposures in relation to osteoporosis")


@pytest.mark.parametrize("table", ["cohort_flow", "replication"])
def test_without_estimates_nothing_is_named(tmp_path, table):
    assert told(tmp_path, table)[0] == "Exposures in relation to outcomes"


def test_studies_and_large_covariate_sets_are_explained(tmp_path):
    path = made_results.write(tmp_path / "results.duckdb", "nhanes")
    with open_marts(path) as opened:
        texts = [str(block.text) for block in question.section(opened).blocks if hasattr(block, "text")]
    assert sum("Rules of a paper, told here." in text for text in texts) == len(made_results.STUDIES)
    (sets,) = (text for text in texts if text.startswith("Covariate sets"))
    assert "(age, education, smoking)" in sets.lower()
    assert "body mass index" not in sets.lower()  # the name says as much
