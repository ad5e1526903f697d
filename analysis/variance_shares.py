"""Which of several choices move an estimate: shares of its variance over the specifications."""

from collections.abc import Sequence
from math import factorial

import numpy as np
import pandas as pd

from mixepi.arrays import FloatArray
from mixepi.errors import SpecificationError

# Beyond this, 2^k regressions take too long.
MOST_CHOICES = 16


def variance_shares(
    table: pd.DataFrame, keys: Sequence[str], choices: Sequence[str], *, value: str = "estimate"
) -> pd.DataFrame:
    """Share the variance of an estimate among the choices that led to it.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per specification: the keys, one column per choice with the level taken (null where the choice
        does not apply), and the estimate. Rows without an estimate are left out.
    keys : sequence of str
        Columns within whose combinations estimates are comparable.
    choices : sequence of str
    value : str

    Returns
    -------
    pandas.DataFrame
        One row per combination of the keys and choice of which it has two levels or more: keys, choice,
        levels, specifications, share_of_variance, share_explained (their sum: what all choices explain
        without interplay). Shares are null where all estimates are equal. Keys are text, whatever they were.
        No rows, with the same columns and types, where the table has no estimate.

    Raises
    ------
    SpecificationError
        More than 16 choices.

    Notes
    -----
    The share of a choice is what it adds to R2 of the linear regression of the estimate on indicators of the
    levels, averaged over all orders in which choices can be added (Lindeman, Merenda and Gold 1980; the
    Shapley value of R2). Where choices are fully crossed this is the one-way share of analysis of variance.
    """
    if len(choices) > MOST_CHOICES:
        raise SpecificationError(
            f"expected at most {MOST_CHOICES} choices, found {len(choices)}: leave out those that matter "
            "least"
        )
    rows = []
    for key, group in table[table[value].notna()].groupby(list(keys), sort=True):
        varied = [name for name in choices if group[name].nunique() > 1]
        estimates = group[value].to_numpy(dtype=np.float64)
        shares = _average_gains([_indicators(group[name]) for name in varied], estimates)
        for name, share in zip(varied, shares, strict=True):
            rows.append(
                dict(zip(keys, key, strict=True))
                | {
                    "choice": name,
                    "levels": group[name].nunique(),
                    "specifications": len(group),
                    "share_of_variance": share,
                    "share_explained": shares.sum(),
                }
            )
    types = {
        **dict.fromkeys([*keys, "choice"], "str"),
        **dict.fromkeys(["levels", "specifications"], "int64"),
        **dict.fromkeys(["share_of_variance", "share_explained"], "float64"),
    }
    # a table without rows has its types too: DuckDB would make whole numbers of columns without any
    return pd.DataFrame(rows, columns=list(types)).astype(types)


def _indicators(column: pd.Series) -> FloatArray:
    """Centred indicators of all levels but the first, shape (n, levels - 1)."""
    codes, levels = pd.factorize(column, sort=True, use_na_sentinel=False)
    indicators = (codes[:, None] == np.arange(1, len(levels))).astype(np.float64)
    return np.asarray(indicators - indicators.mean(axis=0))


def _average_gains(blocks: list[FloatArray], estimates: FloatArray) -> FloatArray:
    count = len(blocks)
    deviations = estimates - estimates.mean()
    total = float(deviations @ deviations)
    if not blocks or total <= 1e-24 * max(float(estimates @ estimates), 1e-300):
        return np.full(count, np.nan)
    owner = np.repeat(np.arange(count), [block.shape[1] for block in blocks])
    matrix = np.column_stack(blocks)
    gram, cross = matrix.T @ matrix, matrix.T @ deviations
    explained = np.zeros(2**count)
    for subset in range(1, 2**count):
        used = np.flatnonzero(subset >> owner & 1)
        # of full rank or not: pinv's cut-off leaves out what choices have in common twice
        solution = np.linalg.lstsq(gram[np.ix_(used, used)], cross[used], rcond=1e-10)[0]
        explained[subset] = cross[used] @ solution / total
    gains = np.zeros(count)
    for subset in range(2**count):
        size = subset.bit_count()
        weight = factorial(size) * factorial(count - size - 1) / factorial(count) if size < count else 0.0
        for choice in range(count):
            if not subset >> choice & 1:
                gains[choice] += weight * (explained[subset | 1 << choice] - explained[subset])
    return gains
