"""Training and validation rows, and resamples of the training rows: whole PSUs under a design, else rows."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mixepi.arrays import BoolArray, FloatArray, IntArray
from mixepi.errors import DataError
from mixepi.model_frame import row_values
from mixepi.resampling import count_rows, draw_counts
from mixepi.survey.design import SamplingUnits, rao_wu_factors, split_units
from mixepi.wqs.data import WQSData


def split_rows(generator: np.random.Generator, arrays: WQSData, share: float) -> tuple[BoolArray, BoolArray]:
    """Return training and validation masks over the n analysed rows; all rows in both for a share of 0.

    Without a design round(share * n) rows are validated. Under one, people of a PSU are alike in exposures
    and outcome: a PSU on both sides would let the index learn the noise that it is tested on. Whole PSUs are
    split then, as `mixepi.survey.design.split_units` does, about `share` of the strata.
    """
    n = arrays.outcome.size
    if share == 0:
        return np.ones(n, dtype=np.bool_), np.ones(n, dtype=np.bool_)
    if arrays.units is not None:
        validation = split_units(generator, arrays.units.strata, share)[_unit_of_row(arrays, arrays.units)]
        return ~validation, validation
    validation = np.zeros(n, dtype=np.bool_)
    validation[generator.permutation(n)[: round(share * n)]] = True
    return ~validation, validation


def resample_counts(
    generator: np.random.Generator,
    arrays: WQSData,
    training: BoolArray,
    bootstraps: int,
    given: IntArray | None,
) -> FloatArray:
    """Return how much each of the m training rows counts in each bootstrap, shape (B, m).

    Rows are drawn with replacement; under a design whole PSUs within strata, by the rescaled bootstrap of Rao
    and Wu (1988). `given` are row numbers (B, .) of a user, counted among the training rows.
    """
    m = int(training.sum())
    if given is None:
        if arrays.units is None or bootstraps == 1:
            return draw_counts(generator, m, bootstraps)
        of_row = _unit_of_row(arrays, arrays.units)
        strata = arrays.units.strata
        validated = np.isin(np.arange(strata.size), of_row[~training])
        # A PSU without analysed rows is drawn with its stratum, and then nobody of it counts.
        drawn = ~validated & np.isin(strata, strata[of_row[training]])
        factors = np.zeros((bootstraps, strata.size))
        factors[:, drawn] = rao_wu_factors(generator, strata[drawn], bootstraps)
        return np.asarray(factors[:, of_row[training]])
    rows = np.asarray(given)
    whole = rows.ndim == 2 and rows.size > 0 and np.issubdtype(rows.dtype, np.integer)
    if not whole or rows.min() < 0 or rows.max() >= m:
        values = f", {rows.min()} to {rows.max()}" if whole else ""
        raise DataError(
            f"expected bootstrap_rows of shape (B, m) with whole numbers from 0 to {m - 1}, found shape "
            f"{rows.shape}, dtype {rows.dtype}{values}: count the training rows from 0"
        )
    return count_rows(rows, m)


def given_validation(
    rows: pd.Series | Sequence[bool] | BoolArray, data: pd.DataFrame, arrays: WQSData
) -> BoolArray:
    """Return the validation rows of a user as a mask over the analysed rows."""
    mask = row_values("validation_rows", rows, data.index)
    other = int((~np.isin(mask, (0, 1))).sum())
    if other:
        raise DataError(
            f"expected validation_rows to be true or false, found {other} other values of {mask.size}: "
            "mark every row of the data frame"
        )
    chosen = np.asarray(mask.astype(np.bool_)[arrays.positions])
    if chosen.all() or not chosen.any():
        raise DataError(
            f"expected validation and training rows, found {int(chosen.sum())} validation rows of "
            f"{chosen.size}: "
            "set validation=0 in the specification to use all rows for both"
        )
    if arrays.units is not None:
        of_row = _unit_of_row(arrays, arrays.units)
        torn = np.intersect1d(of_row[chosen], of_row[~chosen]).size
        if torn:
            raise DataError(
                f"expected whole PSUs in validation_rows, found {torn} of {arrays.units.strata.size} "
                "with rows on both sides: people of a PSU are alike, and the p value would be too small; "
                "split whole strata, or leave validation_rows out"
            )
    return chosen


def _unit_of_row(arrays: WQSData, units: SamplingUnits) -> IntArray:
    return np.asarray(units.of_row[arrays.positions])
