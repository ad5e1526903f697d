"""From columns of a data frame to the numbers of a regression, with everything checked on the way."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import linalg

from envmix.errors import DataError, EstimationError

INTERCEPT = "(Intercept)"


def check_columns(data: pd.DataFrame, columns: Sequence[str], rows: NDArray[np.bool_] | None = None) -> None:
    """Raise `DataError` unless every column exists and has no missing value in `rows`."""
    absent = [column for column in columns if column not in data.columns]
    if absent:
        raise DataError(
            f"expected the columns {', '.join(columns)}, found no {', '.join(absent)}: "
            "rename the columns of the data frame or the names in the specification"
        )
    total = len(data) if rows is None else int(rows.sum())
    found = []
    for column in columns:
        missing = data[column].isna().to_numpy()
        count = int(missing.sum() if rows is None else (missing & rows).sum())
        if count:
            found.append(f"{column} ({count} of {total})")
    if found:
        raise DataError(
            f"expected no missing values, found some in {', '.join(found)}: "
            "drop these rows or impute them before the fit"
        )


def design_matrix(
    data: pd.DataFrame,
    exposures: Sequence[str],
    covariates: Sequence[str],
    references: dict[str, str],
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return the names and the values of intercept, exposures and covariates.

    Parameters
    ----------
    data : pandas.DataFrame
        n rows, without missing values in the columns named.
    exposures, covariates : sequence of str
        See `envmix.regression.spec.RegressionSpec`.
    references : dict
        Reference level of each categorical covariate that does not use the first.

    Returns
    -------
    terms : tuple of str
        k names: ``(Intercept)``, the exposures, numeric covariates, ``covariate: level``.
    matrix : ndarray, shape (n, k)

    Raises
    ------
    DataError
        A reference level does not occur.
    EstimationError
        The columns are linearly dependent; names them.
    """
    terms = [INTERCEPT]
    columns = [np.ones(len(data))]
    for name in (*exposures, *covariates):
        if pd.api.types.is_numeric_dtype(data[name]):
            terms.append(name)
            columns.append(data[name].to_numpy(dtype=np.float64))
            continue
        answers = data[name].astype(str).to_numpy(dtype=object)
        for level in _levels(name, answers, references.get(name)):
            terms.append(f"{name}: {level}")
            columns.append((answers == level).astype(np.float64))
    matrix = np.column_stack(columns)
    _check_rank(terms, matrix)
    return tuple(terms), matrix


def _levels(name: str, answers: NDArray[np.object_], reference: str | None) -> list[str]:
    """Return the levels that get an indicator: all that occur, without the reference."""
    levels = sorted(set(answers))
    if len(levels) == 1:
        raise EstimationError(
            f"expected at least two levels of {name}, found only {levels[0]!r} in {len(answers)} rows: "
            "leave it out of the covariates"
        )
    if reference is not None and reference not in levels:
        raise DataError(
            f"expected the reference level {reference!r} in column {name}, "
            f"found only {', '.join(levels)}: choose one of these"
        )
    return [level for level in levels if level != (reference or levels[0])]


def _check_rank(terms: Sequence[str], matrix: NDArray[np.float64]) -> None:
    scale = np.linalg.norm(matrix, axis=0)
    empty = [name for name, size in zip(terms, scale, strict=True) if size == 0]
    if empty:
        raise EstimationError(
            f"expected columns that vary, found only zeros in {', '.join(empty)}: leave them out"
        )
    triangle, order = linalg.qr(matrix / scale, mode="r", pivoting=True)
    rank = int(np.sum(np.abs(np.diag(triangle)) > 1e-9))
    if rank < matrix.shape[1]:
        dependent = sorted(terms[index] for index in order[rank:])
        raise EstimationError(
            f"expected linearly independent columns, found {', '.join(dependent)} to be a combination of "
            f"the others in {len(matrix)} rows: leave out one of the columns involved"
        )
