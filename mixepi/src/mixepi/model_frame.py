"""From a data frame and column names to checked arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from mixepi.arguments import is_number, nearest_names
from mixepi.arrays import BoolArray, FloatArray, IntArray
from mixepi.errors import DataError, SpecificationError

# What a column of objects may hold to be a column of numbers.
NUMBERS = (Real, Decimal, np.bool_)


def require_columns(data: pd.DataFrame, names: Sequence[str]) -> None:
    """Raise `DataError` naming every column of `names` that `data` lacks or holds more than once."""
    if not isinstance(data, pd.DataFrame):
        kind = type(data)
        library = kind.__module__.partition(".")[0]
        found = kind.__name__ if library == "builtins" else f"{library}.{kind.__name__}"
        way = "data.to_pandas()" if hasattr(data, "to_pandas") else "pandas.DataFrame(data)"
        raise DataError(f"expected a pandas DataFrame, found {found}: convert it, as in {way}")
    missing = [name for name in dict.fromkeys(names) if name not in data.columns]
    if missing:
        raise DataError(
            f"expected columns {', '.join(map(repr, missing))}, found none of that name among "
            f"{len(data.columns)} columns: {nearest_names(missing, data.columns)}"
        )
    for name in names:
        column = data[name]
        if isinstance(column, pd.DataFrame):
            raise DataError(
                f"expected one column {name!r}, found {column.shape[1]} of that name: rename or drop "
                "the others"
            )


def require_complete(data: pd.DataFrame, names: Sequence[str], rows: BoolArray | None = None) -> None:
    """Raise `DataError` that counts the missing values of each column of `names` within `rows`."""
    found = []
    for name in dict.fromkeys(names):
        column = data[name]
        if column.hasnans:
            missing = column.isna().to_numpy()
            count = int(missing.sum() if rows is None else missing[rows].sum())
            if count:
                found.append(f"{name}: {count}")
    if found:
        n = len(data) if rows is None else int(rows.sum())
        raise DataError(
            f"expected no missing values in {n} rows, found {'; '.join(found)}: drop or impute these "
            "rows first"
        )


def row_values(name: str, values: Any, index: pd.Index) -> np.ndarray:
    """Return one value per row of a data frame: a Series is read by its labels, all else by position.

    Parameters
    ----------
    name : str
        What the values are, for messages.
    values : Series, or array of shape (n,)
    index : pandas.Index
        Labels of the n rows.

    Raises
    ------
    DataError
        The number of values is wrong, a row has no value, or repeated labels leave open whose is whose.
    """
    if not isinstance(values, pd.Series):
        given = np.asarray(values)
        if given.shape != (len(index),):
            raise DataError(
                f"expected {name} to be {len(index)} values, found shape {given.shape}: pass one per row of "
                "the data frame, in its order, or a Series with its labels"
            )
        return given
    if values.index.equals(index):
        return values.to_numpy()
    repeated = int(values.index.duplicated().sum() + index.duplicated().sum())
    if repeated:
        raise DataError(
            f"expected labels that identify rows, found {repeated} repeated in the index of {name} or of the "
            "data frame, whose orders differ: give both one label per row, as reset_index(drop=True) does"
        )
    absent = index.difference(values.index, sort=False)
    if len(absent):
        raise DataError(
            f"expected {name} to have a value for every row, found none for {len(absent)} of {len(index)} "
            f"labels, such as {absent[0]!r}: give it the index of the data frame, or pass an array"
        )
    return values.loc[index].to_numpy()


def domain_rows(data: pd.DataFrame, domain: str | None) -> BoolArray:
    """Return the analysed rows of `data` as a mask; `DataError` if the domain is not boolean or empty."""
    if domain is None:
        rows = np.ones(len(data), dtype=np.bool_)
    else:
        require_complete(data, [domain])
        values = as_numbers(data[domain])
        other = len(data) if values is None else int((~np.isin(values, (0, 1))).sum())
        if values is None or other:
            raise DataError(
                f"expected domain {domain!r} to be true or false, found {other} other values: make it boolean"
            )
        rows = values == 1.0
    if not rows.any():
        raise DataError(
            f"expected rows to analyse, found none of {len(data)}: check the domain and the data frame"
        )
    return rows


def row_order(data: pd.DataFrame, rows: BoolArray, identifier: str | None) -> IntArray:
    """Return the positions of `rows`, by `identifier` if there is one, which must then identify them."""
    positions = np.flatnonzero(rows)
    if identifier is None:
        return positions
    values = data[identifier].iloc[positions]
    repeated = int(values.duplicated().sum())
    if repeated:
        raise DataError(
            f"expected one row per value of {identifier!r}, found {repeated} repeated: choose a column that "
            "identifies rows"
        )
    try:
        order = np.argsort(values.to_numpy(), kind="stable")
    except TypeError as error:
        kinds = sorted({type(value).__name__ for value in values})
        raise DataError(
            f"expected values of {identifier!r} that can be put in order, found {' and '.join(kinds)}: "
            "convert the column to one type"
        ) from error
    return positions[order]


def require_distinct(values: FloatArray, names: Sequence[str], what: str) -> None:
    """Raise `DataError` if two of the varying columns of `values` (n, p) are copies up to scale."""
    if len(names) < 2:
        return
    first, second = np.nonzero(np.triu(np.abs(np.corrcoef(values.T)) > 1 - 1e-12, 1))
    if first.size:
        raise DataError(
            f"expected different exposures, found {names[first[0]]!r} and {names[second[0]]!r} to be copies "
            f"of each other (the same {what}, up to scale): drop one"
        )


def numeric_column(data: pd.DataFrame, name: str) -> FloatArray:
    """Return one column as finite doubles, shape (n,); `DataError` if it is not numeric or not finite."""
    column = data[name]
    values = as_numbers(column)
    if values is None:
        raise DataError(
            f"expected column {name!r} to be numeric, found dtype {column.dtype}: convert it to numbers"
        )
    missing, infinite = int(np.isnan(values).sum()), int(np.isinf(values).sum())
    if missing:
        raise DataError(
            f"expected finite values in column {name!r}, found {missing} of {len(values)} missing: drop or "
            "impute these rows first"
        )
    if infinite:
        raise DataError(
            f"expected finite values in column {name!r}, found {infinite} of {len(values)} infinite: "
            "a logarithm of zero is the usual reason"
        )
    return values


def as_numbers(column: pd.Series) -> FloatArray | None:
    """Return a column as doubles, missing ones as NaN, or None if it does not hold numbers.

    What counts is the values, not how they are stored: integers, floats, decimals and booleans, of NumPy, of
    pandas' nullable types, of Arrow, or as Python objects. Categories are none, even of numbers.
    """
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        if pd.api.types.is_complex_dtype(column):
            return None
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    if column.dtype != object:
        return None
    missing = column.isna().to_numpy()
    known = column.to_numpy()[~missing]
    if not known.size or not all(isinstance(value, NUMBERS) for value in known):
        return None
    values = np.full(len(column), np.nan)
    values[~missing] = known.astype(np.float64)
    return values


@dataclass(frozen=True)
class Covariates:
    """Covariate columns of a design without the intercept: `matrix` (n, c) and one name per column."""

    matrix: FloatArray
    names: tuple[str, ...]


def covariate_columns(
    data: pd.DataFrame, names: Sequence[str], references: Mapping[str, object] = MappingProxyType({})
) -> Covariates:
    """Return numeric covariates as they are and others in treatment coding.

    A level's column is named ``covariate[level]``. Levels are those of a categorical dtype that occur, or the
    sorted distinct values; the reference is the one that `references` names, or else the first. A reference
    is compared by value and type: 3 is no ``"3"``.

    Raises
    ------
    SpecificationError
        A reference is given of a numeric covariate.
    DataError
        A reference level does not occur, or a covariate is constant.
    """
    columns: list[FloatArray] = []
    labels: list[str] = []
    for name in names:
        column = data[name]
        if as_numbers(column) is not None:
            if name in references:
                raise SpecificationError(
                    f"expected references of covariates with levels, found one of {name!r}, which is numeric "
                    f"({column.dtype}): leave it out, or make the column categorical"
                )
            columns.append(numeric_column(data, name))
            labels.append(name)
            continue
        require_factor(column)
        codes, levels = factor_levels(column)
        reference = _reference_code(column, references[name]) if name in references else 0
        if len(levels) == 1:
            raise DataError(
                f"expected at least two levels of {name!r}, found only {levels[0]!r} in {len(data)} rows: "
                "leave it out of the specification"
            )
        for k, level in enumerate(levels):
            if k != reference:
                columns.append((codes == k).astype(np.float64))
                labels.append(f"{name}[{level}]")
    matrix = np.column_stack(columns) if columns else np.empty((len(data), 0))
    constant = [label for label, values in zip(labels, columns, strict=True) if np.ptp(values) == 0]
    if constant:
        raise DataError(
            f"expected covariates that vary, found {', '.join(map(repr, constant))} constant in "
            f"{len(data)} rows: "
            "leave them out of the specification"
        )
    return Covariates(matrix, distinct_terms(labels))


def _reference_code(column: pd.Series, reference: object) -> int:
    found = _levels_that_occur(column)[1]
    for code, level in enumerate(found):
        alike = isinstance(level, str) == isinstance(reference, str) and is_number(level) == is_number(
            reference
        )
        if alike and level == reference:
            return code
    raise DataError(
        f"expected the reference level {reference!r} in column {column.name!r}, found only "
        f"{', '.join(map(repr, found.tolist()))}: choose one of these"
    )


def distinct_terms(terms: Sequence[str]) -> tuple[str, ...]:
    """Return names of terms of which no two are equal: a column named like an earlier term is marked."""
    names: list[str] = []
    for term in terms:
        name = term
        while name in names:
            name = f"{name} (column)"
        names.append(name)
    return tuple(names)


def require_factor(column: pd.Series) -> None:
    """Raise `DataError` if a column that is not numeric holds times, whose levels would be no groups."""
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind in ("date", "datetime", "datetime64", "time", "timedelta", "timedelta64", "period"):
        raise DataError(
            f"expected column {column.name!r} to hold numbers or groups, found dtype {column.dtype} ({kind}, "
            f"{column.nunique()} values): convert it to numbers, such as years since a date, or to groups"
        )


def _levels_that_occur(column: pd.Series) -> tuple[FloatArray, pd.Index]:
    """Return integer codes (n,), -1 where a value is missing, and the levels that occur, in order."""
    factor = pd.Categorical(column)
    occurs = np.bincount(factor.codes + 1, minlength=len(factor.categories) + 1)[1:] > 0
    new_code = np.append(np.cumsum(occurs) - 1.0, -1.0)
    return new_code[factor.codes], factor.categories[occurs]


def factor_levels(column: pd.Series) -> tuple[FloatArray, tuple[str, ...]]:
    """Return integer codes (n,) of a factor's levels and the levels that occur, in order."""
    codes, found = _levels_that_occur(column)
    levels = tuple(map(str, found))
    if len(set(levels)) < len(levels):
        alike = next(level for level in levels if levels.count(level) > 1)
        kinds = sorted({type(value).__name__ for value in found if str(value) == alike})
        raise DataError(
            f"expected levels of {column.name!r} that can be told apart, found {alike} as "
            f"{' and as '.join(kinds)}: convert the column to one type"
        )
    return codes, levels


def weight_column(data: pd.DataFrame, name: str) -> FloatArray:
    """Return the weights of some rows, shape (n,); `DataError` if one is missing."""
    missing = int(data[name].isna().sum())
    if missing:
        raise DataError(
            f"expected weights in column {name!r}, found {missing} of {len(data)} missing: exclude these "
            "rows (or mark them as outside the domain)"
        )
    return numeric_column(data, name)


def observation_weights(data: pd.DataFrame, name: str | None, rows: BoolArray | None = None) -> FloatArray:
    """Return weights divided by their mean over `rows`, shape (n,); all ones without a column.

    Raises
    ------
    DataError
        If a weight within `rows` is not positive.
    """
    if name is None:
        return np.ones(len(data))
    values = weight_column(data, name)
    used = values if rows is None else values[rows]
    wrong = int(np.sum(used <= 0))
    if wrong:
        raise DataError(
            f"expected positive weights in column {name!r}, found {wrong} of {used.size} zero or negative: "
            "exclude these rows (or mark them as outside the domain)"
        )
    return np.asarray(values / used.mean())
