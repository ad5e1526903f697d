"""Result tables: declared column schemas and the one way from coefficients to a tidy table."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import special

from mixepi.arguments import is_number
from mixepi.arrays import FloatArray
from mixepi.errors import SpecificationError

ESTIMATE_COLUMNS = ("term", "estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high")


def check_level(level: float) -> None:
    """Raise `SpecificationError` unless 0 < level < 1."""
    if not (is_number(level) and 0 < level < 1):
        raise SpecificationError(
            f"expected a confidence level between 0 and 1, found {level!r}: 0.95 is usual"
        )


def estimate_table(
    terms: Sequence[str],
    estimates: FloatArray,
    std_errors: FloatArray,
    df: float,
    level: float = 0.95,
    interval_df: float | None = None,
) -> pd.DataFrame:
    """Return Wald statistics with the columns `ESTIMATE_COLUMNS`.

    Parameters
    ----------
    terms : sequence of str
        One name per estimate.
    estimates, std_errors : array, shape (k,)
        On the scale of the linear predictor.
    df : float
        Degrees of freedom of the t distribution; infinite for the normal.
    level : float
        Confidence level, 0.95 by default.
    interval_df : float, optional
        Degrees of freedom of the intervals where they differ from those of the p values.
    """
    check_level(level)
    statistic = estimates / std_errors
    tail = -np.abs(statistic)
    width_df = df if interval_df is None else interval_df
    upper = 0.5 + level / 2
    # The special functions behind scipy.stats, whose own import takes longer than the fits.
    width = special.ndtri(upper) if np.isinf(width_df) else special.stdtrit(width_df, upper)
    return pd.DataFrame(
        {
            "term": list(terms),
            "estimate": estimates,
            "std_error": std_errors,
            "statistic": statistic,
            "df": df,
            "p_value": 2 * (special.ndtr(tail) if np.isinf(df) else special.stdtr(df, tail)),
            "conf_low": estimates - width * std_errors,
            "conf_high": estimates + width * std_errors,
        }
    )


def with_counts(table: pd.DataFrame, n: int, events: int | None) -> pd.DataFrame:
    """Append the columns n and events; events is null for outcomes that are not binary."""
    return table.assign(n=n, events=pd.array([events] * len(table), dtype="Int64"))
