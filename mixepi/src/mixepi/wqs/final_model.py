"""The regression of the outcome on the finished index, on the validation rows."""

from dataclasses import dataclass

import numpy as np

from mixepi.arrays import BoolArray, FloatArray
from mixepi.errors import EstimationError, FewEventsWarning, MixepiWarning
from mixepi.glm.constrained import fit_glm
from mixepi.glm.families import BINARY, FREE_DISPERSION
from mixepi.model_frame import distinct_terms
from mixepi.wqs.data import WQSData
from mixepi.wqs.spec import WQS

# Vittinghoff and McCulloch (2007): bias and coverage are acceptable from 5 to 9 events per parameter on.
EVENTS_PER_PARAMETER = 5


@dataclass(frozen=True, kw_only=True)
class FinalModel:
    """Coefficients (k,), covariance (k, k) and facts of the model that inference rests on.

    `df` is that of the t tests (infinite for normal tests); `events` counts outcomes of 1 and is None
    for outcomes that are not binary; `inference` is "model" or "design".
    """

    terms: tuple[str, ...]
    coefficients: FloatArray
    covariance: FloatArray
    df: float
    deviance: float
    null_deviance: float
    residual_df: float
    size: float
    n: int
    events: int | None
    inference: str


def fit_final_model(
    spec: WQS, arrays: WQSData, rows: BoolArray, index: FloatArray, *, variance: bool = True
) -> FinalModel:
    """Regress the outcome on the index (n, D), the covariates and, if asked for, their interaction.

    Parameters
    ----------
    rows : bool array, shape (n,)
        Validation rows among the analysed rows.
    index : array, shape (n, D)
    variance : bool
        True by default. False leaves out the survey design, which changes the covariance and not the
        coefficients, and takes most of the time.
    """
    Z = arrays.covariates
    columns = [np.ones((index.shape[0], 1)), index, Z.matrix]
    product = [f"wqs:{arrays.modifier_name}"] if arrays.modifier is not None else []
    if arrays.modifier is not None:
        columns.append(index * arrays.modifier[:, None])
    # Before the covariates, so that one named alike is the one to be marked.
    own = ["intercept", *spec.index_terms, *product]
    named = distinct_terms([*own, *Z.names])
    names = (*named[: len(own) - len(product)], *named[len(own) :], *product)
    design = np.hstack(columns)[rows]
    outcome = arrays.outcome[rows]
    fit = fit_glm(
        design,
        names,
        outcome,
        family=spec.family,
        weights=arrays.weights[rows],
        offset=arrays.offset[rows],
    )
    coefficients, covariance, inference = fit.coefficients, fit.covariance, "model"
    df = fit.residual_df if spec.family in FREE_DISPERSION else np.inf
    if arrays.survey is not None and variance:
        survey = arrays.survey_fit(arrays.survey, design, names, family=spec.family, rows=rows, size=fit.size)
        coefficients, covariance, df, inference = survey.coefficients, survey.covariance, survey.df, "design"
    return FinalModel(
        terms=names,
        coefficients=coefficients,
        covariance=covariance,
        df=df,
        deviance=fit.deviance,
        null_deviance=fit.null_deviance,
        residual_df=fit.residual_df,
        size=fit.size,
        n=int(rows.sum()),
        events=count_events(spec, outcome),
        inference=inference,
    )


def count_events(spec: WQS, outcome: FloatArray) -> int | None:
    """Return the number of outcomes equal to 1, or None if the family is not binary."""
    return int(outcome.sum()) if spec.family in BINARY else None


def check_events(spec: WQS, outcome: FloatArray, part: str, parameters: int) -> list[MixepiWarning]:
    """Raise `EstimationError` if a binary outcome does not vary in a part of the data; warn if events
    are few."""
    if spec.family not in BINARY:
        return []
    ones = int(outcome.sum())
    fewer = min(ones, outcome.size - ones)
    if fewer == 0:
        raise EstimationError(
            f"expected both outcomes among the {part} rows, found {ones} events in {outcome.size} rows: "
            "change the validation share or use all rows"
        )
    if fewer < EVENTS_PER_PARAMETER * parameters:
        return [
            FewEventsWarning(
                f"expected at least {EVENTS_PER_PARAMETER} events per parameter among the {part} rows, "
                f"found {fewer} "
                f"for {parameters} parameters: use fewer covariates, or no split with a permutation test"
            )
        ]
    return []
