"""What sections share: which rows come first, how estimates are drawn, what is said of those that are not."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import pandas as pd

from report.charts.style import Series, series
from report.elements import MOST_ROWS
from report.formats import count, interval, missing, odds, unit, within, words
from report.labels import labels, without_labels

ENGINES = ("unweighted", "survey")
DOUBLING = "per_doubling"
MILLIGRAMS = 1000.0
"""Differences of bone density in g/cm2 would all begin with 0.0: grams are drawn as milligrams."""
_WORKING = ("row", "series", "value", "low", "high", "said", "x", "marked", "model")
_STEP = re.compile(r"Q\d+")


def ordered(values: Iterable[Any], first: Sequence[str] = ()) -> list[str]:
    """Return the distinct codes of the analyses: those that `first` names in its order, then by alphabet."""
    found = {str(value) for value in values if not missing(value)}
    return [value for value in first if value in found] + sorted(found - set(first))


def by_outcome(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows by the order of their outcomes, otherwise as they were."""
    return frame.sort_values("outcome_order", kind="stable")


def headline(frame: pd.DataFrame, **chosen: Iterable[str]) -> tuple[pd.DataFrame, int]:
    """Return the rows with the chosen ones first, and how many rows of them a table is to print.

    Parameters
    ----------
    frame : pandas.DataFrame
    chosen : iterable of str
        By column: the values of the rows that a reader must find on the page.
    """
    first = pd.Series(True, index=frame.index)
    for column, values in chosen.items():
        first &= frame[column].isin(list(values))
    return pd.concat([frame[first], frame[~first]]), int(first.sum()) or MOST_ROWS


def undrawn_first(frame: pd.DataFrame, column: str = "value") -> pd.DataFrame:
    """Return the rows with those without numbers first: a table may be cut, and must say why."""
    return frame.sort_values(column, key=lambda values: values.notna(), kind="stable")


def concentration(frame: pd.DataFrame) -> str:
    """Return the title of an axis of one exposure's concentrations, such as `blood lead (ug/dL)`."""
    name, of = frame[["exposure_name", "exposure_unit"]].iloc[0]
    return within(name) if missing(of) else f"{within(name)} ({unit(of)})"


def listed(names: Iterable[str]) -> str:
    """Return names as a list within a sentence."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def steps(contrasts: Iterable[Any]) -> list[str]:
    """Return the contrasts of an exposure's groups with the lowest one in order: Q2, Q3 and so on."""
    return sorted({str(item) for item in contrasts if _STEP.fullmatch(str(item))}, key=lambda q: int(q[1:]))


def group(groups: int) -> str:
    """Return what one of so many groups of an exposure is called."""
    return {2: "half", 3: "tertile", 4: "quartile", 5: "quintile"}.get(groups, "quantile group")


def looks(names: Mapping[str, str], lines: bool = False) -> tuple[Series, ...]:
    """Return the look of series from their codes and labels."""
    return series(list(names), list(names.values()), lines)


def engines(frame: pd.DataFrame) -> dict[str, str]:
    """Return the engines of the rows with their labels: unweighted first."""
    return {engine: words(engine) for engine in ordered(frame["engine"], ENGINES)}


def last_of_each(rows: Sequence[str], size: int) -> Sequence[str]:
    """Return the last row of each group of so many, but for the last group: where a picture draws a line."""
    return rows[size - 1 : -1 : size] if size else ()


def slug(*parts: str) -> str:
    """Return a name for an anchor or a file from codes: letters, digits and dashes."""
    text = "-".join(parts).lower()
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text).strip("-")


def in_milligrams(unit_of_outcome: Any) -> tuple[float, str]:
    """Return what estimates in a unit are multiplied by to be drawn, and the unit that they have then."""
    text = "" if missing(unit_of_outcome) else unit(unit_of_outcome)
    return (MILLIGRAMS, f"m{text}") if text.startswith("g/") else (1.0, text)


@dataclass(frozen=True, kw_only=True)
class Effect:
    """How the estimates of outcomes of one kind and unit are drawn.

    Parameters
    ----------
    is_ratio : bool
        Odds ratios of a binary outcome; otherwise differences.
    outcome : str
        What is compared, within a sentence: the outcome's name, or the words that several names end in.
    unit : str
        Of drawn differences.
    factor : float
        What differences are multiplied by to have this unit.
    """

    is_ratio: bool
    outcome: str
    unit: str
    factor: float

    @property
    def null(self) -> float:
        """Where there is no association."""
        return 1.0 if self.is_ratio else 0.0

    @property
    def scale(self) -> str:
        """The title of a short axis, under a caption that names the outcome."""
        return "odds ratio" if self.is_ratio else f"difference, {self.unit}" if self.unit else "difference"

    def axis(self, contrast: str = "") -> str:
        """Return the title of an axis, such as `difference in bone density per doubling, mg/cm2`."""
        words_of = "odds ratio" if self.is_ratio else f"difference in {self.outcome}".removesuffix(" in ")
        after = " (logarithmic)" if self.is_ratio else f", {self.unit}" if self.unit else ""
        return f"{words_of}{contrast and ' '}{contrast}{after}"


def effect(frame: pd.DataFrame) -> Effect:
    """Return how the estimates of rows are drawn whose outcomes have one kind and unit."""
    kind, of = frame[["outcome_kind", "outcome_unit"]].iloc[0]
    factor, drawn_unit = in_milligrams(of)
    return Effect(
        is_ratio=kind == "binary",
        outcome=within(common_ending(labels(frame, "outcome").values())),
        unit=drawn_unit,
        factor=factor,
    )


def common_ending(names: Iterable[str]) -> str:
    """Return the words in which all names end: `BMD` of `Total femur BMD` and `Trochanter BMD`."""
    backwards = [name.split()[::-1] for name in names]
    same = takewhile(lambda several: len(set(several)) == 1, zip(*backwards, strict=False))
    return " ".join([several[0] for several in same][::-1])


def with_effect(frame: pd.DataFrame, how: Effect) -> pd.DataFrame:
    """Return the frame with `value`, `low`, `high` to draw and `said` to print: odds ratios, or differences.

    Rows without numbers come first.

    Parameters
    ----------
    frame : pandas.DataFrame
        With `estimate`, `conf_low`, `conf_high` and `ratio`, `ratio_low`, `ratio_high`.
    how : Effect
    """
    names = ("ratio", "ratio_low", "ratio_high") if how.is_ratio else ("estimate", "conf_low", "conf_high")
    drawn = frame.copy()
    for target, name in zip(("value", "low", "high"), names, strict=True):
        drawn[target] = frame[name].astype(float) * (1.0 if how.is_ratio else how.factor)
    printed = odds if how.is_ratio else interval
    drawn["said"] = [
        printed(*item) for item in drawn[["value", "low", "high"]].itertuples(index=False, name=None)
    ]
    return undrawn_first(drawn)


def stored(frame: pd.DataFrame) -> pd.DataFrame:
    """Return what the CSV of a table holds: neither labels, for it has codes, nor what is only drawn."""
    return without_labels(frame).drop(columns=list(_WORKING), errors="ignore")


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


def other_sets(frame: pd.DataFrame, sets: Iterable[str]) -> tuple[str, ...]:
    """Return a note on the covariate sets that a picture leaves out, if there are any."""
    others = [name for code, name in labels(frame, "covariate_set").items() if code not in set(sets)]
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
