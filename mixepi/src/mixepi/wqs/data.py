"""The arrays of one WQS analysis, checked once and shared by all its splits and bootstraps."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mixepi.arguments import require_type
from mixepi.arrays import BoolArray, FloatArray
from mixepi.errors import DataError
from mixepi.model_frame import as_numbers, factor_levels, numeric_column, require_columns, require_factor
from mixepi.scored_data import ScoredData, score_data
from mixepi.survey.design import SamplingUnits, sampling_units
from mixepi.wqs.spec import WQS


@dataclass(frozen=True, kw_only=True)
class Components:
    """Names of the K index columns: an exposure each, or an exposure within a stratum."""

    exposures: tuple[str, ...]
    strata: tuple[str | None, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """One label per index column."""
        pairs = zip(self.exposures, self.strata, strict=True)
        return tuple(name if level is None else f"{name}[{level}]" for name, level in pairs)


@dataclass(frozen=True, kw_only=True)
class WQSData(ScoredData):
    """The arrays of one WQS analysis.

    Attributes
    ----------
    index_columns : array, shape (n, K)
        Quantile scores, or scores within strata.
    components : Components
    modifier : array, shape (n,), or None
        The interacting column; its main effect is among the covariates, that of the stratifying factor too.
    modifier_name : str
    parameters : int
        Of the final model.
    units : SamplingUnits or None
        PSUs of the analysed rows: what is split and resampled under a design.
    """

    index_columns: FloatArray
    components: Components
    modifier: FloatArray | None
    modifier_name: str
    parameters: int
    units: SamplingUnits | None

    def require_rows(self, rows: BoolArray, part: str) -> None:
        """Raise `DataError` unless a part of the rows outnumbers the parameters of the final model."""
        found = int(rows.sum())
        if found <= self.parameters:
            raise DataError(
                f"expected more {part} rows than parameters ({self.parameters}), found {found} of "
                f"{rows.size}: change the validation share, or use fewer covariates"
            )


def wqs_data(spec: WQS, data: pd.DataFrame) -> WQSData:
    """Check `data` against `spec` and return its arrays."""
    require_type("spec", spec, WQS)
    mains = [name for name in (spec.stratified_by, spec.interaction) if name and name not in spec.covariates]
    shared = score_data(
        spec, data, [*spec.covariates, *dict.fromkeys(mains)], [spec.stratified_by, spec.interaction]
    )
    part = data.iloc[shared.positions]
    levels = stratum_levels(part, spec.stratified_by)
    repeats = levels or (None,)
    modifier, modifier_name = _modifier(part, spec.interaction)
    return WQSData(
        **vars(shared),
        index_columns=expand_strata(shared.scored, part, spec.stratified_by, levels),
        components=Components(
            exposures=spec.exposures * len(repeats),
            strata=tuple(level for level in repeats for _ in spec.exposures),
        ),
        modifier=modifier,
        modifier_name=modifier_name,
        parameters=1 + shared.covariates.matrix.shape[1] + len(spec.directions) + (modifier is not None),
        units=None if shared.survey is None else sampling_units(shared.survey),
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
    if as_numbers(column) is not None:
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
