"""The arrays of one quantile g-computation, and its design under joint interventions."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mixepi.arguments import require_type
from mixepi.arrays import FloatArray, IntArray
from mixepi.errors import DataError, MixepiWarning, SpecificationError
from mixepi.glm.families import check_outcome
from mixepi.model_frame import (
    covariate_columns,
    domain_rows,
    numeric_column,
    observation_weights,
    require_columns,
    require_complete,
    require_distinct,
    row_order,
)
from mixepi.qgcomp.spec import QGComp
from mixepi.quantile_scores import QuantileScores, learn_quantile_scores
from mixepi.survey.design import SurveyDesign, survey_design


@dataclass(frozen=True)
class Prepared:
    """Checked arrays of the n analysed rows.

    Attributes
    ----------
    positions : array, shape (n,)
    scores : QuantileScores
    design : array, shape (n, k)
        Intercept, scored exposures, covariates, further terms.
    names : tuple of str, length k
    interventions : array, shape (v, n, k)
        The design with every exposure set to each joint value in turn; empty without `levels`.
    levels : array, shape (v,)
        The joint values: 0, 1, ..., quantiles - 1.
    outcome, weights, offset : array, shape (n,)
    total_rows : int
    survey : SurveyDesign or None
    notes : tuple of MixepiWarning
    """

    positions: IntArray
    scores: QuantileScores
    design: FloatArray
    names: tuple[str, ...]
    interventions: FloatArray
    levels: FloatArray
    outcome: FloatArray
    weights: FloatArray
    offset: FloatArray
    total_rows: int
    survey: SurveyDesign | None
    notes: tuple[MixepiWarning, ...]


def prepare(spec: QGComp, data: pd.DataFrame, *, interventions: bool) -> Prepared:
    """Check `data` against `spec` and return its arrays, with the interventions if asked for."""
    require_type("spec", spec, QGComp)
    extra = [n for n in (spec.offset, spec.weights, spec.strata, spec.psu, spec.identifier) if n is not None]
    model = [spec.outcome, *spec.exposures, *spec.covariates, *extra]
    require_columns(data, [*model, *([spec.domain] if spec.domain else [])])
    rows = domain_rows(data, spec.domain)
    require_complete(data, model, rows)
    positions = row_order(data, rows, spec.identifier)
    part = data.iloc[positions]
    outcome = numeric_column(part, spec.outcome)
    check_outcome(outcome, spec.family, spec.outcome)
    scores, notes = learn_quantile_scores(part, spec.exposures, spec.quantiles)
    scored = scores.score(part)
    require_distinct(scored, spec.exposures, "scores")
    covariates = covariate_columns(part, spec.covariates)
    n = len(part)
    straight = [j for j, name in enumerate(spec.exposures) if not has_spline(name, spec.terms)]
    mains = np.column_stack([np.ones(n), scored[:, straight], covariates.matrix])
    further = _FurtherTerms(spec, part, scored)
    names = ("intercept", *(spec.exposures[j] for j in straight), *covariates.names, *further.names)
    levels = joint_levels(spec, scored)
    steps = np.empty((0, n, len(names)))
    if interventions:
        steps = np.empty((levels.size, n, len(names)))
        for step, level in zip(steps, levels, strict=True):
            step[:, : mains.shape[1]] = mains
            step[:, 1 : 1 + len(straight)] = level
            step[:, mains.shape[1] :] = further.at(level)
    survey = (
        survey_design(data, rows, weights=spec.weights, strata=spec.strata, psu=spec.psu)
        if spec.survey
        else None
    )
    return Prepared(
        positions,
        scores,
        np.hstack([mains, further.observed]),
        names,
        steps,
        levels,
        outcome,
        observation_weights(part, spec.weights),
        np.zeros(n) if spec.offset is None else numeric_column(part, spec.offset),
        len(data),
        survey,
        notes,
    )


def joint_levels(spec: QGComp, scored: FloatArray) -> FloatArray:
    """Return the joint exposure values of the interventions.

    Scores: 0, ..., quantiles - 1. Standardised values: the mean over exposures of their 5th, 15th, ..., 95th
    percentiles, ten values on the common scale.
    """
    if spec.quantiles is not None:
        return np.arange(spec.quantiles, dtype=np.float64)
    return np.asarray(np.quantile(scored, np.arange(0.05, 1, 0.1), axis=0).mean(axis=1))


def has_spline(exposure: str, terms: tuple[str, ...]) -> bool:
    """Return whether a term is a spline or polynomial basis of the exposure, which contains its straight
    line."""
    basis = re.compile(rf"\b(bs|cs|cc|cr|poly)\(\s*{re.escape(exposure)}\s*[,)]")
    return any(basis.search(term) for term in terms)


class _FurtherTerms:
    """Columns of `spec.terms` on the observed scores and under interventions."""

    def __init__(self, spec: QGComp, data: pd.DataFrame, scored: FloatArray) -> None:
        self._exposures = list(spec.exposures)
        n = len(data)
        self.names: tuple[str, ...] = ()
        self.observed = np.empty((n, 0))
        if not spec.terms:
            return
        from formulaic import model_matrix
        from formulaic.errors import FormulaicError

        self._data = data[[*spec.exposures, *spec.covariates]].copy()
        self._data[self._exposures] = scored
        try:
            matrix = model_matrix("0 + " + " + ".join(spec.terms), self._data)
        except FormulaicError as error:
            raise SpecificationError(
                f"expected terms of exposures and covariates in formulaic notation, found {spec.terms}: "
                f"{error}"
            ) from error
        self._spec = matrix.model_spec
        self.names = tuple(str(name) for name in matrix.columns)
        self.observed = matrix.to_numpy(dtype=np.float64)
        if self.observed.shape[0] != n:
            raise DataError(f"expected terms {spec.terms} to keep {n} rows, found {self.observed.shape[0]}")

    def at(self, level: float) -> FloatArray:
        if not self.names:
            return self.observed
        shifted = self._data.copy()
        shifted[self._exposures] = level
        return np.asarray(self._spec.get_model_matrix(shifted).to_numpy(dtype=np.float64))
