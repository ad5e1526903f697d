"""From columns of a data frame to the numbers of a regression."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mixepi.arrays import FloatArray
from mixepi.model_frame import covariate_columns, distinct_terms, numeric_column
from mixepi.rank import require_independent

INTERCEPT = "(Intercept)"


def design_matrix(
    data: pd.DataFrame, exposures: Sequence[str], covariates: Sequence[str], references: Mapping[str, object]
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
    terms = distinct_terms((INTERCEPT, *exposures, *coded.names))
    matrix = np.column_stack(
        [np.ones(len(data)), *(numeric_column(data, name) for name in exposures), coded.matrix]
    )
    require_independent(matrix, terms)
    return terms, matrix
