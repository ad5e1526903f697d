"""Who belongs to a fit."""

import pytest

from mixepi.errors import SpecificationError


@pytest.fixture
def asked() -> dict:
    return {
        "study": "small",
        "outcome": "osteoporosis",
        "exposures": ("Cd", "Se"),
        "covariates": ("age_years",),
        "subgroup_variable": None,
        "level": None,
        "engine": "unweighted",
        "weight_name": "blood_metals",
    }


def test_everyone_known_is_analysed(tables, asked):
    records = tables.records(asked)
    assert list(records) == ["seqn", "osteoporosis", "Cd", "Se", "age_years", "domain"]
    assert len(records) == 240
    assert records["seqn"].is_monotonic_increasing


def test_missing_outcomes_leave(tables, asked):
    assert tables.records(asked | {"outcome": "bmd"})["seqn"].min() == 6


def test_a_subgroup_is_its_people(tables, asked):
    records = tables.records(asked | {"subgroup_variable": "age_group", "level": "50-59"})
    assert records["seqn"].tolist() == list(range(1, 41))


def test_a_survey_keeps_the_whole_design_and_leaves_out_zero_weights(tables, asked):
    records = tables.records(asked | {"engine": "survey"})
    inside = records[records["domain"]]
    assert 2 not in set(inside["seqn"])
    assert len(inside) == 239
    outside = records[~records["domain"]]
    assert len(outside) == 18
    assert set(zip(outside["strata"], outside["psu"], strict=True)) == {
        (stratum, psu) for stratum in range(1, 10) for psu in (1, 2)
    }


def test_an_unknown_covariate_is_named(tables, asked):
    with pytest.raises(SpecificationError, match=r"'age_year'.*did you mean age_years"):
        tables.records(asked | {"covariates": ("age_year",)})
