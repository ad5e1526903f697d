"""Random answers: yes or no with a wanted share, one of several codes, refused and don't know."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

HALVINGS = 40  # of the interval in which the constant of `yes` lies: to 1e-10


def yes(rng: np.random.Generator, score: FloatArray, share: float) -> BoolArray:
    """Draw yes or no with log odds `score` plus the constant that gives `share` on average."""
    if score.size == 0 or not 0 < share < 1:
        return np.full(score.size, share >= 1)

    lowest, highest = -60.0, 60.0
    for _ in range(HALVINGS):
        middle = (lowest + highest) / 2
        if chance(score + middle).mean() < share:
            lowest = middle
        else:
            highest = middle
    return np.asarray(rng.random(score.size) < chance(score + (lowest + highest) / 2))


def chance(log_odds: FloatArray) -> FloatArray:
    """Return the probability that has these log odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)))


def one_of(rng: np.random.Generator, codes: Sequence[float], weights: npt.ArrayLike, size: int) -> FloatArray:
    """Draw `size` codes; `weights` is one row for all, or one row per person."""
    table = np.atleast_2d(np.asarray(weights, dtype=np.float64))
    bounds = np.cumsum(table, axis=1)
    where = rng.random(size) * bounds[:, -1]
    drawn = (where[:, None] >= bounds[:, :-1]).sum(axis=1)
    values: FloatArray = np.asarray(codes, dtype=np.float64)
    return np.asarray(values[drawn])


def answer(
    rng: np.random.Generator,
    asked: BoolArray,
    score: FloatArray,
    counts: Mapping[str, int],
    *,
    unknown: tuple[str, ...] = ("7", "9"),
) -> FloatArray:
    """Answer a yes/no question: 1 or 2 and, as often as published, refused or don't know.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    asked : numpy.ndarray of bool
        Who is asked; the others get NaN.
    score : numpy.ndarray
        Log odds of a yes, up to a constant, one entry per person.
    counts : mapping
        Published counts by code: they set the share of each.
    unknown : tuple of str
        Codes of refused and don't know.

    Returns
    -------
    numpy.ndarray
        One code per person.
    """
    result = np.full(asked.size, np.nan)
    share = counts["1"] / (counts["1"] + counts["2"])
    result[asked] = np.where(yes(rng, score[asked], share), 1.0, 2.0)
    return with_unknown(rng, result, counts, unknown)


def with_unknown(
    rng: np.random.Generator, values: FloatArray, counts: Mapping[str, int], unknown: tuple[str, ...]
) -> FloatArray:
    """Replace present values by refused or don't know as often as published."""
    total = sum(number for code, number in counts.items() if code != ".")
    chances = [counts.get(code, 0) / total for code in unknown]
    codes = [np.nan, *(float(code) for code in unknown)]
    drawn = one_of(rng, codes, [1.0 - sum(chances), *chances], values.size)
    return np.where(np.isfinite(values) & np.isfinite(drawn), drawn, values)


def rounded(values: FloatArray, places: int) -> FloatArray:
    """Round to `places` decimals."""
    result: FloatArray = np.round(values, places)
    return result


def only(rows: BoolArray, values: FloatArray) -> FloatArray:
    """Keep the values of `rows`; the others become missing."""
    return np.where(rows, values, np.nan)
