"""What the page says it is about: the paper only where a study of the paper is there."""

import duckdb
import pytest

from report.marts import open_marts
from report.sections import question


@pytest.mark.parametrize(
    ("studies", "title", "paper"),
    [
        (["peng2025", "recommended"], "Blood metals and osteoporosis in postmenopausal women", True),
        (["custom", "recommended"], "Blood metals and osteoporosis in postmenopausal women", True),
        (["custom"], "Exposures and outcomes in NHANES", False),
    ],
)
def test_title_and_lead(tmp_path, studies, title, paper):
    path = tmp_path / "results.duckdb"
    with duckdb.connect(str(path)) as connection:
        rows = ", ".join(f"('r', 'nhanes', '{study}', '2013-2014')" for study in studies)
        connection.execute(
            f"create table cohort_flow as from (values {rows}) as rows (run_id, source, study, cycle)"
        )
    with open_marts(path) as marts:
        found, lead = question.title_and_lead(marts)
        section = question.section(marts)
    assert found == title
    assert ("Peng" in lead) is paper
    assert section.introduction.endswith("The data are NHANES 2013-2014.")
