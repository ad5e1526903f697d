"""Numbers and codes as words: how a value is printed, wherever it is printed."""

import csv
import io
import math
import re
from collections.abc import Sequence
from textwrap import shorten
from typing import Any

import pandas as pd

NOTHING = "\N{EN DASH}"
"""What stands where there is no number."""

_BRIEF = 110  # characters
_MINUS = "\N{MINUS SIGN}"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_FORMULA = re.compile(r"[\s\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

_WORDS = {
    "survey": "Survey-weighted",
    "per_doubling": "per doubling",
    "trend_score": "trend, group score",
    "trend_median": "trend, group median",
    "wqs": "WQS index",
    "psi1": "All exposures, one step up",
}
"""Codes of the analyses that do not read as words; names of what a study chooses are in the marts."""

_ABBREVIATION = re.compile(r"\b(bmi|bmd)\b", re.IGNORECASE)
_YEAR = re.compile(r"(?<=[a-z])(?=(19|20)\d\d\b)")
_MICRO = re.compile(r"\bu(?=(g|mol|L|U)\b)")
_POWER = re.compile(r"\b([cdkm]?m)([23])\b")
_SUPERSCRIPTS = {"2": "\N{SUPERSCRIPT TWO}", "3": "\N{SUPERSCRIPT THREE}"}


def missing(value: Any) -> bool:
    """Tell whether a value is null, not a number, or infinite."""
    return value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value))


def number(value: Any, digits: int = 3) -> str:
    """Return a number with so many significant digits, but all digits before the point."""
    if missing(value):
        return NOTHING
    value = float(value)
    if value == 0:
        return "0"
    if abs(value) >= 1e7 or abs(value) < 1e-5:
        return f"{value:.{digits - 1}e}".replace("-", _MINUS)
    return f"{value:,.{_decimals(value, digits)}f}".replace("-", _MINUS)


def fixed(value: Any, decimals: int = 2) -> str:
    """Return a number with so many decimals."""
    if missing(value):
        return NOTHING
    # Adding nought turns a rounded -0.0 into 0.0.
    return f"{round(float(value), decimals) + 0.0:,.{decimals}f}".replace("-", _MINUS)


def count(value: Any) -> str:
    """Return a whole number with thousands apart."""
    return NOTHING if missing(value) else f"{int(value):,}"


def probability(value: Any) -> str:
    """Return a p- or q-value: three decimals, or that it is smaller."""
    if missing(value):
        return NOTHING
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def interval(value: Any, low: Any, high: Any) -> str:
    """Return an estimate with its interval in brackets, all three with the same number of decimals."""
    if missing(value):
        return NOTHING
    if missing(low) or missing(high):
        return number(value)
    largest = max(abs(float(value)), abs(float(low)), abs(float(high)))
    if largest >= 1e7 or 0 < abs(float(value)) < 1e-4:
        return f"{number(value)} ({number(low)}, {number(high)})"
    decimals = max(_decimals(largest, 3), _decimals(float(value), 2))
    return f"{fixed(value, decimals)} ({fixed(low, decimals)}, {fixed(high, decimals)})"


def odds(value: Any, low: Any, high: Any) -> str:
    numbers = (value, low, high)
    if any(missing(item) for item in numbers) or not all(0.05 <= float(item) < 100 for item in numbers):
        return interval(value, low, high)
    return f"{fixed(value)} ({fixed(low)}, {fixed(high)})"


def _decimals(value: float, digits: int) -> int:
    return 0 if value == 0 else max(0, digits - 1 - math.floor(math.log10(abs(value))))


def truth(value: Any) -> str:
    """Return yes, no or nothing."""
    if missing(value):
        return NOTHING
    return "yes" if value else "no"


def words(code: Any) -> str:
    """Return a code of the analyses in words: a contrast, engine, procedure, direction, term or verdict."""
    if missing(code):
        return NOTHING
    if isinstance(code, bool):
        return truth(code)
    text = str(code)
    if text in _WORDS:
        return _WORDS[text]
    spaced = _YEAR.sub(" ", text.replace("_", " "))
    spaced = _ABBREVIATION.sub(lambda found: found[0].upper(), spaced)
    return spaced[:1].upper() + spaced[1:]


def unit(text: Any) -> str:
    """Return a text with its units as people write them: \N{MICRO SIGN}g/dL for ug/dL, a raised 2 for m2."""
    text = _MICRO.sub("\N{MICRO SIGN}", plain(text))
    return _POWER.sub(lambda found: found[1] + _SUPERSCRIPTS[found[2]], text)


def within(code: Any) -> str:
    """Return a label, or a code in words, as it stands within a sentence: `age and BMI`."""
    text = words(code)
    # An abbreviation and a person's name keep their capital: BMI, Ward's triangle.
    is_name = text[1:2].isupper() or text.partition(" ")[0].endswith(
        ("'s", "\N{RIGHT SINGLE QUOTATION MARK}s")
    )
    return text if is_name else text[:1].lower() + text[1:]


def plain(value: Any) -> str:
    """Return a text from the data without characters that HTML cannot hold."""
    return NOTHING if missing(value) else _CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(value))


def brief(value: Any) -> str:
    """Return the beginning of a text from the data: what a cell has room for; the CSV has all of it."""
    text = plain(value)
    return text if len(text) <= _BRIEF else shorten(text, _BRIEF, placeholder=" ... (the CSV has all of it)")


def signed(text: str) -> str:
    """Return a text with minus signs, not hyphens, before its negative numbers."""
    return re.sub(r"(?<![\w.])-(?=[\d.])", _MINUS, text)


def csv_text(frame: pd.DataFrame) -> str:
    """Return a data frame as CSV (RFC 4180) that is safe to open in a spreadsheet.

    Numbers have up to five digits; the published tables have all of them. A text that a spreadsheet would
    take for a formula (one that starts with `=`, `+`, `-` or `@`, perhaps after blanks, or with a tab or line
    break) gets an apostrophe in front, as OWASP advises; a text that is a number, such as `-0.12`, stays.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([_cell(name) for name in frame.columns])
    columns: Sequence[list[Any]] = [frame[name].astype(object).tolist() for name in frame.columns]
    writer.writerows([_cell(value) for value in row] for row in zip(*columns, strict=True))
    return text.getvalue()


def _cell(value: Any) -> Any:
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, bool | int):
        return value
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(value))
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
