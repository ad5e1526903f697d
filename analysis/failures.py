"""From fits to the rows of a result table, those of a fit that failed included."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mixepi.errors import FIT_FAILURES, MixepiWarning


def rows_or_reason(
    estimate: Callable[[], list[dict[str, Any]]],
    empty: Sequence[dict[str, Any]],
    outcome: pd.Series,
    family: str,
    notes: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Return the rows of a model or, where it cannot be estimated, rows that say why.

    Parameters
    ----------
    estimate : callable
        Fits; returns rows with n, events and warnings (a sequence of texts).
    empty : sequence of dict
        The rows of a failed model: keys, without numbers.
    outcome : pandas.Series
        Of the records analysed.
    family : str
    notes : sequence of str
        To be added to the warnings of each row.

    Returns
    -------
    list of dict
        Each with converged (true where `estimate` does not say it, false after a failure) and warnings: one
        text, None where there is nothing to say.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MixepiWarning)  # the texts are in the result
            rows = [{"converged": True} | row for row in estimate()]
    except FIT_FAILURES as error:
        failed = {
            "n": len(outcome),
            "events": event_count(outcome, family),
            "converged": False,
            "warnings": (f"{type(error).__name__}: {error}",),
        }
        rows = [row | failed for row in empty]
    return [row | {"warnings": "; ".join([*row["warnings"], *notes]) or None} for row in rows]


def event_count(outcome: pd.Series, family: str) -> int | None:
    """Return how many have the outcome; None unless it is binary."""
    return int(outcome.sum()) if family == "binomial" else None


def result_table(parts: Sequence[pd.DataFrame], types: Mapping[str, str]) -> pd.DataFrame:
    """Return the parts one below the other, with the columns and types declared even where there are none."""
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(types))
    return without_infinite_df(table[list(types)].astype(dict(types)))


def without_infinite_df(table: pd.DataFrame) -> pd.DataFrame:
    """Return `table` with degrees of freedom missing, in place of infinite: the distribution is normal."""
    infinite = {
        name: table[name].replace(np.inf, np.nan) for name in ("df", "df_residual") if name in table.columns
    }
    return table.assign(**infinite)
