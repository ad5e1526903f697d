"""The arrays of one WQS analysis, checked once and shared by all its splits and bootstraps."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mixepi.arguments import require_type
from mixepi.arrays import BoolArray, FloatArray, IntArray
from mixepi.errors import DataError, MixepiWarning
from mixepi.glm.families import check_outcome
from mixepi.model_frame import (
    Covariates,
    covariate_columns,
    domain_rows,
    factor_levels,
    numeric_column,
    observation_weights,
    require_columns,
    require_complete,
    require_distinct,
    require_factor,
    row_order,
)
from mixepi.quantile_scores import QuantileScores, learn_quantile_scores
from mixepi.survey.design import SurveyDesign, survey_design
from mixepi.wqs.spec import WQS


@dataclass(frozen=True)
class Components:
    """Names of the K index columns: an exposure each, or an exposure within a stratum."""

    exposures: tuple[str, ...]
    strata: tuple[str | None, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """One label per index column."""
        pairs = zip(self.exposures, self.strata, strict=True)
        return tuple(name if level is None else f"{name}[{level}]" for name, level in pairs)


@dataclass(frozen=True)
class Prepared:
    """Checked arrays of the n analysed rows, in the order in which random draws see them.

    Attributes
    ----------
    positions : array, shape (n,)
        Row of the data frame behind each analysed row.
    scores : QuantileScores
    index_columns : array, shape (n, K)
        Quantile scores, or scores within strata.
    components : Components
    covariates : Covariates
        Main effects of the stratifying and interacting columns included.
    modifier : array, shape (n,), or None
        The interacting column.
    modifier_name : str
    outcome, weights, offset : array, shape (n,)
        Weights have mean 1.
    total_rows : int
        Rows of the data frame.
    design : SurveyDesign or None
        Of all rows of the data frame.
    notes : tuple of MixepiWarning
    parameters : int
        Of the final model.
    """

    positions: IntArray
    scores: QuantileScores
    index_columns: FloatArray
    components: Components
    covariates: Covariates
    modifier: FloatArray | None
    modifier_name: str
    outcome: FloatArray
    weights: FloatArray
    offset: FloatArray
    total_rows: int
    design: SurveyDesign | None
    notes: tuple[MixepiWarning, ...]
    parameters: int

    def require_rows(self, rows: BoolArray, part: str) -> None:
        """Raise `DataError` unless a part of the rows outnumbers the parameters of the final model."""
        found = int(rows.sum())
        if found <= self.parameters:
            raise DataError(
                f"expected more {part} rows than parameters ({self.parameters}), found {found} of "
                f"{rows.size}: change the validation share, or use fewer covariates"
            )


def prepare(spec: WQS, data: pd.DataFrame) -> Prepared:
    """Check `data` against `spec` and return its arrays."""
    require_type("spec", spec, WQS)
    optional = [spec.stratified_by, spec.interaction, spec.offset, spec.weights, spec.strata, spec.psu]
    extra = [name for name in (*optional, spec.identifier) if name is not None]
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
    levels = stratum_levels(part, spec.stratified_by)
    index_columns = expand_strata(scored, part, spec.stratified_by, levels)
    repeats = levels or (None,)
    components = Components(
        spec.exposures * len(repeats), tuple(level for level in repeats for _ in spec.exposures)
    )
    mains = [name for name in (spec.stratified_by, spec.interaction) if name and name not in spec.covariates]
    modifier, modifier_name = _modifier(part, spec.interaction)
    design = (
        survey_design(data, rows, weights=spec.weights, strata=spec.strata, psu=spec.psu)
        if spec.survey
        else None
    )
    covariates = covariate_columns(part, [*spec.covariates, *dict.fromkeys(mains)])
    return Prepared(
        positions,
        scores,
        index_columns,
        components,
        covariates,
        modifier,
        modifier_name,
        outcome,
        observation_weights(part, spec.weights),
        np.zeros(len(part)) if spec.offset is None else numeric_column(part, spec.offset),
        len(data),
        design,
        notes,
        1 + covariates.matrix.shape[1] + len(spec.directions) + (modifier is not None),
    )


def stratum_levels(data: pd.DataFrame, name: str | None) -> tuple[str, ...] | None:
    """Return the levels of the stratifying factor, or None without one."""
    if name is None:
        return None
    require_factor(data[name])
    levels = factor_levels(data[name])[1]
    if len(levels) < 2:
        raise DataError(
            f"expected stratifying factor {name!r} to have at least 2 levels, found {len(levels)}: "
            "leave stratified_by out"
        )
    return levels


def expand_strata(
    scored: FloatArray, data: pd.DataFrame, name: str | None, levels: tuple[str, ...] | None
) -> FloatArray:
    """Return the index columns: the scores, or one copy of them per stratum that is 0 outside the stratum."""
    if name is None or levels is None:
        return scored
    require_columns(data, [name])
    labels = data[name].astype(str).to_numpy()
    unknown = sorted(set(labels) - set(levels))
    if unknown:
        raise DataError(
            f"expected {name!r} to be one of {', '.join(levels)}, found {', '.join(unknown)}: "
            "the index weights are only known for the strata of the fit"
        )
    return np.hstack([scored * (labels == level)[:, None] for level in levels])


def _modifier(data: pd.DataFrame, name: str | None) -> tuple[FloatArray | None, str]:
    if name is None:
        return None, ""
    column = data[name]
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return numeric_column(data, name), name
    require_factor(column)
    codes, levels = factor_levels(column)
    if len(levels) != 2:
        raise DataError(
            f"expected the interacting factor {name!r} to have 2 levels, found {len(levels)}: use "
            "stratified_by, "
            "or recode it"
        )
    return codes, f"{name}[{levels[1]}]"
