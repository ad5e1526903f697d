"""The design of a sample as a domain sees it: its primary sampling units (PSUs), what they total or resample.

Every method takes its degrees of freedom, its rule for a stratum with one PSU and its refusals from
`sampling_units`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mixepi.arrays import BoolArray, FloatArray, IntArray
from mixepi.errors import EstimationError, SpecificationError
from mixepi.model_frame import factor_levels, require_complete, weight_column

# A stratum of fewer PSUs cannot be split with two on either side, which a variance and a resample each need.
PSUS_TO_SPLIT = 4


@dataclass(frozen=True, kw_only=True)
class SurveyDesign:
    """Sampling design of all rows, and the domain that is analysed: arrays of shape (n,).

    Weights are positive; outside the domain their values do not matter. A PSU code is unique within its
    stratum only.
    """

    strata: FloatArray
    psu: FloatArray
    weights: FloatArray
    domain: BoolArray

    def within(self, rows: BoolArray) -> "SurveyDesign":
        """Return the same sample with the domain `rows`, shape (n,)."""
        return replace(self, domain=rows)


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
        strata=factor_levels(data[strata])[0],
        psu=factor_levels(data[psu])[0],
        weights=values,
        domain=rows,
    )


@dataclass(frozen=True, kw_only=True)
class SamplingUnits:
    """The S PSUs of the strata in which a domain has rows.

    A stratum without a row of the domain adds nothing to a variance, and is left out as R's
    ``subset(design, domain)`` does. A PSU without one, in a stratum that has some, is a total of zero and
    counts for the variance, but gives no degree of freedom (R's ``degf``).

    Attributes
    ----------
    strata : array, shape (S,)
        Stratum of each PSU.
    occupied : bool array, shape (S,)
        The PSU has rows of the domain.
    of_row : int array, shape (n,)
        PSU of each row of the sample, -1 in other strata.
    """

    strata: FloatArray
    occupied: BoolArray
    of_row: IntArray

    @property
    def df(self) -> float:
        """PSUs minus strata, both counted where the domain has rows."""
        return float(self.occupied.sum() - np.unique(self.strata).size)

    def residual_df(self, coefficients: int) -> float:
        """Return the degrees of freedom of a regression: `df` + 1 - coefficients, as R's ``svyglm``.

        Raises `EstimationError` if none is left.
        """
        found = self.df + 1 - coefficients
        if found < 1:
            raise EstimationError(
                f"expected at least one degree of freedom, found {found:g} ({self._counted}, "
                f"{coefficients} parameters): use fewer covariates"
            )
        return found

    def by_stratum(self) -> Iterator[IntArray]:
        """Yield the positions of the PSUs of each stratum, by the stratum's code."""
        for stratum in np.unique(self.strata):
            yield np.flatnonzero(self.strata == stratum)

    @property
    def _counted(self) -> str:
        return f"{int(self.occupied.sum())} PSUs in {np.unique(self.strata).size} strata"

    def require_variance(self) -> None:
        """Raise `EstimationError` where the design leaves a variance unknown."""
        sizes = np.unique(self.strata, return_counts=True)[1]
        lonely = int(np.sum(sizes == 1))
        if lonely:
            raise EstimationError(
                f"expected at least two PSUs in every stratum, found one in {lonely} of {sizes.size} strata: "
                "combine strata or check the psu column"
            )
        if self.df < 1:
            raise EstimationError(
                f"expected more PSUs with rows of the domain than strata, found {self._counted}: no degree "
                "of freedom is left for a variance; take a larger domain or combine strata"
            )


def sampling_units(design: SurveyDesign) -> SamplingUnits:
    """Return the PSUs that the variance of the domain rests on.

    Raises
    ------
    EstimationError
        A stratum with rows of the domain has a single PSU in the sample, or no degree of freedom is left.
    """
    pairs = np.column_stack([design.strata, design.psu])
    found, number = np.unique(pairs, axis=0, return_inverse=True)
    of_row = number.ravel()
    occupied = np.bincount(of_row[design.domain], minlength=len(found)) > 0
    kept = np.isin(found[:, 0], design.strata[design.domain])
    units = SamplingUnits(
        strata=found[kept, 0],
        occupied=occupied[kept],
        of_row=np.where(kept, np.cumsum(kept) - 1, -1)[of_row],
    )
    units.require_variance()
    return units


def total_covariance(
    scores: FloatArray, design: SurveyDesign, positions: IntArray
) -> tuple[FloatArray, float]:
    """Return the linearised covariance of the total of `scores`, and its degrees of freedom.

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
    totals = np.zeros((units.strata.size, scores.shape[1]))
    np.add.at(totals, units.of_row[positions], scores)
    covariance = np.zeros((scores.shape[1], scores.shape[1]))
    for members in units.by_stratum():
        m = members.size
        centred = totals[members] - totals[members].mean(axis=0)
        covariance += m / (m - 1) * centred.T @ centred
    return covariance, units.df


def rao_wu_factors(generator: np.random.Generator, strata: FloatArray, resamples: int) -> FloatArray:
    """Return weight factors (B, S) of PSUs in the rescaled bootstrap of Rao and Wu (1988).

    In a stratum of m PSUs, m - 1 are drawn with replacement and the weights multiplied by m / (m - 1). A
    stratum of one PSU, of which `sampling_units` allows no variance, is kept as it is.

    Parameters
    ----------
    generator : numpy.random.Generator
    strata : array, shape (S,)
        Stratum of each PSU.
    resamples : int
        B.
    """
    factors = np.ones((resamples, strata.size))
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        m = members.size
        if m == 1:
            continue
        drawn = generator.integers(0, m, size=(resamples, m - 1))
        for j, member in enumerate(members):
            factors[:, member] = (drawn == j).sum(axis=1) * m / (m - 1)
    return factors


def split_units(generator: np.random.Generator, strata: FloatArray, share: float) -> BoolArray:
    """Return which PSUs, shape (S,), go to one side of a split, about `share` of them.

    Both sides keep at least two PSUs of each stratum they have, so that each is a design of its own: strata
    of four PSUs or more are split within, smaller ones go to one side as a whole.

    Parameters
    ----------
    generator : numpy.random.Generator
    strata : array, shape (S,)
        Stratum of each PSU.
    share : float
        Above 0 and below 1.

    Raises
    ------
    EstimationError
        There is nothing to split: one stratum, of fewer than four PSUs.
    """
    codes, sizes = np.unique(strata, return_counts=True)
    chosen = np.zeros(strata.size, dtype=np.bool_)
    for stratum in codes[sizes >= PSUS_TO_SPLIT]:
        members = generator.permutation(np.flatnonzero(strata == stratum))
        chosen[members[: min(max(round(share * members.size), 2), members.size - 2)]] = True
    small = codes[sizes < PSUS_TO_SPLIT]
    if small.size == 1 and codes.size == 1:
        raise EstimationError(
            f"expected at least 2 strata, or {PSUS_TO_SPLIT} PSUs in a stratum, to split by whole PSUs, "
            f"found {strata.size} PSUs in one stratum: use validation=0, or fit_qgcomp, which needs no split"
        )
    number = min(max(round(share * small.size), 1), small.size - 1) if small.size > 1 else 0
    chosen |= np.isin(strata, generator.permutation(small)[:number])
    return chosen
