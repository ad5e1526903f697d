"""Tables of mixture models: estimates and weights, whatever columns name the model."""

import pandas as pd

from report.elements import MOST_ROWS, Table
from report.formats import brief, count, interval, number, odds, probability, truth, words
from report.sections.common import undrawn_first

_MODEL = {
    "outcome": "Outcome",
    "direction": "Direction",
    "procedure": "Procedure",
    "covariate_set": "Covariates",
    "engine": "Weighting",
    "term": "Term",
    "metal": "Metal",
}
_NEVER_SHOWN = ("row", "series", "value", "low", "high", "said", "x")


def estimate_table(name: str, caption: str, frame: pd.DataFrame, most_rows: int = MOST_ROWS) -> Table:
    """Return estimates as a table: a row per model and term, odds ratios where there are any."""
    model = [column for column in _MODEL if column in frame]
    if frame["term"].nunique() < 2:
        model.remove("term")
    shown = pd.DataFrame({_MODEL[column]: frame[column].map(words) for column in model})
    shown["n"], shown["Cases"] = frame["n"].map(count), frame["events"].map(count)
    shown["Estimate (95 % interval)"] = [
        interval(*item)
        for item in frame[["estimate", "conf_low", "conf_high"]].itertuples(index=False, name=None)
    ]
    shown["Odds ratio (95 % interval)"] = [
        odds(*item) for item in frame[["ratio", "ratio_low", "ratio_high"]].itertuples(index=False, name=None)
    ]
    shown["p"] = frame["p_value"].map(probability)
    return Table(
        name,
        caption,
        _with_state(shown, frame),
        frame.drop(columns=list(_NEVER_SHOWN), errors="ignore"),
        len(model),
        ("Converged", "To know"),
        notes=("Estimates are log odds for osteoporosis, and g/cm\N{SUPERSCRIPT TWO} for BMD.",),
        most_rows=most_rows,
    )


def weight_table(name: str, caption: str, frame: pd.DataFrame) -> Table:
    """Return weights as a table: a row per model and metal."""
    frame = undrawn_first(frame, "weight")
    model = [column for column in _MODEL if column in frame]
    shown = pd.DataFrame({_MODEL[column]: frame[column].map(words) for column in model})
    if "weight_low" in frame:
        shown["Weight (interval)"] = [
            interval(*item)
            for item in frame[["weight", "weight_low", "weight_high"]].itertuples(index=False, name=None)
        ]
    else:
        shown["Weight"] = frame["weight"].map(number)
    return Table(
        name,
        caption,
        _with_state(shown, frame),
        frame.drop(columns=list(_NEVER_SHOWN), errors="ignore"),
        len(model),
        ("Converged", "To know"),
    )


def _with_state(shown: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    return shown.assign(
        **{"Converged": frame["converged"].map(truth), "To know": frame["warnings"].map(brief)}
    )
