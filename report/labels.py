"""Labels and order of what the tables name by codes: the marts carry both, the report has none of its own."""

import pandas as pd

from report.formats import NOTHING, missing, words
from report.marts import Marts

# What a query selects so that the codes of its rows have labels and an order.
STUDY = "study, study_title, study_order"
OUTCOME = "outcome, outcome_name, outcome_order, outcome_unit, outcome_kind"
EXPOSURE = "exposure, exposure_name, exposure_short_name, exposure_order, exposure_unit"
COVARIATE_SET = "covariate_set, covariate_set_name, covariate_set_order"
SUBGROUP = "subgroup, subgroup_name, subgroup_order"

_LABELS = {
    "study": "study_title",
    "exposure": "exposure_short_name",
    "other_exposure": "other_exposure_short_name",
}
"""The column of the label, where it is not `CODE_name`."""

MOST_DRAWN = 3
"""More covariate sets cannot be told apart in a line of a picture; more outcomes make a section too long."""


def labels(frame: pd.DataFrame, code: str) -> dict[str, str]:
    """Return the label of each code in a column, in the order of the marts.

    Parameters
    ----------
    frame : pandas.DataFrame
        With the column, its label and its order, such as `exposure`, `exposure_short_name`, `exposure_order`.
    code : str
        Name of the column of codes.
    """
    columns = [code, _LABELS.get(code, f"{code}_name"), f"{code}_order"]
    found = frame[columns].dropna(subset=[code]).drop_duplicates(code)
    found = found.sort_values([columns[2], code], kind="stable")
    return {
        item: words(item) if missing(text) else text
        for item, text, _ in found.itertuples(index=False, name=None)
    }


def named(frame: pd.DataFrame, code: str) -> "pd.Series[str]":
    """Return the label of each row's code."""
    return frame[code].map(labels(frame, code)).astype(object).fillna(NOTHING)


def label(frame: pd.DataFrame, code: str) -> str:
    """Return the label of the one code that all rows have."""
    return next(iter(labels(frame, code).values()))


def main_models(marts: Marts) -> pd.DataFrame:
    """Return the models that each study singles out: outcomes and covariate sets of its dose-response curves.

    Returns
    -------
    pandas.DataFrame
        Columns `study`, `outcome`, `covariate_set`; no rows where no study has curves.
    """
    if marts.missing("dose_response"):
        return pd.DataFrame(columns=["study", "outcome", "covariate_set"])
    return marts.frame("select distinct study, outcome, covariate_set from main.dose_response order by all")


def chosen(frame: pd.DataFrame, code: str, main: pd.DataFrame) -> dict[str, str]:
    """Return the outcomes or covariate sets to draw, with their labels, in the order of the marts.

    All of them if they are few (`MOST_DRAWN`); of more, those that the study singles out, if it does.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of one study.
    code : str
        `outcome` or `covariate_set`.
    main : pandas.DataFrame
        What `main_models` returns.
    """
    every = labels(frame, code)
    if len(every) <= MOST_DRAWN:
        return every
    singled_out = set(main.loc[main["study"].isin(frame["study"]), code])
    return {item: text for item, text in every.items() if item in singled_out} or every


def adjusted(frame: pd.DataFrame, main: pd.DataFrame) -> str:
    """Return the covariate set to show where only one can be shown: the second of those to draw.

    The first in order adjusts for least, so the second is the one that a study adjusts by first. The only one
    if there is one.
    """
    sets = list(chosen(frame, "covariate_set", main))
    return sets[min(1, len(sets) - 1)]


def without_labels(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that a CSV holds: codes, which join with the published tables, but no labels."""
    kinds = ("study", "outcome", "exposure", "other_exposure", "covariate_set", "subgroup")
    parts = ("title", "name", "short_name", "order", "unit", "kind")
    return frame.drop(columns=[f"{kind}_{part}" for kind in kinds for part in parts], errors="ignore")
