"""The arrays of a mixture in quantile scores, checked once: what WQS and quantile g-computation share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from mixepi.arrays import BoolArray, FloatArray, IntArray
from mixepi.errors import MixepiWarning
from mixepi.glm.families import check_outcome
from mixepi.model_frame import (
    Covariates,
    covariate_columns,
    domain_rows,
    numeric_column,
    observation_weights,
    require_columns,
    require_complete,
    require_distinct,
    row_order,
)
from mixepi.quantile_scores import QuantileScores, learn_quantile_scores
from mixepi.survey.design import SurveyDesign, survey_design
from mixepi.survey.glm import SurveyFit, survey_glm


class ScoredSpec(Protocol):
    """What a specification of a mixture in quantile scores names."""

    @property
    def outcome(self) -> str: ...
    @property
    def exposures(self) -> tuple[str, ...]: ...
    @property
    def family(self) -> str: ...
    @property
    def quantiles(self) -> int | None: ...
    @property
    def offset(self) -> str | None: ...
    @property
    def weights(self) -> str | None: ...
    @property
    def strata(self) -> str | None: ...
    @property
    def psu(self) -> str | None: ...
    @property
    def domain(self) -> str | None: ...
    @property
    def identifier(self) -> str | None: ...
    @property
    def is_survey(self) -> bool: ...


@dataclass(frozen=True, kw_only=True)
class ScoredData:
    """Checked arrays of the n analysed rows, in the order in which random draws see them.

    Attributes
    ----------
    positions : array, shape (n,)
        Row of the data frame behind each analysed row.
    scores : QuantileScores
    scored : array, shape (n, p)
    covariates : Covariates
    outcome, weights, offset : array, shape (n,)
        Weights have mean 1.
    total_rows : int
        Rows of the data frame.
    survey : SurveyDesign or None
        Of all rows of the data frame; its domain are the analysed ones.
    notes : tuple of MixepiWarning
    """

    positions: IntArray
    scores: QuantileScores
    scored: FloatArray
    covariates: Covariates
    outcome: FloatArray
    weights: FloatArray
    offset: FloatArray
    total_rows: int
    survey: SurveyDesign | None
    notes: tuple[MixepiWarning, ...]

    def survey_fit(
        self,
        survey: SurveyDesign,
        design: FloatArray,
        names: tuple[str, ...],
        *,
        family: str,
        rows: BoolArray | None = None,
        size: float = 1.0,
    ) -> SurveyFit:
        """Fit one model with the variance of the design.

        Parameters
        ----------
        survey : SurveyDesign
        design : array, shape (m, k)
        names : tuple of str, length k
        family : str
        rows : bool array, shape (n,), optional
            The m of the analysed rows that the model is about; all by default.
        size : float
            Size of the negative binomial.
        """
        chosen = slice(None) if rows is None else rows
        positions = self.positions[chosen]
        domain = np.zeros(self.total_rows, dtype=np.bool_)
        domain[positions] = True
        order = np.argsort(positions)
        return survey_glm(
            design[order],
            names,
            self.outcome[chosen][order],
            survey.within(domain),
            family=family,
            offset=self.offset[chosen][order],
            size=size,
        )


def score_data(
    spec: ScoredSpec, data: pd.DataFrame, covariates: Sequence[str], further: Sequence[str | None] = ()
) -> ScoredData:
    """Check `data` against `spec` and return its arrays.

    Parameters
    ----------
    spec : WQS or QGComp
    data : pandas.DataFrame
    covariates : sequence of str
        Columns of the covariates.
    further : sequence of str or None
        Other columns that may not have missing values.
    """
    optional = [*further, spec.offset, spec.weights, spec.strata, spec.psu, spec.identifier]
    named = [spec.outcome, *spec.exposures, *covariates, *(name for name in optional if name is not None)]
    require_columns(data, [*named, *([spec.domain] if spec.domain else [])])
    rows = domain_rows(data, spec.domain)
    require_complete(data, named, rows)
    positions = row_order(data, rows, spec.identifier)
    part = data.iloc[positions]
    outcome = numeric_column(part, spec.outcome)
    check_outcome(outcome, spec.family, spec.outcome)
    scores, notes = learn_quantile_scores(part, spec.exposures, spec.quantiles)
    scored = scores.score(part).to_numpy()
    require_distinct(scored, spec.exposures, "scores")
    survey = None
    if spec.is_survey:
        survey = survey_design(data, rows, weights=spec.weights, strata=spec.strata, psu=spec.psu)
    return ScoredData(
        positions=positions,
        scores=scores,
        scored=scored,
        covariates=covariate_columns(part, covariates),
        outcome=outcome,
        weights=observation_weights(part, spec.weights),
        offset=np.zeros(len(part)) if spec.offset is None else numeric_column(part, spec.offset),
        total_rows=len(data),
        survey=survey,
        notes=notes,
    )
