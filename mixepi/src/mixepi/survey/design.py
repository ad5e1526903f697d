"""The design of a sample, its primary sampling units (PSUs), and what is totalled or resampled by them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mixepi.arrays import BoolArray, FloatArray, IntArray
from mixepi.errors import EstimationError, SpecificationError
from mixepi.model_frame import factor_levels, require_complete, weight_column


@dataclass(frozen=True, kw_only=True)
class SurveyDesign:
    """Sampling design of all rows, those outside the domain included: arrays of shape (n,).

    Weights are positive; outside the domain their values do not matter. A PSU code is unique within its
    stratum only.
    """

    strata: FloatArray
    psu: FloatArray
    weights: FloatArray


def require_design(weights: str | None, strata: str | None, psu: str | None) -> bool:
    """Return whether a design is specified; `SpecificationError` if only part of it is."""
    given = [strata is not None, psu is not None]
    if any(given) and not (all(given) and weights is not None):
        raise SpecificationError(
            f"expected weights, strata and psu together, found weights={weights!r}, strata={strata!r}, "
            f"psu={psu!r}: name all three columns, or weights alone for model-based inference"
        )
    return all(given)


def survey_design(
    data: pd.DataFrame, rows: BoolArray, *, weights: str | None, strata: str | None, psu: str | None
) -> SurveyDesign:
    """Return the design of all rows of a data frame.

    Parameters
    ----------
    data : pandas.DataFrame
        n rows: the whole sample.
    rows : bool array, shape (n,)
        The domain. Rows outside it only tell which PSUs exist: their weights may be missing or zero.
    weights, strata, psu : str
        Columns.

    Raises
    ------
    SpecificationError
        A column is not named.
    DataError
        A stratum or PSU is missing, or a weight of the domain is no finite number.
    """
    if weights is None or strata is None or psu is None:
        raise SpecificationError(
            "expected weights, strata and psu together, found one missing: name all three"
        )
    require_complete(data, [strata, psu])
    values = np.ones(len(data))
    values[rows] = weight_column(data[rows], weights)
    return SurveyDesign(
        strata=factor_levels(data[strata])[0], psu=factor_levels(data[psu])[0], weights=values
    )


@dataclass(frozen=True, kw_only=True)
class SamplingUnits:
    """The S PSUs of some rows: the stratum of each, shape (S,), and the PSU of each row, shape (n,)."""

    strata: FloatArray
    of_row: IntArray

    @property
    def df(self) -> float:
        """PSUs minus strata."""
        return float(self.strata.size - np.unique(self.strata).size)

    def by_stratum(self) -> Iterator[IntArray]:
        """Yield the positions of the PSUs of each stratum, by the stratum's code."""
        for stratum in np.unique(self.strata):
            yield np.flatnonzero(self.strata == stratum)


def sampling_units(design: SurveyDesign, rows: BoolArray | None = None) -> SamplingUnits:
    """Return the PSUs that occur, among `rows` (all by default)."""
    pairs = np.column_stack([design.strata, design.psu])
    units, of_row = np.unique(pairs if rows is None else pairs[rows], axis=0, return_inverse=True)
    return SamplingUnits(strata=units[:, 0], of_row=of_row.ravel())


def require_two_units(units: SamplingUnits) -> None:
    """Raise `EstimationError` if a stratum has a single PSU, which leaves its variance unknown."""
    sizes = np.unique(units.strata, return_counts=True)[1]
    lonely = int(np.sum(sizes == 1))
    if lonely:
        raise EstimationError(
            f"expected at least two PSUs in every stratum, found one in {lonely} of {sizes.size} strata: "
            "combine strata or check the psu column"
        )


def total_covariance(
    scores: FloatArray, design: SurveyDesign, positions: IntArray
) -> tuple[FloatArray, float]:
    """Return the linearised covariance of the total of `scores`, and its degrees of freedom, PSUs - strata.

    Parameters
    ----------
    scores : array, shape (m, k)
        Weighted contributions of the rows of the domain.
    design : SurveyDesign
        Of all n rows.
    positions : int array, shape (m,)
        Of the rows of the domain among all.

    Notes
    -----
    Sum over strata of h / (h - 1) times the sum of squares of the h PSU totals about their mean
    (Binder 1983).
    """
    units = sampling_units(design)
    require_two_units(units)
    totals = np.zeros((units.strata.size, scores.shape[1]))
    np.add.at(totals, units.of_row[positions], scores)
    covariance = np.zeros((scores.shape[1], scores.shape[1]))
    for members in units.by_stratum():
        m = members.size
        centred = totals[members] - totals[members].mean(axis=0)
        covariance += m / (m - 1) * centred.T @ centred
    return covariance, units.df


def rao_wu_factors(
    generator: np.random.Generator, design: SurveyDesign, resamples: int
) -> tuple[FloatArray, float]:
    """Return weight factors (B, n) of the rescaled bootstrap (Rao and Wu 1988) and its degrees of freedom.

    In a stratum of m PSUs, m - 1 are drawn with replacement and the weights multiplied by m / (m - 1). The
    degrees of freedom are PSUs - strata.
    """
    units = sampling_units(design)
    require_two_units(units)
    factors = np.zeros((resamples, units.strata.size))
    for members in units.by_stratum():
        m = members.size
        drawn = generator.integers(0, m, size=(resamples, m - 1))
        for j, member in enumerate(members):
            factors[:, member] = (drawn == j).sum(axis=1) * m / (m - 1)
    return factors[:, units.of_row], units.df
