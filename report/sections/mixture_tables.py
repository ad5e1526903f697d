"""Tables of mixture models: estimates and weights, whatever columns name the model."""

import pandas as pd

from report.elements import MOST_ROWS, Table
from report.formats import brief, count, interval, number, odds, probability, truth, unit, words
from report.labels import named
from report.sections.common import stored, undrawn_first

_MODEL = {
    "outcome": "Outcome",
    "direction": "Direction",
    "procedure": "Procedure",
    "covariate_set": "Covariates",
    "engine": "Weighting",
    "term": "Term",
    "exposure": "Exposure",
}
_LABELLED = ("outcome", "covariate_set", "exposure")


def estimate_table(name: str, caption: str, frame: pd.DataFrame, most_rows: int = MOST_ROWS) -> Table:
    """Return estimates as a table: a row per model and term, odds ratios where there are any."""
    shown = _model(frame, leave_out=() if frame["term"].nunique() > 1 else ("term",))
    columns = shown.shape[1]
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
        stored(frame),
        columns,
        ("Converged", "Remarks"),
        notes=_scales(frame),
        most_rows=most_rows,
    )


def weight_table(name: str, caption: str, frame: pd.DataFrame) -> Table:
    """Return weights as a table: a row per model and exposure."""
    frame = undrawn_first(frame, "weight")
    shown = _model(frame)
    columns = shown.shape[1]
    if "weight_low" in frame:
        shown["Weight (interval)"] = [
            interval(*item)
            for item in frame[["weight", "weight_low", "weight_high"]].itertuples(index=False, name=None)
        ]
    else:
        shown["Weight"] = frame["weight"].map(number)
    return Table(name, caption, _with_state(shown, frame), stored(frame), columns, ("Converged", "Remarks"))


def _model(frame: pd.DataFrame, leave_out: tuple[str, ...] = ()) -> pd.DataFrame:
    return pd.DataFrame(
        {
            heading: named(frame, column) if column in _LABELLED else frame[column].map(words)
            for column, heading in _MODEL.items()
            if column in frame and column not in leave_out
        }
    )


def _scales(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return a note on what the estimates of the rows are."""
    is_binary = frame["outcome_kind"] == "binary"
    units = frame.loc[~is_binary, "outcome_unit"].dropna().map(unit).unique()
    scales = [
        *(["log odds for an outcome that is told by yes or no"] if is_binary.any() else []),
        *([f"differences in {' or '.join(units)} for one that is measured"] if len(units) else []),
    ]
    return (f"Estimates are {', and '.join(scales)}.",) if scales else ()


def _with_state(shown: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    return shown.assign(Converged=frame["converged"].map(truth), Remarks=frame["warnings"].map(brief))
