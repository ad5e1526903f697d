"""Tables of the response surface: which contrasts each is made of, and how they are laid out."""

from collections.abc import Sequence
from functools import partial
from itertools import combinations
from typing import Any
from warnings import warn

import numpy as np
import pandas as pd
from scipy import special

from mixepi.arguments import is_number, require_flag, require_integer, require_known, require_names
from mixepi.arrays import BoolArray, FloatArray
from mixepi.bkmr.contrasts import (
    CentredGrid,
    Contrast,
    ContrastSummary,
    Request,
    Scale,
    check_scale,
    factored,
    kept_draws,
    summarise,
    under_design,
)
from mixepi.bkmr.design import numeric_columns
from mixepi.bkmr.likelihood.contrasts import Contrasts
from mixepi.bkmr.likelihood.response import response_joint
from mixepi.bkmr.posterior import Posterior
from mixepi.errors import DataError, QuantileWarning, SpecificationError
from mixepi.quantile_scores import differing_quantiles, type7_quantiles
from mixepi.random_streams import random_stream

MAX_DRAWS = 1000
BLOCK = 200
ESTIMATES = ["estimate", "std_error", "conf_low", "conf_high"]
ESTIMATES += ["posterior_std_error", "jackknife_std_error", "design_effect"]  # under a survey design


def _table(result: Posterior, rows: pd.DataFrame, posterior: ContrastSummary, scale: Scale) -> pd.DataFrame:
    return result.label(
        rows.assign(
            estimate=posterior.estimate,
            std_error=posterior.std_error,
            conf_low=posterior.conf_low,
            conf_high=posterior.conf_high,
            **({} if posterior.survey is None else posterior.survey.columns()),
            scale=scale,
        )
    )


def _one_table(
    result: Posterior, rows: pd.DataFrame, contrast: Contrast, scale: Scale, refused: Sequence[str | None]
) -> Request:
    """Ask for one row per contrast; a contrast of two equal points is refused: its row is missing.

    Raises
    ------
    DataError
        If all are refused.

    Warns
    -----
    QuantileWarning
        If some are.
    """
    reasons = list(dict.fromkeys(reason for reason in refused if reason))
    if reasons and all(refused):
        raise DataError("; ".join(reasons))
    if reasons:
        warn(QuantileWarning("; ".join(reasons) + ". These rows are missing"), stacklevel=5)
    empty = np.array([reason is not None for reason in refused])

    def finish(summaries: list[ContrastSummary]) -> pd.DataFrame:
        table = _table(result, rows, summaries[0], scale)
        table.loc[empty, [name for name in ESTIMATES if name in table]] = np.nan
        return table

    return Request([contrast], scale, finish)


def _natural(result: Posterior, exposure: int, z: FloatArray) -> FloatArray:
    return result.scaler.to_natural(z, exposure)


def _base(result: Posterior, quantile: float) -> FloatArray:
    _check_quantile(quantile)
    probability = np.array([quantile])
    return np.concatenate([type7_quantiles(column, probability) for column in result.model.z.T])


def _check_quantile(quantile: Any) -> None:
    if not (is_number(quantile) and 0 <= quantile <= 1):
        raise SpecificationError(f"expected quantiles from 0 to 1, found {quantile!r}: 0.5 is the median")


def _check_quantiles(name: str, quantiles: Any, count: int | None = None) -> tuple[float, ...]:
    """Return quantiles as a tuple: of `count` different ones, or any number of at least one."""
    if is_number(quantiles):
        write = f"({quantiles!r},)" if count is None else "(0.25, 0.75)"
        raise SpecificationError(f"expected {name} to be a tuple, found {quantiles!r}: write {write}")
    if isinstance(quantiles, str) or not isinstance(quantiles, Sequence | np.ndarray | pd.Series):
        raise SpecificationError(
            f"expected {name} to be a tuple of quantiles, found {quantiles!r}: write (0.25, 0.75)"
        )
    values = tuple(quantiles)
    for value in values:
        _check_quantile(value)
    if (
        not values
        or (count is not None and len(set(values)) != count)
        or len(values) != (count or len(values))
    ):
        wanted = "at least one quantile" if count is None else f"{count} different quantiles"
        raise SpecificationError(f"expected {wanted} in {name}, found {values!r}: write (0.25, 0.75)")
    return values


def _check_change(low: float, high: float) -> None:
    _check_quantile(low)
    _check_quantile(high)
    if low == high:
        raise SpecificationError(
            f"expected low and high to differ, found {low!r} twice: 0.25 and 0.75 are usual"
        )


def _chosen(result: Posterior, exposures: Sequence[str] | None) -> list[int]:
    """Positions of the exposures that a table is about: all by default."""
    known = result.spec.exposures
    if exposures is None:
        return list(range(len(known)))
    names = require_names("exposures", exposures, "exposures")
    require_known("exposures", names, known)
    if not names or len(set(names)) < len(names):
        raise SpecificationError(
            f"expected exposures among {', '.join(known)}, each once, found {names!r}: name at least one"
        )
    return [known.index(name) for name in names]


def _require_two_exposures(result: Posterior, table: str) -> None:
    if len(result.spec.exposures) < 2:
        raise SpecificationError(
            f"expected at least two exposures for {table}, found only {result.spec.exposures[0]}: "
            "univariate() and single() are about one"
        )


def _tied(result: Posterior, m: int, low: float, high: float) -> str | None:
    """Say why two percentiles of an exposure make no contrast: they are one value. None if they do."""
    z = result.model.z[:, m]
    one, other = type7_quantiles(z, np.array([low, high]))
    if one != other:
        return None
    value = float(_natural(result, m, np.array([one]))[0])
    pairs = [f"{a:g} and {b:g}" for a, b in differing_quantiles(z, float(one), low, high)]
    return (
        f"expected the {low:g} and {high:g} quantiles of exposure {result.spec.exposures[m]!r} to differ, "
        f"found both to be {value:g} ({np.mean(z == one):.0%} of {len(z)} rows have it): "
        f"nearest that differ are {' or '.join(pairs)}"
    )


def _all_tied(result: Posterior, exposures: Sequence[int], one: float, other: float) -> str | None:
    reasons = [_tied(result, m, one, other) for m in exposures]
    return "; ".join(reason for reason in reasons if reason) if all(reasons) else None


def univariate(
    result: Posterior, *, exposures: Sequence[str] | None = None, grid: int = 50, fixed: float = 0.5,
    center: bool = True, scale: Scale = "link",
) -> Request:  # fmt: skip
    """h along each exposure, the others at their `fixed` quantile (bkmr's PredictorResponseUnivar)."""
    _check_grid(grid)
    require_flag("center", center)
    z = result.model.z
    frames, contrasts = [], []
    for m in _chosen(result, exposures):
        values = np.linspace(z[:, m].min(), z[:, m].max(), grid)
        points = np.tile(_base(result, fixed), (grid, 1))
        points[:, m] = values
        matrix = np.eye(grid) - (1 / grid if center else 0.0)
        contrasts.append(Contrast(points, matrix))
        name = result.spec.exposures[m]
        frames.append(pd.DataFrame({"exposure": name, "z": values, "value": _natural(result, m, values)}))

    def finish(summaries: list[ContrastSummary]) -> pd.DataFrame:
        tables = [_table(result, f, s, scale) for f, s in zip(frames, summaries, strict=True)]
        return pd.concat(tables, ignore_index=True)

    return Request(contrasts, scale, finish)


def bivariate(
    result: Posterior, *, pairs: Sequence[tuple[str, str]] | None = None, grid: int = 20,
    fixed: float = 0.5, min_distance: float = 0.5, scale: Scale = "link",
) -> Request:  # fmt: skip
    """h over a grid of two exposures, the others at their `fixed` quantile, centred over the grid.

    Points farther than `min_distance` (model's scale) from every row are missing.
    """
    _check_grid(grid)
    _require_two_exposures(result, "bivariate()")
    if not (is_number(min_distance) and min_distance > 0):
        raise SpecificationError(
            f"expected min_distance to be a number above 0, found {min_distance!r}: 0.5 is half a standard "
            "deviation of scaled exposures"
        )
    names = result.spec.exposures
    z = result.model.z
    frames, contrasts = [], []
    for pair in combinations(names, 2) if pairs is None else _check_pairs(names, pairs):
        first, second = pair
        i, j = names.index(first), names.index(second)
        along = [np.linspace(z[:, m].min(), z[:, m].max(), grid) for m in (i, j)]
        a, b = np.meshgrid(*along)
        points = np.tile(_base(result, fixed), (grid, grid, 1))
        points[:, :, i], points[:, :, j] = a, b
        gaps = np.sqrt(((points[:, :, None, [i, j]] - z[:, [i, j]]) ** 2).sum(axis=3)).min(axis=2)
        contrasts.append(CentredGrid(points=points, wanted=gaps <= min_distance, exposures=(i, j)))
        frames.append(
            pd.DataFrame(
                {
                    "exposure_1": first,
                    "exposure_2": second,
                    "z_1": a.ravel(),
                    "z_2": b.ravel(),
                    "value_1": _natural(result, i, a.ravel()),
                    "value_2": _natural(result, j, b.ravel()),
                }
            )
        )

    def finish(summaries: list[ContrastSummary]) -> pd.DataFrame:
        tables = []
        for frame, contrast, summary in zip(frames, contrasts, summaries, strict=True):
            spread = summary.mapped(partial(_spread, contrast.wanted))
            tables.append(_table(result, frame, spread, scale))
        return pd.concat(tables, ignore_index=True)

    return Request(contrasts, scale, finish)


def _spread(wanted: BoolArray, values: FloatArray) -> FloatArray:
    """Return values of the points wanted among all points, the others missing."""
    everywhere = np.full(wanted.size, np.nan)
    everywhere[wanted.ravel()] = values
    return everywhere


def _check_pairs(names: tuple[str, ...], pairs: Any) -> list[tuple[str, str]]:
    if isinstance(pairs, str) or not isinstance(pairs, Sequence) or not len(pairs):
        raise SpecificationError(
            f"expected pairs of exposures among {', '.join(names)}, found {pairs!r}: write (('a', 'b'),)"
        )
    for pair in pairs:
        two = isinstance(pair, tuple | list) and len(pair) == 2 and pair[0] != pair[1]
        if not two or not set(pair) <= set(names):
            raise SpecificationError(
                f"expected pairs of exposures among {', '.join(names)}, found {pair!r}: name two of them"
            )
    return [(pair[0], pair[1]) for pair in pairs]


def overall(
    result: Posterior, *, exposures: Sequence[str] | None = None,
    quantiles: Sequence[float] = tuple(np.round(np.arange(0.1, 0.91, 0.05), 2)), fixed: float = 0.5,
    others: float = 0.5, scale: Scale = "link",
) -> Request:  # fmt: skip
    """h with exposures at each quantile minus h with them at `fixed` (bkmr's OverallRiskSummaries).

    Parameters
    ----------
    exposures : sequence of str, optional
        Those that move together, such as a group: all by default.
    quantiles : sequence of float
        Where they move to.
    fixed : float
        Where they move from, the median by default; the row of that quantile is 0.
    others : float
        Quantile at which the remaining exposures stay, the median by default.
    """
    moved = _chosen(result, exposures)
    quantiles = _check_quantiles("quantiles", quantiles)
    points = np.tile(_base(result, others), (len(quantiles) + 1, 1))
    points[:, moved] = np.vstack([_base(result, q)[moved] for q in [*quantiles, fixed]])
    count = len(quantiles)
    matrix = np.column_stack([np.eye(count), -np.ones(count)])
    names = [result.spec.exposures[m] for m in moved]
    rows = pd.DataFrame(
        {
            "exposures": "all" if exposures is None else " + ".join(names),
            "quantile": list(quantiles),
            "fixed": fixed,
        }
    )
    refused = [None if q == fixed else _all_tied(result, moved, q, fixed) for q in quantiles]
    return _one_table(result, rows, Contrast(points, matrix), scale, refused)


def _check_grid(grid: int) -> None:
    require_integer("grid", grid, 2, "it is the number of points along an exposure")


def _change(result: Posterior, m: int, others: float, low: float, high: float) -> FloatArray:
    points = np.vstack([_base(result, others), _base(result, others)])
    points[:, m] = type7_quantiles(result.model.z[:, m], np.array([low, high]))
    return points


def single(
    result: Posterior, *, exposures: Sequence[str] | None = None, low: float = 0.25, high: float = 0.75,
    fixed: Sequence[float] = (0.25, 0.5, 0.75), scale: Scale = "link",
) -> Request:  # fmt: skip
    """h(exposure at `high`) - h(at `low`), the others at each `fixed` quantile (SingVarRiskSummaries).

    Where `low` and `high` are one value of an exposure (non-detects), its rows are missing, and a warning
    names the nearest quantiles that differ.
    """
    _check_change(low, high)
    fixed = _check_quantiles("fixed", fixed)
    rows, points, refused = [], [], []
    for m in _chosen(result, exposures):
        for q in fixed:
            rows.append({"exposure": result.spec.exposures[m], "fixed": q})
            points.append(_change(result, m, q, low, high))
            refused.append(_tied(result, m, low, high))
    matrix = np.kron(np.eye(len(rows)), np.array([[-1.0, 1.0]]))
    return _one_table(result, pd.DataFrame(rows), Contrast(np.vstack(points), matrix), scale, refused)


def interactions(
    result: Posterior, *, exposures: Sequence[str] | None = None, low: float = 0.25, high: float = 0.75,
    fixed: Sequence[float] = (0.25, 0.75), scale: Scale = "link",
) -> Request:  # fmt: skip
    """Difference of the single-exposure effect between the others at fixed[1] and at fixed[0].

    Rows are missing, with a warning, where the quantiles of the exposure, or of all others, are one value.
    """
    _require_two_exposures(result, "interactions()")
    _check_change(low, high)
    start, end = _check_quantiles("fixed", fixed, 2)
    chosen = _chosen(result, exposures)
    points, refused = [], []
    for m in chosen:
        others = [k for k in range(len(result.spec.exposures)) if k != m]
        points += [_change(result, m, start, low, high), _change(result, m, end, low, high)]
        refused.append(_tied(result, m, low, high) or _all_tied(result, others, start, end))
    matrix = np.kron(np.eye(len(chosen)), np.array([[1.0, -1.0, -1.0, 1.0]]))
    rows = pd.DataFrame({"exposure": [result.spec.exposures[m] for m in chosen]})
    return _one_table(result, rows, Contrast(np.vstack(points), matrix), scale, refused)


def predict(
    result: Posterior, data: pd.DataFrame, *, scale: Scale = "link", draws: int = MAX_DRAWS
) -> pd.DataFrame:
    """ContrastSummary of h(z) + x'b (or of P(y = 1 | z, x)) for new rows, cluster effects at zero / averaged.

    One row per row of `data`, with its labels. The interval is for the mean of the outcome, not for a new
    outcome.

    Raises
    ------
    DataError
        If there is no row, or one with missing or infinite values.
    SpecificationError
        If the scale has no such name, or the probability scale is asked of a gaussian fit.
    """
    check_scale(result, scale)
    z = result.scaler.transform(data)
    if len(z) == 0:
        raise DataError("expected at least one row to predict for, found none: check the selection of rows")
    x = numeric_columns(data, result.spec.covariates, "covariate")
    model = result.model
    kept = kept_draws(result, draws)
    # The intercept is already part of the response.
    x = np.column_stack([np.zeros((len(z), 1 if model.intercept else 0)), x])
    means, sds = np.empty((len(kept), len(z))), np.empty((len(kept), len(z)))
    for place, (chain, draw) in enumerate(kept):
        now = factored(result, chain, draw)
        # Only the variance of each row is wanted: blocks keep the covariances of all pairs small.
        for start in range(0, len(z), BLOCK):
            rows = slice(start, start + BLOCK)
            design = np.column_stack([x[rows], np.eye(len(z[rows]))])
            mean, covariance = response_joint(model, now.posterior, z[rows])
            means[place, rows] = design @ mean
            variance = np.sum((design @ covariance) * design, axis=1)
            sds[place, rows] = np.sqrt(now.sigma2 * np.maximum(variance, 0.0))
        if scale == "probability":
            rng = random_stream(result.seed, "bkmr", "predict", now.chain, now.draw)
            eta = means[place] + sds[place] * rng.standard_normal(len(z))
            means[place] = special.ndtr(eta / np.sqrt(1.0 + now.cluster_variance))
            sds[place] = 0.0
    x[:, : int(model.intercept)] = 1.0
    asked = Contrasts(points=z, combine=np.asarray, covariates=x) if scale == "link" else None
    (summary,) = under_design(result, kept, [asked], [means], [summarise(means, sds, scale)])
    return _table(result, pd.DataFrame(index=data.index), summary, scale)
