"""From columns of a data frame to the numbers of a regression, with everything checked on the way."""

from collections.abc import Sequence

import formulaic
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
    selected = data if rows is None else data.loc[rows]
    missing = {column: int(selected[column].isna().sum()) for column in columns}
    found = [f"{column} ({count} of {len(selected)})" for column, count in missing.items() if count]
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
) -> pd.DataFrame:
    """Return intercept, exposures and covariates as columns of floats.

    Parameters
    ----------
    data : pandas.DataFrame
        Without missing values in the columns named.
    exposures, covariates : sequence of str
        See `envmix.regression.spec.RegressionSpec`.
    references : dict
        Reference level of each categorical covariate that does not use the first.

    Raises
    ------
    DataError
        A reference level does not occur.
    EstimationError
        The columns are linearly dependent; names them.
    """
    terms = [_term(name) for name in exposures]
    names = list(exposures)
    for covariate in covariates:
        if pd.api.types.is_numeric_dtype(data[covariate]):
            terms.append(_term(covariate))
            names.append(covariate)
            continue
        levels = sorted(str(level) for level in data[covariate].unique())
        reference = references.get(covariate, levels[0])
        if reference not in levels:
            raise DataError(
                f"expected the reference level {reference!r} in column {covariate}, "
                f"found only {', '.join(levels)}: choose one of these"
            )
        if len(levels) == 1:
            raise EstimationError(
                f"expected at least two levels of {covariate}, found only {levels[0]!r} in "
                f"{len(data)} rows: leave it out of the covariates"
            )
        terms.append(f"C({_term(covariate)}, contr.treatment(base={reference!r}))")
        names.extend(f"{covariate}: {level}" for level in levels if level != reference)
    # An intercept is always first, so categorical covariates lose exactly their reference level.
    matrix = pd.DataFrame(
        formulaic.model_matrix(" + ".join(["1", *terms]), data, na_action="raise"), dtype=np.float64
    )
    matrix.columns = pd.Index([INTERCEPT, *names])
    _check_rank(matrix)
    return matrix


def _term(column: str) -> str:
    return f"`{column}`"


def _check_rank(matrix: pd.DataFrame) -> None:
    values = matrix.to_numpy()
    scale = np.linalg.norm(values, axis=0)
    empty = [name for name, size in zip(matrix.columns, scale, strict=True) if size == 0]
    if empty:
        raise EstimationError(
            f"expected columns that vary, found only zeros in {', '.join(empty)}: leave them out"
        )
    _, triangle, order = linalg.qr(values / scale, mode="economic", pivoting=True)
    rank = int(np.sum(np.abs(np.diag(triangle)) > 1e-9))
    if rank < values.shape[1]:
        dependent = sorted(matrix.columns[index] for index in order[rank:])
        raise EstimationError(
            f"expected linearly independent columns, found {', '.join(dependent)} to be a combination of "
            f"the others in {len(values)} rows: leave out one of the columns involved"
        )
