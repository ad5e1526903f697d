"""Quantile scores of exposures, with cut points that stay fixed for new data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from warnings import warn

import numpy as np
import pandas as pd

from mixepi.arguments import require_integer, require_names
from mixepi.arrays import FloatArray, IntArray
from mixepi.errors import DataError, MixepiWarning, QuantileWarning
from mixepi.model_frame import domain_rows, numeric_column, require_columns, require_complete

SCORE_COLUMNS = (
    "exposure",
    "quantiles",
    "levels",
    "distinct_values",
    "share_lowest_value",
    "cut_points",
    "center",
    "scale",
)


# A probability such as 0.15 stands for the fraction that it is the nearest double of: 3/20.
LARGEST_DENOMINATOR = 1_000_000


def type7_quantiles(values: FloatArray, probabilities: Iterable[float | Fraction]) -> FloatArray:
    """Return sample quantiles by linear interpolation of order statistics (type 7 of Hyndman and Fan, 1996).

    Written out because a cut point that falls on an observation must equal it to the last bit, and one
    between two observations must lie between them: the score of every tied row hangs on it. So the
    position (n - 1) p is computed in whole numbers.

    Parameters
    ----------
    values : array, shape (n,)
    probabilities : iterable of float or Fraction
        A float is read as the fraction with the smallest denominator, up to a million, that it stands for.
    """
    ordered = np.sort(values)
    return np.array([_type7(ordered, _as_fraction(p)) for p in probabilities], dtype=np.float64)


def _type7(ordered: FloatArray, probability: Fraction) -> float:
    below, rest = divmod((ordered.size - 1) * probability.numerator, probability.denominator)
    low = float(ordered[below])
    if rest == 0:
        return low
    high = float(ordered[below + 1])
    share = rest / probability.denominator
    cut = (1 - share) * low + share * high
    return float(min(max(cut, low), np.nextafter(high, low)))


def _as_fraction(probability: float | Fraction) -> Fraction:
    if isinstance(probability, Fraction):
        return probability
    exact = Fraction(float(probability))
    simple = exact.limit_denominator(LARGEST_DENOMINATOR)
    return simple if float(simple) == float(probability) else exact


def differing_quantiles(
    values: FloatArray, tied: float, low: float, high: float
) -> list[tuple[float, float]]:
    """Return the pairs nearest to (`low`, `high`), in hundredths, whose quantiles differ.

    Parameters
    ----------
    values : array, shape (n,)
    tied : float
        The one value of both quantiles.
    low, high : float
        Probabilities in either order.
    """
    turned = low > high
    first, last = sorted((low, high))
    below, up_to = int(np.sum(values < tied)), int(np.sum(values <= tied))
    pairs = []
    if up_to < values.size:
        pairs.append((first, -(-100 * up_to // (values.size - 1)) / 100))
    if below:
        pairs.append((100 * (below - 1) // (values.size - 1) / 100, last))
    return [(b, a) if turned else (a, b) for a, b in pairs]


@dataclass(frozen=True, kw_only=True)
class QuantileScores:
    """Fixed rule that turns exposures into scores.

    Attributes
    ----------
    exposures : tuple of str
    quantiles : int or None
        Number of quantile groups asked for; None means standardised values.
    cut_points : tuple of arrays
        Interior cut points per exposure, ascending; the score is the number of cut points below a
        value (intervals closed on the right), so it runs over 0, 1, ..., len(cut points).
    centers, scales : array, shape (p,)
        Mean and standard deviation; used only for standardised values.
    distinct_values : tuple of int
    shares_lowest : tuple of float
        Share of rows tied at the lowest value: non-detects, as a rule.
    """

    exposures: tuple[str, ...]
    quantiles: int | None
    cut_points: tuple[FloatArray, ...]
    centers: FloatArray
    scales: FloatArray
    distinct_values: tuple[int, ...]
    shares_lowest: tuple[float, ...]

    def score(self, data: pd.DataFrame) -> pd.DataFrame:
        """Return the scores of `data` under the fixed rule: one column per exposure, the index of `data`."""
        require_columns(data, self.exposures)
        require_complete(data, self.exposures)
        values = np.column_stack([numeric_column(data, name) for name in self.exposures])
        return pd.DataFrame(self.score_values(values), columns=list(self.exposures), index=data.index)

    def score_values(self, values: FloatArray) -> FloatArray:
        """Return the scores of an array with one column per exposure, shape (n, p)."""
        if self.quantiles is None:
            return np.asarray((values - self.centers) / self.scales)
        columns = [np.searchsorted(cuts, values[:, j], side="left") for j, cuts in enumerate(self.cut_points)]
        return np.column_stack(columns).astype(np.float64)

    def table(self) -> pd.DataFrame:
        """Return one row per exposure with the columns `SCORE_COLUMNS`."""
        table = pd.DataFrame(
            {
                "exposure": list(self.exposures),
                "quantiles": [self.quantiles] * len(self.exposures),
                "levels": [None if self.quantiles is None else len(cuts) + 1 for cuts in self.cut_points],
                "distinct_values": list(self.distinct_values),
                "share_lowest_value": list(self.shares_lowest),
                "cut_points": [list(map(float, cuts)) for cuts in self.cut_points],
                "center": self.centers,
                "scale": self.scales,
            }
        )
        return table.astype({"quantiles": "Int64", "levels": "Int64"})


def require_quantiles(quantiles: int | None) -> int | None:
    """Return the number of quantile groups, None for standardised values."""
    if quantiles is None:
        return None
    return require_integer("quantiles", quantiles, 2, "use 4 or 10, or None for standardised values")


def fit_quantile_scores(
    data: pd.DataFrame, exposures: Sequence[str], *, quantiles: int | None = 4
) -> QuantileScores:
    """Learn the scoring rule from `data`.

    Parameters
    ----------
    data : DataFrame
        All rows that the analysis uses (training and validation together, as gWQS does).
    exposures : sequence of str
        Numeric columns.
    quantiles : int, optional
        Number of groups, 4 by default as in Carrico et al. (2015); 10 gives deciles. None standardises
        to mean 0 and standard deviation 1 instead, which keeps the shape but also the outliers.

    Returns
    -------
    QuantileScores

    Raises
    ------
    DataError
        If an exposure has missing values, is constant, or falls into a single score level, or if there are
        more quantiles than rows.
    SpecificationError
        If `quantiles` is no whole number of at least 2.

    Warns
    -----
    QuantileWarning
        If ties leave an exposure with fewer levels than `quantiles`: equal cut points are merged, and
        a cut point equal to the minimum is dropped, so that tied values always share one score.
    """
    scores, notes = learn_quantile_scores(data, exposures, quantiles)
    for note in notes:
        warn(note, stacklevel=2)
    return scores


def learn_quantile_scores(
    data: pd.DataFrame, exposures: Sequence[str], quantiles: int | None
) -> tuple[QuantileScores, tuple[MixepiWarning, ...]]:
    """Do what `fit_quantile_scores` does, returning the warnings instead of issuing them."""
    names = require_names("exposures", exposures)
    quantiles = require_quantiles(quantiles)
    require_columns(data, names)
    domain_rows(data, None)
    require_complete(data, names)
    if quantiles is not None and quantiles > len(data):
        raise DataError(
            f"expected at most as many quantiles as rows, found {quantiles} quantiles for {len(data)} rows: "
            "use 4 or 10, or None for standardised values"
        )
    all_cuts: list[FloatArray] = []
    notes: list[MixepiWarning] = []
    centers, scales, distinct, lowest = [], [], [], []
    for name in names:
        values = numeric_column(data, name)
        levels, counts = np.unique(values, return_counts=True)
        if levels.size < 2:
            raise DataError(
                f"expected exposure {name!r} to vary, found the single value {levels[0]:g} in all "
                f"{values.size} rows: leave it out"
            )
        centers.append(values.mean())
        scales.append(values.std(ddof=1))
        distinct.append(int(levels.size))
        lowest.append(float(np.mean(values == levels[0])))
        if quantiles is None:
            all_cuts.append(np.empty(0))
            continue
        breaks = np.unique(type7_quantiles(values, [Fraction(k, quantiles) for k in range(quantiles + 1)]))
        cuts = breaks[1:-1]
        all_cuts.append(cuts)
        if cuts.size == 0:
            raise DataError(
                f"expected exposure {name!r} to fall into {quantiles} quantile groups, found one "
                f"({levels.size} distinct values, {_largest_tie(levels, counts)}): use more quantiles, or "
                "put it among the covariates"
            )
        if cuts.size + 1 < quantiles:
            reason = (
                f"{levels.size} distinct values" if levels.size < quantiles else _largest_tie(levels, counts)
            )
            notes.append(
                QuantileWarning(
                    f"exposure {name!r}: expected {quantiles} score levels, found {cuts.size + 1} "
                    f"({reason}): "
                    "tied values share one score; consider fewer quantiles"
                )
            )
    scores = QuantileScores(
        exposures=names,
        quantiles=quantiles,
        cut_points=tuple(all_cuts),
        centers=np.array(centers),
        scales=np.array(scales),
        distinct_values=tuple(distinct),
        shares_lowest=tuple(lowest),
    )
    return scores, tuple(notes)


def _largest_tie(levels: FloatArray, counts: IntArray) -> str:
    """Return in words which value most rows share: non-detects at the lowest, a ceiling at the highest."""
    k = int(counts.argmax())
    place = {0: "at the lowest", levels.size - 1: "at the highest"}.get(k, f"at {levels[k]:g}")
    return f"{counts[k] / counts.sum():.0%} tied {place}"
