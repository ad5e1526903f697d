"""The arrays of one quantile g-computation, and its design under joint interventions."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mixepi.arguments import require_type
from mixepi.arrays import FloatArray
from mixepi.errors import DataError, SpecificationError
from mixepi.model_frame import distinct_terms
from mixepi.qgcomp.spec import QGComp
from mixepi.scored_data import ScoredData, score_data


@dataclass(frozen=True, kw_only=True)
class QGCompData(ScoredData):
    """The arrays of one quantile g-computation.

    Attributes
    ----------
    design : array, shape (n, k)
        Intercept, scored exposures, covariates, further terms.
    names : tuple of str, length k
    interventions : array, shape (v, n, k)
        The design with every exposure set to each joint value in turn; empty unless asked for.
    levels : array, shape (v,)
        The joint values: 0, 1, ..., quantiles - 1.
    """

    design: FloatArray
    names: tuple[str, ...]
    interventions: FloatArray
    levels: FloatArray


def qgcomp_data(spec: QGComp, data: pd.DataFrame, *, interventions: bool) -> QGCompData:
    """Check `data` against `spec` and return its arrays, with the interventions if asked for."""
    require_type("spec", spec, QGComp)
    shared = score_data(spec, data, spec.covariates)
    scored, covariates, n = shared.scored, shared.covariates, shared.outcome.size
    straight = [j for j, name in enumerate(spec.exposures) if not has_spline(name, spec.terms)]
    mains = np.column_stack([np.ones(n), scored[:, straight], covariates.matrix])
    further = _FurtherTerms(spec, data.iloc[shared.positions], scored)
    names = distinct_terms(
        ("intercept", *(spec.exposures[j] for j in straight), *covariates.names, *further.names)
    )
    levels = joint_levels(spec, scored)
    steps = np.empty((0, n, len(names)))
    if interventions:
        steps = np.empty((levels.size, n, len(names)))
        for step, level in zip(steps, levels, strict=True):
            step[:, : mains.shape[1]] = mains
            step[:, 1 : 1 + len(straight)] = level
            step[:, mains.shape[1] :] = further.at(level)
    return QGCompData(
        **vars(shared),
        design=np.hstack([mains, further.observed]),
        names=names,
        interventions=steps,
        levels=levels,
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
    basis = re.compile(rf"\b(bs|cs|cc|cr|poly)\(\s*`?{re.escape(exposure)}`?\s*[,)]")
    return any(basis.search(term) for term in terms)


def _plain(error: Exception) -> str:
    """Return a message in one line, without the colours of a terminal."""
    text = re.sub(r"\x1b\[[0-9;]*m|[\u29da\u29db]", "", str(error))
    return " ".join(text.split()).rstrip(".")


class _FurtherTerms:
    """Columns of `spec.terms` on the observed scores and under interventions."""

    def __init__(self, spec: QGComp, data: pd.DataFrame, scored: FloatArray) -> None:
        self._exposures = list(spec.exposures)
        n = len(data)
        self.names: tuple[str, ...] = ()
        self.observed = np.empty((n, 0))
        if not spec.terms:
            return
        from formulaic import ModelMatrix, model_matrix
        from formulaic.errors import FormulaicError

        self._data = data[[*spec.exposures, *spec.covariates]].copy()
        self._data[self._exposures] = scored
        try:
            # Without the variables of this module, which would count as columns.
            matrix = model_matrix("0 + " + " + ".join(spec.terms), self._data, context={})
        except (FormulaicError, SyntaxError, TypeError, ValueError) as error:
            raise SpecificationError(
                f"expected terms of exposures and covariates in formulaic notation, found {spec.terms}: "
                f"{_plain(error)}; known are {', '.join(self._data.columns)}; a name with other signs than "
                "letters and digits stands in backticks, one that is a word of Python has to be renamed"
            ) from error
        if not isinstance(matrix, ModelMatrix):
            raise SpecificationError(
                f"expected terms without ~ or |, found {spec.terms}: list the terms of the right side"
            )
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
