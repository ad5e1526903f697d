"""The data dictionary says what the models' YAML says, and is up to date."""

import pytest

from publish.dictionary import PAGE, is_of_persons, page, read_models, unit_of


@pytest.mark.parametrize(
    ("description", "unit"),
    [
        ("Blood lead, ug/dL.", "ug/dL"),
        ("Age at screening, years; 80 stands for 80 and over.", "years"),
        ("Weight of the pooled releases, persons: WTSH2YR x years / all years.", "persons"),
        ("Total femur T-score against the reference set, standard deviations.", "standard deviations"),
        ("When the build started, UTC.", "UTC"),
        ("People left after the step.", "people"),
        ("Of these, people with this level; null for continuous variables.", "people"),
        ("Concentration in the exposure's unit; LOD / sqrt(2) below detection.", None),
        ("Odds ratio, exp(estimate); null for continuous outcomes.", None),
        ("Coefficient: log odds ratio (binary outcome) or g/cm2 (BMD).", None),
    ],
)
def test_units_are_read_from_descriptions(description, unit):
    assert unit_of(description) == unit


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == page(read_models()), "run `python -m publish dictionary`"


def test_the_page_has_every_model_and_every_column_of_the_marts():
    text = PAGE.read_text()
    tables = read_models()
    assert len(tables) > 70
    for table in tables:
        assert f"### {table.name}\n" in text or f"| `{table.name}` |" in text, table.name
        if table.folder == "marts":
            section = text.split(f"### {table.name}\n")[1].split("\n### ")[0]
            for column in table.columns:
                assert f"| `{column.name}` | {column.data_type.lower()} |" in section, (table.name, column)


def test_four_marts_are_of_persons():
    assert [table.name for table in read_models() if table.folder == "marts" and is_of_persons(table)] == [
        "cohort",
        "cohort_exposures",
        "cohort_outcomes",
        "participants",
    ]
