"""From columns of a data frame to the numbers of a regression."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import linalg

from mixepi.arrays import FloatArray
from mixepi.errors import EstimationError
from mixepi.model_frame import covariate_columns, numeric_column

INTERCEPT = "(Intercept)"


def design_matrix(
    data: pd.DataFrame, exposures: Sequence[str], covariates: Sequence[str], references: Mapping[str, str]
) -> tuple[tuple[str, ...], FloatArray]:
    """Return the names and the values of intercept, exposures and covariates.

    Parameters
    ----------
    data : pandas.DataFrame
        n rows, without missing values in the columns named.
    exposures, covariates : sequence of str
        See `mixepi.regression.spec.RegressionSpec`.
    references : mapping
        Reference level of each categorical covariate that does not use the first.

    Returns
    -------
    terms : tuple of str
        k names: ``(Intercept)``, the exposures, numeric covariates, ``covariate[level]``.
    matrix : array, shape (n, k)

    Raises
    ------
    DataError
        A column is not numeric where it must be, a reference level does not occur, a covariate is constant.
    EstimationError
        The columns are linearly dependent; names them.
    """
    coded = covariate_columns(data, covariates, references)
    terms = (INTERCEPT, *exposures, *coded.names)
    matrix = np.column_stack(
        [np.ones(len(data)), *(numeric_column(data, name) for name in exposures), coded.matrix]
    )
    _check_rank(terms, matrix)
    return terms, matrix


def _check_rank(terms: Sequence[str], matrix: FloatArray) -> None:
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
