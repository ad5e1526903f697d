"""Design-based inference for one generalised linear model, by the `svy` package."""

import re
import warnings
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from mixepi.arrays import BoolArray, FloatArray
from mixepi.errors import EstimationError
from mixepi.rank import standardise
from mixepi.survey.design import SurveyDesign, sampling_units


@dataclass(frozen=True, kw_only=True)
class SurveyFit:
    """Coefficients (k,), linearised covariance (k, k), and `SamplingUnits.residual_df`."""

    coefficients: FloatArray
    covariance: FloatArray
    df: float


def survey_glm(
    design_matrix: FloatArray,
    names: tuple[str, ...],
    outcome: FloatArray,
    design: SurveyDesign,
    *,
    family: str,
    offset: FloatArray,
    size: float = 1.0,
) -> SurveyFit:
    """Fit on the domain of the design, keeping every PSU of its strata for the variance.

    Parameters
    ----------
    design_matrix : array, shape (m, k)
        Rows of the domain, first column all ones.
    names : tuple of str
        One per column.
    outcome, offset : array, shape (m,)
    design : SurveyDesign
        Arrays of shape (n,); its domain has the m rows.
    family : str
    size : float
        Size of the negative binomial, taken as known.

    Raises
    ------
    EstimationError
        If no degrees of freedom are left, or a stratum of the domain has a single PSU.
    """
    import polars as pl
    import svy

    k = design_matrix.shape[1]
    units = sampling_units(design)
    df = units.residual_df(k)
    sampled = units.of_row >= 0
    rows = design.domain[sampled]
    aliases = [f"x{j}" for j in range(1, k)]
    columns: dict[str, FloatArray | BoolArray] = {
        "stratum": design.strata[sampled],
        "psu": design.psu[sampled],
        "weight": design.weights[sampled],
        "domain": rows,
    }
    scaled = standardise(design_matrix)
    values = np.column_stack([outcome, offset, scaled.matrix[:, 1:]])
    full = np.zeros((rows.size, values.shape[1]))
    full[rows] = values
    for j, name in enumerate(["outcome", "offset", *aliases]):
        columns[name] = full[:, j]
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
        said = re.sub(r"\bx(\d+)\b", lambda found: names[int(found[1])], str(error))
        raise EstimationError(f"the design-based fit failed: {said}") from error
    if fit is None or fit.cov_matrix is None:
        raise EstimationError(f"expected a covariance from the survey fit of {', '.join(names)}, found none")
    order = [coefficient.term for coefficient in fit.coefs]
    if order[1:] != aliases:
        raise EstimationError(f"expected coefficients of {', '.join(names)} in that order, found {order}")
    return SurveyFit(
        coefficients=scaled.back @ np.array([c.est for c in fit.coefs]),
        covariance=scaled.back @ np.asarray(fit.cov_matrix) @ scaled.back.T,
        df=df,
    )
