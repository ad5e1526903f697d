"""Sampling weights as powers of the likelihood, and how much they let the model learn in all."""

from typing import Literal

import numpy as np
import pandas as pd

from mixepi.arguments import is_number
from mixepi.arrays import FloatArray
from mixepi.errors import SpecificationError
from mixepi.model_frame import observation_weights

TotalWeight = Literal["effective", "rows"] | float
# Weights times a constant are to give the same draws: what rounding leaves beyond these decimals is dropped.
DECIMALS = 12
# A zero that a file holds as 5e-79 (SAS does) has to stay a positive number whose square root is one too.
SMALLEST = 1e-9


def require_total_weight(value: object) -> None:
    """Raise `SpecificationError` unless `value` is one of the totals that there are."""
    if value in ("effective", "rows") or (is_number(value) and float(str(value)) > 0):
        return
    raise SpecificationError(
        f"expected total_weight to be 'effective', 'rows' or a positive number, found {value!r}: "
        "'effective' is the default"
    )


def kish_size(weights: FloatArray) -> float:
    """Effective number of rows, (sum w)^2 / sum w^2 (Kish 1965); n for equal weights."""
    return float(weights.sum() ** 2 / np.sum(weights**2))


def likelihood_weights(
    data: pd.DataFrame, weights: str | None, total: TotalWeight, *, keep_ones: bool = False
) -> FloatArray | None:
    """Powers to which the likelihoods of the rows of the domain are raised; None where all are 1.

    Parameters
    ----------
    data : pandas.DataFrame
        The m rows of the domain.
    weights : str or None
        Column of positive sampling weights, of any scale.
    total : {"effective", "rows"} or float
        What the powers sum to: Kish's effective number of rows, m, or any other number.

    keep_ones : bool
        Return ones where all are 1.

    Returns
    -------
    array, shape (m,), or None

    Raises
    ------
    DataError
        If a weight is missing or not positive.
    """
    used = observation_weights(data, weights)
    if total == "rows":
        wanted = float(used.size)
    else:
        wanted = kish_size(used) if total == "effective" else float(total)
    equal = bool(np.ptp(used) == 0)
    if equal and not keep_ones and (total in ("effective", "rows") or wanted == used.size):
        return None
    return np.asarray(np.maximum(np.round(used * (wanted / used.sum()), DECIMALS), SMALLEST))
