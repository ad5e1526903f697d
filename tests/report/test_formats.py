# ruff: noqa: RUF001  (signs as they are printed)
"""How values are printed, and that a CSV is safe to open and loses nothing."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from report.formats import (
    brief,
    csv_text,
    fixed,
    interval,
    number,
    odds,
    plain,
    probability,
    signed,
    unit,
    within,
    words,
)


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (None, "–"),
        (pd.NA, "–"),
        (float("nan"), "–"),
        (float("inf"), "–"),
        (0, "0"),
        (2.11194, "2.11"),
        (-0.0369, "−0.0369"),
        (25735, "25,735"),
        (1234.5, "1,234"),
        (1e-9, "1.00e−09"),
    ],
)
def test_numbers(value, printed):
    assert number(value) == printed


def test_estimates_and_their_ends_have_the_same_decimals():
    assert odds(2.1119, 1.2688, 3.5153) == "2.11 (1.27, 3.52)"
    assert odds(0.627, 0.394, 1.0001) == "0.63 (0.39, 1.00)"
    assert interval(-0.11924, -0.19844, -0.04004) == "−0.119 (−0.198, −0.040)"
    assert interval(1.2, None, None) == "1.20"
    assert interval(None, 1.0, 2.0) == "–"
    # a separated model: wide, but readable
    assert odds(0.9, 1e-9, 1e9) == "0.900 (1.00e−09, 1.00e+09)"


def test_small_probabilities_and_rounded_noughts():
    assert probability(0.0004) == "<0.001"
    assert probability(0.05) == "0.050"
    assert fixed(-0.001) == "0.00"


def test_codes_become_words():
    assert words("survey") == "Survey-weighted"
    assert words("looker1998") == "Looker 1998"
    assert words("bmi_group") == "BMI group"
    assert words("repeated_holdout") == "Repeated holdout"
    assert within("survey") == "survey-weighted"


def test_labels_stand_within_a_sentence():
    assert within("Total femur BMD") == "total femur BMD"
    assert within("BMI and age") == "BMI and age"
    assert within("PFOA") == "PFOA"
    assert within("Ward's triangle BMD") == "Ward's triangle BMD"


@pytest.mark.parametrize(
    ("stored", "printed"),
    [
        ("ug/dL", "µg/dL"),
        ("umol/L", "µmol/L"),
        ("ng/mL", "ng/mL"),
        ("g/cm2", "g/cm²"),
        ("BMI below 25 kg/m2", "BMI below 25 kg/m²"),
        ("g/m3", "g/m³"),
        ("m2", "m²"),
        ("Item 2 of form m2x", "Item 2 of form m2x"),
        ("plug/drug", "plug/drug"),
        (None, "–"),
    ],
)
def test_units_are_written_as_people_write_them(stored, printed):
    assert unit(stored) == printed


FORMULAS = ["=1+1", "+1", "-cmd", "@sum", " =1", "\t1", "\r1", "＝1", "-1;2"]


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_kept_from_spreadsheets(text):
    (cell,) = next(
        csv.reader(io.StringIO(csv_text(pd.DataFrame({"a": [text]})).split("\r\n", 1)[1], newline=""))
    )
    # "+1" is a number, and stays one
    assert cell == ("+1" if text == "+1" else f"'{text}")


def test_negative_numbers_stay_numbers():
    frame = pd.DataFrame({"number": [-0.5, np.nan], "text": ["-0.12", "-1e-5"], "whole": [-3, 2]})
    assert csv_text(frame) == "number,text,whole\r\n-0.5,-0.12,-3\r\n,-1e-5,2\r\n"
    again = pd.read_csv(io.StringIO(csv_text(frame)))
    pd.testing.assert_frame_equal(
        again, pd.DataFrame({"number": [-0.5, np.nan], "text": [-0.12, -1e-5], "whole": [-3, 2]})
    )


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co"))), min_size=1, max_size=4))
def test_any_text_survives_the_csv(texts):
    frame = pd.DataFrame({"first": texts, "second": texts})
    rows = list(csv.reader(io.StringIO(csv_text(frame), newline="")))
    assert len(rows) == len(texts) + 1
    for row, text in zip(rows[1:], texts, strict=True):
        assert row[0] == row[1]
        assert row[0] in (text, f"'{text}")
        assert not row[0].lstrip().startswith(("=", "@"))


def test_characters_that_html_cannot_hold_are_replaced():
    assert plain("a\x00b\x1bc\ud800") == "a\ufffdb\ufffdc\ufffd"


def test_long_texts_are_cut_in_cells():
    assert brief("few events") == "few events"
    assert brief(None) == "–"
    long = brief("word " * 100)
    assert len(long) <= 110
    assert long.endswith("word ... (the CSV has all of it)")


def test_negative_numbers_in_texts_have_minus_signs():
    assert signed("0.060 (-0.047, 0.181); age 50-59, -.5") == "0.060 (−0.047, 0.181); age 50-59, −.5"
