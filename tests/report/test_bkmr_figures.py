"""The kernel machine's figures: units, and what is said of a difference of exactly 0."""

import pandas as pd
import pytest

from report.sections.bkmr_curves import overall
from tests.report.support.made_results import labelled


def drawn(outcome, low):
    frame = pd.DataFrame(
        {
            "study": "peng2025",
            "outcome": outcome,
            "covariate_set": "crude",
            "scale": "link",
            "quantile": [0.25, 0.75],
            "value": [-0.01, 0.0125],
            "low": [-0.02, low],
            "high": [-0.001, 0.025],
            "std_error": 0.005,
            "n": 905,
            "events": None,
            "converged": True,
            "warnings": None,
        }
    )
    return overall("peng2025", outcome, labelled(frame))


def test_bone_density_is_in_milligrams_in_picture_and_table_and_as_stored_in_the_file():
    figure = drawn("bmd_total_femur", 0.002)
    table = figure.table
    assert [row["value"] for row in figure.panels[0].spec["data"]["values"]] == [12.5, -10.0]
    assert list(table.shown["Estimate, mg/cm\N{SUPERSCRIPT TWO} (95 % interval)"])[1] == "12.5 (2.0, 25.0)"
    assert list(table.data["estimate"]) == [-0.01, 0.0125]
    assert figure.notes == ()


@pytest.mark.parametrize("outcome", ["osteoporosis", "bmd_total_femur"])
def test_an_interval_that_ends_at_0_is_explained(outcome):
    (note,) = drawn(outcome, 0.0).notes
    assert "in draws without the exposures that are compared, the difference is exactly 0" in note
