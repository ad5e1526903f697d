import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from report.charts.style import Series, series
from report.elements import MOST_ROWS
from report.formats import count, interval, missing, odds, plain, within, words
from report.marts import Marts

STUDIES = ("peng2025", "recommended")
COVARIATE_SETS = ("crude", "age_bmi", "full")
HEADLINE_SETS = ("age_bmi", "crude", "full")
"""The first of these is shown where only one can be."""
ENGINES = ("unweighted", "survey")
OUTCOMES = ("osteoporosis", "bmd_total_femur")
METALS = ("Cd", "Pb", "Hg", "Se", "Mn")
_STEP = re.compile(r"Q\d+")


def ordered(values: Iterable[Any], first: Sequence[str]) -> list[str]:
    """Return the distinct values: those that `first` names in its order, then others by alphabet."""
    found = {str(value) for value in values if not missing(value)}
    return [value for value in first if value in found] + sorted(found - set(first))


def preferred(values: Iterable[Any], wanted: Sequence[str]) -> list[str]:
    """Return the wanted values where all of them occur; otherwise all that do, as in a study of one's own."""
    found = ordered(values, wanted)
    return list(wanted) if set(wanted) <= set(found) else found


def by_outcome(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with those of the main outcomes first, otherwise as they were."""
    places = {outcome: place for place, outcome in enumerate(ordered(frame["outcome"], OUTCOMES))}
    return frame.sort_values("outcome", key=lambda outcomes: outcomes.map(places), kind="stable")


def headline(frame: pd.DataFrame, **chosen: Sequence[str]) -> tuple[pd.DataFrame, int]:
    """Return the rows with the chosen ones first, and how many rows of them a table is to print.

    Parameters
    ----------
    frame : pandas.DataFrame
    chosen : sequence of str
        By column: the values of the rows that a reader must find on the page.
    """
    first = pd.Series(True, index=frame.index)
    for column, values in chosen.items():
        first &= frame[column].isin(list(values))
    return pd.concat([frame[first], frame[~first]]), int(first.sum()) or MOST_ROWS


def undrawn_first(frame: pd.DataFrame, column: str = "value") -> pd.DataFrame:
    """Return the rows with those without numbers first: a table may be cut, and must say why."""
    return frame.sort_values(column, key=lambda values: values.notna(), kind="stable")


def units(marts: Marts) -> dict[str, str]:
    """Return the unit of each exposure, as Table 1 has it."""
    if marts.missing("table_one"):
        return {}
    found = marts.frame("select distinct variable, unit from main.table_one where unit is not null")
    return dict(found.itertuples(index=False, name=None))


def blood(metal: str, units_of: Mapping[str, str]) -> str:
    """Return the title of an axis of concentrations; cotinine, say, is not measured in whole blood."""
    name = f"blood {within(metal)}" if metal in METALS else within(metal)
    return name + (f", {plain(units_of[metal])}" if metal in units_of else "")


def steps(contrasts: Iterable[Any]) -> list[str]:
    """Return the contrasts of an exposure's groups with the lowest one in order: Q2, Q3 and so on."""
    return sorted({str(item) for item in contrasts if _STEP.fullmatch(str(item))}, key=lambda q: int(q[1:]))


def group(groups: int) -> str:
    """Return what one of so many groups of an exposure is called."""
    return {2: "half", 3: "tertile", 4: "quartile", 5: "quintile"}.get(groups, "quantile group")


def looks(codes: Sequence[str], lines: bool = False) -> tuple[Series, ...]:
    """Return the look of series that are named by codes of the tables."""
    return series(codes, [words(code) for code in codes], lines)


def heading(study: str) -> str:
    """Return the heading of a study's part of a section."""
    return f"{words(study)} ({study})"


def slug(*parts: str) -> str:
    """Return a name for an anchor or a file from codes: letters, digits and dashes."""
    text = "-".join(parts).lower()
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text)


def is_binary(frame: pd.DataFrame) -> bool:
    """Tell whether the estimates of one outcome are log odds: their events are counted."""
    return bool(frame["events"].notna().any())


def with_effect(frame: pd.DataFrame, binary: bool, scale: float = 1.0) -> pd.DataFrame:
    """Return the frame with `value`, `low`, `high` to draw and `said` to print: odds ratios, or coefficients.

    Rows without numbers come first.

    Parameters
    ----------
    frame : pandas.DataFrame
        With `estimate`, `conf_low`, `conf_high` and `ratio`, `ratio_low`, `ratio_high`.
    binary : bool
        Whether to take the ratios.
    scale : float
        What coefficients are multiplied by, such as 1000 for g/cm2 as mg/cm2.
    """
    names = ("ratio", "ratio_low", "ratio_high") if binary else ("estimate", "conf_low", "conf_high")
    drawn = frame.copy()
    for target, name in zip(("value", "low", "high"), names, strict=True):
        drawn[target] = frame[name].astype(float) * (1.0 if binary else scale)
    printed = odds if binary else interval
    drawn["said"] = [
        printed(*item) for item in drawn[["value", "low", "high"]].itertuples(index=False, name=None)
    ]
    return undrawn_first(drawn)


def people(frame: pd.DataFrame) -> str:
    """Return how many women and cases the rows rest on."""
    women, cases = frame["n"].dropna(), frame["events"].dropna()
    if women.empty:
        return ""
    text = _range(women)
    return f"n = {text}, {_range(cases)} cases" if len(cases) else f"n = {text}"


def _range(values: pd.Series) -> str:
    low, high = count(values.min()), count(values.max())
    return low if low == high else f"{low} to {high}"


def other_sets(frame: pd.DataFrame, sets: Sequence[str]) -> tuple[str, ...]:
    """Return a note on the covariate sets that a picture leaves out, if there are any."""
    others = [words(name) for name in ordered(frame["covariate_set"], ()) if name not in sets]
    return (f"Covariate sets not drawn, see the table associations: {'; '.join(others)}.",) if others else ()


def left_out(frame: pd.DataFrame, mark: str = " (hollow marks)") -> tuple[str, ...]:
    """Return a note on rows that could not be drawn or have not converged, if there are any.

    Parameters
    ----------
    frame : pandas.DataFrame
        With `value` and `converged`.
    mark : str
        How the picture tells those that have not converged.
    """
    undrawn = int(frame["value"].isna().sum())
    doubtful = int((~frame["converged"].fillna(False).astype(bool) & frame["value"].notna()).sum())
    notes = []
    if undrawn:
        notes.append(
            f"{count(undrawn)} of {count(len(frame))} rows have no numbers and are not drawn; the table "
            "says why."
        )
    if doubtful:
        notes.append(f"{count(doubtful)} of the drawn rows come from fits that have not converged{mark}.")
    return tuple(notes)
