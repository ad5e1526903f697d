"""Design-based inference for one generalised linear model, by the `svy` package."""

import warnings
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from mixepi.arrays import BoolArray, FloatArray
from mixepi.errors import EstimationError, SpecificationError
from mixepi.model_frame import factor_levels, numeric_column, require_complete


@dataclass(frozen=True)
class SurveyDesign:
    """Sampling design of all rows, those outside the domain included: arrays of shape (n,).

    Weights are positive; outside the domain their values do not matter.
    """

    strata: FloatArray
    psu: FloatArray
    weights: FloatArray


@dataclass(frozen=True)
class SurveyFit:
    """Coefficients (k,), linearised covariance (k, k), and degrees of freedom: PSUs - strata + 1 - k."""

    coefficients: FloatArray
    covariance: FloatArray
    df: float


def survey_glm(
    design_matrix: FloatArray,
    names: tuple[str, ...],
    outcome: FloatArray,
    rows: BoolArray,
    design: SurveyDesign,
    *,
    family: str,
    offset: FloatArray,
    size: float = 1.0,
) -> SurveyFit:
    """Fit on the domain `rows`, keeping every PSU of the design for the variance.

    Parameters
    ----------
    design_matrix : array, shape (m, k)
        Rows of the domain, first column all ones.
    names : tuple of str
        One per column.
    outcome, offset : array, shape (m,)
    rows : bool array, shape (n,)
        True for the m rows of the domain.
    design : SurveyDesign
        Arrays of shape (n,).
    family : str
    size : float
        Size of the negative binomial, taken as known.

    Raises
    ------
    EstimationError
        If no degrees of freedom are left, or a stratum has a single PSU.
    """
    import polars as pl
    import svy

    n, k = rows.size, design_matrix.shape[1]
    aliases = [f"x{j}" for j in range(1, k)]
    columns: dict[str, FloatArray | BoolArray] = {
        "stratum": design.strata,
        "psu": design.psu,
        "weight": design.weights,
        "domain": rows,
    }
    values = np.column_stack([outcome, offset, design_matrix[:, 1:]])
    full = np.zeros((n, values.shape[1]))
    full[rows] = values
    for j, name in enumerate(["outcome", "offset", *aliases]):
        columns[name] = full[:, j]
    lonely = _lonely_strata(design)
    if lonely:
        raise EstimationError(
            f"expected at least two PSUs in every stratum, found one in {lonely} of "
            f"{np.unique(design.strata).size} strata: combine strata or check the psu column"
        )
    psus = np.unique(np.column_stack([design.strata[rows], design.psu[rows]]), axis=0).shape[0]
    df = float(psus - np.unique(design.strata[rows]).size + 1 - k)
    if df < 1:
        raise EstimationError(
            f"expected at least one degree of freedom, found {df:g} ({psus} PSUs, {k} parameters): use "
            "fewer covariates"
        )
    sample = svy.Sample(pl.DataFrame(columns), svy.Design(stratum="stratum", psu="psu", wgt="weight"))
    name = family.removeprefix("quasi")
    negative_binomial = name == "negative_binomial"
    try:
        with warnings.catch_warnings():
            # Callers look for separation themselves; a psu without rows in the domain is expected.
            warnings.simplefilter("ignore", svy.SvyUserWarning)
            fit = sample.glm.fit(
                "outcome",
                x=aliases,
                family=cast(Any, name),
                link="log" if negative_binomial else None,
                theta=size if negative_binomial else None,
                offset="offset" if np.any(offset != 0) else None,
                where=svy.col("domain"),
                tol=1e-14,
                max_iter=300,
            ).fitted
    except svy.SvyError as error:
        raise EstimationError(f"the design-based fit failed: {error}") from error
    if fit is None or fit.cov_matrix is None:
        raise EstimationError(f"expected a covariance from the survey fit of {', '.join(names)}, found none")
    order = [coefficient.term for coefficient in fit.coefs]
    if order[1:] != aliases:
        raise EstimationError(f"expected coefficients of {', '.join(names)} in that order, found {order}")
    return SurveyFit(np.array([c.est for c in fit.coefs]), np.asarray(fit.cov_matrix), df)


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
    data: pd.DataFrame, rows: BoolArray, weights: str | None, strata: str | None, psu: str | None
) -> SurveyDesign:
    """Return the design of all rows of `data`, of which `rows` are the domain.

    Rows outside the domain only tell which PSUs exist: their weights may be missing or zero.
    """
    if weights is None or strata is None or psu is None:
        raise SpecificationError(
            "expected weights, strata and psu together, found one missing: name all three"
        )
    require_complete(data, [strata, psu])
    values = np.ones(len(data))
    values[rows] = numeric_column(data[rows], weights)
    return SurveyDesign(factor_levels(data[strata])[0], factor_levels(data[psu])[0], values)


def _lonely_strata(design: SurveyDesign) -> int:
    pairs = np.unique(np.column_stack([design.strata, design.psu]), axis=0)
    return int(np.sum(np.unique(pairs[:, 0], return_counts=True)[1] == 1))
