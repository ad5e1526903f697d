"""Multiple imputation by chained equations, and Rubin's rules for what comes of it.

The chained equations are statsmodels' `MICEData`: each incomplete column in turn gets the values of donors
whose predicted mean is near (predictive mean matching), so that what is imputed is always a value that was
observed. What is added here is the handling of factors, by the same matching on the predicted shares of all
levels. scikit-learn's `IterativeImputer` draws from a normal distribution and knows no factors at all.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg, special
from scipy.spatial import KDTree
from statsmodels.imputation.mice import MICEData
from threadpoolctl import threadpool_limits

from mixepi.arguments import require_integer, require_names, require_seed
from mixepi.arrays import FloatArray, IntArray
from mixepi.errors import ConvergenceWarning, DataError, EstimationError, SpecificationError
from mixepi.model_frame import as_numbers, require_columns, require_factor, row_values
from mixepi.random_streams import random_stream
from mixepi.replicates import enough, few_replicates
from mixepi.tables import check_level

DONORS = 5
CYCLES = 10
# The degrees of freedom of Barnard and Rubin (1999) account for few imputations; the variance between them
# needs two.
NEEDED_IMPUTATIONS = 2


def impute(
    data: pd.DataFrame, columns: Sequence[str], *, seed: int, imputations: int = 20
) -> list[pd.DataFrame]:
    """Return completed copies of a data frame.

    Parameters
    ----------
    data : pandas.DataFrame
        One row per participant.
    columns : sequence of str
        Columns of the imputation model: those to be completed, and those that predict them. These should hold
        everything that the analysis will use, its outcome and exposures too (leaving out the outcome pulls
        associations towards zero), and for a survey the weight. Columns that are not numbers are factors.
    imputations : int
        Number of copies; 20 by default, about one per percent of records that are incomplete (White, Royston
        and Wood 2011).
    seed : int
        Copy number k depends on the seed and k alone, not on how many copies there are.

    Returns
    -------
    list of pandas.DataFrame
        Each with the index, columns and types of `data`. Values that were there are untouched, columns not
        named too.

    Raises
    ------
    SpecificationError
        Fewer than one imputation, or a column named twice.
    DataError
        A column is absent, has infinite values, or has fewer values than the model has coefficients.

    Notes
    -----
    Chained equations with predictive mean matching (van Buuren and Groothuis-Oudshoorn 2011; five donors, ten
    cycles from a random start). A level of a factor is that of a donor with near predicted shares of all
    levels, by a multivariate linear regression of their indicators; unlike a multinomial model this cannot
    fail by separation where a level is rare.
    """
    require_integer("imputations", imputations, 1, "20 is usual")
    require_seed(seed)
    columns = require_names("columns", columns)
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise SpecificationError(f"expected each column once, found {', '.join(repeated)} more than once")
    require_columns(data, columns)
    levels = {name: _levels(data[name]) for name in columns}
    coded = pd.DataFrame({name: _coded(data[name], levels[name]) for name in columns})
    incomplete = [name for name in columns if coded[name].isna().any()]
    _check_enough(coded, levels, incomplete)
    completed = []
    for k in range(imputations):
        copy = data.copy()
        if incomplete:
            chain = _ChainedEquations(coded, levels, random_stream(seed, "imputation", k))
            with threadpool_limits(limits=1):  # another number of threads adds up in another order
                chain.update_all(CYCLES)
            for name in incomplete:
                copy[name] = _decoded(chain.data[name].to_numpy(), levels[name], data[name])
        completed.append(copy)
    return completed


def _levels(column: pd.Series) -> pd.Index | None:
    """Return the levels of a factor, None for a number."""
    if as_numbers(column) is not None and pd.api.types.infer_dtype(column, skipna=True) != "boolean":
        return None
    require_factor(column)
    levels: pd.Index = column.astype("category").cat.remove_unused_categories().cat.categories
    return levels


def _coded(column: pd.Series, levels: pd.Index | None) -> FloatArray:
    if levels is None:
        values = as_numbers(column)
        if values is None:
            raise TypeError(f"column {column.name!r} was taken for numbers")
        infinite = int(np.isinf(values).sum())
        if infinite:
            raise DataError(
                f"expected finite values in column {column.name!r}, found {infinite} infinite: a logarithm "
                "of zero is the usual reason"
            )
        return values
    codes = levels.get_indexer(pd.Index(column)).astype(np.float64)
    return np.where(codes < 0, np.nan, codes)


def _decoded(values: FloatArray, levels: pd.Index | None, original: pd.Series) -> pd.Series:
    missing = original.isna().to_numpy()
    filled = values[missing]
    complete = original.copy()
    if levels is None:
        # The very objects that were observed: decimals stay decimals.
        observed = dict(zip(values[~missing], original[~missing], strict=True))
        complete.iloc[np.flatnonzero(missing)] = [observed[value] for value in filled]
    else:
        complete.iloc[np.flatnonzero(missing)] = levels.take(filled.astype(np.int64)).to_numpy()
    return complete


def _check_enough(coded: pd.DataFrame, levels: dict[str, pd.Index | None], incomplete: Sequence[str]) -> None:
    sizes = {name: 1 if found is None else max(len(found) - 1, 0) for name, found in levels.items()}
    largest = max(sizes, key=lambda name: sizes[name])
    for name in incomplete:
        observed = int(coded[name].notna().sum())
        needed = max(1 + sum(sizes.values()) - sizes[name], DONORS)
        if observed <= needed < 2 * sizes[largest] and largest != name:
            raise DataError(
                f"expected fewer levels of {largest!r} than values to learn from, found "
                f"{sizes[largest] + 1} levels for {observed} values of {name!r} in {len(coded)} rows: leave "
                f"{largest!r} out (an identifier says nothing about others) or join levels"
            )
        if observed <= needed:
            raise DataError(
                f"expected more than {needed} values of {name!r} to learn from, found {observed} in "
                f"{len(coded)} rows: leave the column out"
            )


class _ChainedEquations(MICEData):  # type: ignore[misc]  # statsmodels has no types
    """statsmodels' chained equations over codes of factors, without its formulas.

    Parameters
    ----------
    coded : pandas.DataFrame
        n rows of doubles: numbers, or codes of the levels of a factor.
    levels : dict
        None for a number, the levels of a factor.
    rng : numpy.random.Generator
    """

    def __init__(
        self, coded: pd.DataFrame, levels: dict[str, pd.Index | None], rng: np.random.Generator
    ) -> None:
        # with a constant, no record is wholly empty; statsmodels would drop such a record
        constant = "_" * (1 + max(map(len, levels)))  # longer than every name, and so none of them
        super().__init__(coded.assign(**{constant: 0.0}), k_pmm=DONORS, rng=rng)
        self.levels = levels
        self.blocks: dict[str, FloatArray] = {}
        self.predictors = np.empty((len(coded), 0))
        for name in levels:
            observed = coded[name].to_numpy()[self.ix_obs[name]]
            self._put(name, rng.choice(observed, size=len(self.ix_miss[name])))

    def update(self, vname: str) -> None:
        rows = self.ix_obs[vname]
        others = [block for name, block in self.blocks.items() if name != vname]
        matrix = np.hstack([np.ones((len(self.data), 1)), *others])
        self.predictors = matrix[:, _independent_columns(matrix[rows])]
        found = self.levels[vname]
        if found is None:
            super().update(vname)
            return
        missing = self.ix_miss[vname]
        codes = self.data[vname].to_numpy()[rows]
        donors = matched_donors(
            (codes[:, None] == np.arange(1, len(found))).astype(np.float64),
            self.predictors[rows],
            self.predictors[missing],
            self.rng,
        )
        self._put(vname, codes[donors])

    def get_fitting_data(self, vname: str) -> tuple[FloatArray, FloatArray, dict[str, Any], dict[str, Any]]:
        rows = self.ix_obs[vname]
        return self._outcome(vname), self.predictors[rows], {}, {}

    def get_split_data(
        self, vname: str
    ) -> tuple[FloatArray, FloatArray, FloatArray, dict[str, Any], dict[str, Any]]:
        observed, missing = self.ix_obs[vname], self.ix_miss[vname]
        return self._outcome(vname), self.predictors[observed], self.predictors[missing], {}, {}

    def _outcome(self, name: str) -> FloatArray:
        values: FloatArray = self.data[name].to_numpy()[self.ix_obs[name]]
        return values

    def _store_changes(self, col: str, vals: FloatArray) -> None:
        self._put(col, np.atleast_1d(vals))

    def _put(self, name: str, values: FloatArray) -> None:
        """Store imputed values, and the column as a predictor: z-scores, or indicators of its levels."""
        self.data.iloc[self.ix_miss[name], self.data.columns.get_loc(name)] = values
        column = self.data[name].to_numpy()[:, None]
        found = self.levels[name]
        if found is None:
            self.blocks[name] = (column - column.mean()) / (column.std() or 1.0)
        else:
            self.blocks[name] = (column == np.arange(1, len(found))).astype(np.float64)


def _independent_columns(matrix: FloatArray) -> IntArray:
    """Positions of columns that are no combination of others: smoking tells whether someone ever smoked."""
    triangle, order = linalg.qr(matrix, mode="r", pivoting=True)
    size = np.abs(np.diag(triangle))
    return np.sort(order[: len(size)][size > 1e-9 * size[0]]).astype(np.int64)


def matched_donors(
    outcomes: FloatArray, observed: FloatArray, missing: FloatArray, rng: np.random.Generator
) -> IntArray:
    """Return, for each record to complete, a donor whose predicted outcomes are near.

    Parameters
    ----------
    outcomes : array, shape (n, q)
        Of the possible donors; here the indicators of all levels but one.
    observed, missing : array, shape (n, k) and (m, k)
        Linearly independent predictors of the donors, and of the records to complete.
    rng : numpy.random.Generator

    Returns
    -------
    int array, shape (m,)
        Positions among the donors, each drawn from the five at the smallest Mahalanobis distance between
        predictions, with coefficients drawn from their posterior distribution (equal distances at random).
    """
    coefficients = np.linalg.lstsq(observed, outcomes, rcond=None)[0]
    residuals = outcomes - observed @ coefficients
    covariance = residuals.T @ residuals / max(len(observed) - observed.shape[1], 1)
    # a level that its predictors give away leaves no residual variance
    covariance += 1e-6 * np.eye(len(covariance))
    spread = np.linalg.cholesky(covariance)
    # with X = QR, the coefficients vary as R^-1 Z L' where Z is standard normal and LL' the covariance
    triangle = np.linalg.qr(observed, mode="r")
    noise = rng.normal(size=coefficients.shape)
    drawn = coefficients + linalg.solve_triangular(triangle, noise) @ spread.T
    of_donors, of_missing = (
        # a little noise on both sides draws among donors at equal distance
        linalg.solve_triangular(spread, (rows @ drawn).T, lower=True).T
        + 1e-9 * rng.normal(size=(len(rows), len(spread)))
        for rows in (observed, missing)
    )
    nearest = np.asarray(KDTree(of_donors).query(of_missing, k=DONORS)[1])
    return np.asarray(nearest[np.arange(len(missing)), rng.integers(0, DONORS, len(missing))], dtype=np.int64)


@dataclass(frozen=True)
class PooledEstimate:
    """One number from several imputations, by Rubin's rules.

    Attributes
    ----------
    estimate : float
        Mean over the imputations.
    std_error : float
        Root of the total variance: within + (1 + 1/m) between.
    df : float
        Degrees of freedom of Barnard and Rubin (1999).
    within, between : float
        Mean of the squared standard errors; variance of the estimates.
    missing_information : float
        Fraction of missing information, from 0 to 1.
    imputations : int
        m, those with a fit.
    failed : int
        Imputations without one. When these are more than half, or fewer than two are left, only the estimate
        is there: standard error, interval and p value are missing.
    """

    estimate: float
    std_error: float
    df: float
    within: float
    between: float
    missing_information: float
    imputations: int
    failed: int

    @property
    def converged(self) -> bool:
        """Whether enough imputations have a fit for an interval."""
        return enough(self.imputations, self.imputations + self.failed, NEEDED_IMPUTATIONS)

    @property
    def p_value(self) -> float:
        """Two-sided, of t = estimate / std_error."""
        return float(2 * special.stdtr(self.df, -abs(self.estimate / self.std_error)))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the ends of the confidence interval."""
        check_level(level)
        half_width = float(special.stdtrit(self.df, 0.5 + level / 2)) * self.std_error
        return self.estimate - half_width, self.estimate + half_width


def pool(
    estimates: Sequence[float] | FloatArray | pd.Series,
    std_errors: Sequence[float] | FloatArray | pd.Series,
    *,
    df_complete: float | Sequence[float],
) -> PooledEstimate:
    """Combine the estimates of one number from several imputations.

    Parameters
    ----------
    estimates, std_errors : array or Series, shape (m,)
        One of each per imputation, on a scale where the estimate is about normal (log odds, not odds). Two
        Series are matched by their labels. An imputation whose fit failed has missing ones: it is counted and
        left out.
    df_complete : float or sequence of float
        Degrees of freedom that the analysis would have without missing values, ``df`` of the fits: infinite
        for a normal distribution, few under a survey design. Of several the smallest counts.

    Returns
    -------
    PooledEstimate

    Raises
    ------
    EstimationError
        Fewer than two imputations, or none with a finite estimate and a positive standard error.

    Warns
    -----
    ConvergenceWarning
        If some imputations have no fit.

    Notes
    -----
    Rubin (1987), section 3.3; degrees of freedom of Barnard and Rubin (1999), equation 3.
    """
    if isinstance(estimates, pd.Series) and isinstance(std_errors, pd.Series):
        std_errors = row_values("std_errors", std_errors, estimates.index)
    q = np.asarray(estimates, dtype=np.float64)
    se = np.asarray(std_errors, dtype=np.float64)
    m = q.size
    if m < 2 or q.shape != se.shape or q.ndim != 1:
        raise EstimationError(
            f"expected one estimate and one standard error from each of at least 2 imputations, found "
            f"{q.size} and {se.size}: impute more often"
        )
    fitted = np.isfinite(q) & np.isfinite(se) & (se > 0)
    q, se, failed = q[fitted], se[fitted], int((~fitted).sum())
    smallest = float(np.min(np.asarray(df_complete, dtype=np.float64)))
    if not q.size or not smallest > 0:
        raise EstimationError(
            f"expected finite estimates, positive standard errors and degrees of freedom, found {failed} of "
            f"{m} imputations without, and {smallest} degrees of freedom: look at the fits that failed"
        )
    if failed:
        text = f"expected a fit of each of {m} imputations, found none of {failed}: these are left out"
        if not enough(q.size, m, NEEDED_IMPUTATIONS):
            text = few_replicates("imputations", q.size, m, NEEDED_IMPUTATIONS)
        warnings.warn(ConvergenceWarning(text), stacklevel=2)
    if not enough(q.size, m, NEEDED_IMPUTATIONS):
        missing = dict.fromkeys(("std_error", "df", "within", "between", "missing_information"), np.nan)
        return PooledEstimate(estimate=float(q.mean()), imputations=q.size, failed=failed, **missing)
    m = q.size
    within, between = float(np.mean(se**2)), float(np.var(q, ddof=1))
    added = (1 + 1 / m) * between
    total = within + added
    share = added / total
    df = _barnard_rubin(m, share, smallest)
    ratio = added / within
    return PooledEstimate(
        estimate=float(q.mean()),
        std_error=float(np.sqrt(total)),
        df=df,
        within=within,
        between=between,
        missing_information=(ratio + 2 / (df + 3)) / (ratio + 1),
        imputations=m,
        failed=failed,
    )


def _barnard_rubin(m: int, share: float, df_complete: float) -> float:
    """`share`: proportion of the total variance that the missing values add."""
    df_imputation = (m - 1) / share**2 if share > 0 else np.inf
    if np.isinf(df_complete):
        return float(df_imputation)
    df_observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
    return float(1 / (1 / df_imputation + 1 / df_observed))
