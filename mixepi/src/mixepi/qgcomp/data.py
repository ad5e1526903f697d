"""The arrays of one quantile g-computation, and its design under joint interventions."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mixepi.arguments import require_type
from mixepi.arrays import FloatArray
from mixepi.errors import DataError, SpecificationError
from mixepi.model_frame import Covariates, as_numbers, distinct_terms, factor_levels
from mixepi.qgcomp.spec import QGComp
from mixepi.quantile_scores import type7_quantiles
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
    modifier : Modifier or None
        Its products with the exposures are the last columns of the design: for each of its columns, one per
        exposure.
    """

    design: FloatArray
    names: tuple[str, ...]
    interventions: FloatArray
    levels: FloatArray
    modifier: "Modifier | None"


def qgcomp_data(spec: QGComp, data: pd.DataFrame, *, interventions: bool) -> QGCompData:
    """Check `data` against `spec` and return its arrays, with the interventions if asked for."""
    require_type("spec", spec, QGComp)
    if interventions and spec.modifier is not None:
        raise SpecificationError(
            f"expected no modifier for a marginal model, found {spec.modifier!r}: use fit_qgcomp, or write "
            "the products of its column with the exposures as terms"
        )
    named = tuple(dict.fromkeys([*spec.covariates, *([spec.modifier] if spec.modifier else [])]))
    shared = score_data(spec, data, named)
    scored, covariates, n = shared.scored, shared.covariates, shared.outcome.size
    part = data.iloc[shared.positions]
    further = _FurtherTerms(spec, part, scored)
    straight = [j for j, name in enumerate(spec.exposures) if name not in further.bases]
    mains = np.column_stack([np.ones(n), scored[:, straight], covariates.matrix])
    modifier, products, product_names = None, np.empty((n, 0)), []
    if spec.modifier is not None:
        modifier = modifier_of(spec.modifier, part[spec.modifier], covariates)
        beside = covariates.matrix[:, list(modifier.columns)]
        products = (beside[:, :, None] * scored[:, None, :]).reshape(n, -1)
        product_names = [
            f"{exposure}:{covariates.names[column]}"
            for column in modifier.columns
            for exposure in spec.exposures
        ]
    names = distinct_terms(
        (
            "intercept",
            *(spec.exposures[j] for j in straight),
            *covariates.names,
            *further.names,
            *product_names,
        )
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
        design=np.hstack([mains, further.observed, products]),
        names=names,
        interventions=steps,
        levels=levels,
        modifier=modifier,
    )


def joint_levels(spec: QGComp, scored: FloatArray) -> FloatArray:
    """Return the joint exposure values of the interventions.

    Scores: 0, ..., quantiles - 1. Standardised values: the mean over exposures of their 5th, 15th, ..., 95th
    percentiles, ten values on the common scale.
    """
    if spec.quantiles is not None:
        return np.arange(spec.quantiles, dtype=np.float64)
    return np.asarray(np.quantile(scored, np.arange(0.05, 1, 0.1), axis=0).mean(axis=1))


@dataclass(frozen=True, kw_only=True)
class Modifier:
    """The columns of a modifier among the covariates, and the strata whose psi is reported.

    Attributes
    ----------
    columns : tuple of int
        Positions in the covariates' matrix.
    strata : tuple of str
        One name per stratum: a level, or a value of a numeric modifier.
    values : array, shape (strata, columns)
        The columns in each stratum.
    """

    columns: tuple[int, ...]
    strata: tuple[str, ...]
    values: FloatArray


def modifier_of(name: str, column: pd.Series, covariates: Covariates) -> Modifier:
    """Return the columns and strata of a modifier.

    The strata are the levels, the two values of a numeric column that has two, or else its quartiles.
    """
    numbers = as_numbers(column)
    if numbers is None:
        levels = factor_levels(column)[1]
        columns = tuple(covariates.names.index(f"{name}[{level}]") for level in levels[1:])
        return Modifier(columns=columns, strata=levels, values=np.eye(len(levels))[:, 1:])
    distinct = np.unique(numbers)
    if distinct.size > 2:
        distinct = np.unique(type7_quantiles(numbers, (0.25, 0.5, 0.75)))
    return Modifier(
        columns=(covariates.names.index(name),),
        strata=tuple(f"{value:.10g}" for value in distinct),
        values=distinct[:, None],
    )


def _plain(error: Exception) -> str:
    """Return a message in one line, without the colours of a terminal."""
    text = re.sub(r"\x1b\[[0-9;]*m|[\u29da\u29db]", "", str(error))
    return " ".join(text.split()).rstrip(".")


class _FurtherTerms:
    """Columns of `spec.terms` on the observed scores and under interventions.

    Terms are coded beside the main effects that the model has, so that a product with a factor leaves out its
    reference level. A main effect among the terms, as `lead * age` has, adds nothing.

    Attributes
    ----------
    names : tuple of str
    observed : array, shape (n, terms)
    bases : set of str
        Exposures with a term that is a spline or polynomial basis by itself: it contains their straight line.
    """

    def __init__(self, spec: QGComp, data: pd.DataFrame, scored: FloatArray) -> None:
        self._exposures = list(spec.exposures)
        n = len(data)
        self.names: tuple[str, ...] = ()
        self.observed = np.empty((n, 0))
        self.bases: set[str] = set()
        if not spec.terms:
            return
        from formulaic import Formula, ModelMatrix, SimpleFormula, model_matrix
        from formulaic.errors import FormulaicError

        self._data = pd.DataFrame(scored, columns=self._exposures)
        for name in dict.fromkeys([*spec.covariates, *([spec.modifier] if spec.modifier else [])]):
            self._data[name] = _as_formulaic_reads(data[name])
        mains = list(self._data.columns)
        try:
            formula = Formula("1 + " + " + ".join(spec.terms))
            beside = [name for name in mains if name in formula.required_variables]
            text = " + ".join(["1", *(f"`{name}`" for name in beside), *spec.terms])
            # Without the variables of this module, which would count as columns.
            matrix = model_matrix(text, self._data, context={})
        except (FormulaicError, SyntaxError, TypeError, ValueError) as error:
            raise SpecificationError(
                f"expected terms of exposures and covariates in formulaic notation, found {spec.terms}: "
                f"{_plain(error)}; known are {', '.join(mains)}; a name with other signs than "
                "letters and digits stands in backticks, one that is a word of Python has to be renamed"
            ) from error
        if not (isinstance(matrix, ModelMatrix) and isinstance(formula, SimpleFormula)):
            raise SpecificationError(
                f"expected terms without ~ or |, found {spec.terms}: list the terms of the right side"
            )
        self._spec = matrix.model_spec
        kept: list[int] = []
        for term, place in self._spec.term_slices.items():
            factors = [str(factor.expr) for factor in term.factors]
            if factors != ["1"] and not (len(factors) == 1 and factors[0] in mains):
                kept += range(place.start, place.stop)
                self.bases |= {name for name in self._exposures if _is_basis(factors, name)}
        self._kept = kept
        self.names = tuple(str(matrix.columns[j]).replace("[T.", "[") for j in kept)
        self.observed = matrix.to_numpy(dtype=np.float64)[:, kept]
        if self.observed.shape[0] != n:
            raise DataError(f"expected terms {spec.terms} to keep {n} rows, found {self.observed.shape[0]}")

    def at(self, level: float) -> FloatArray:
        if not self.names:
            return self.observed
        shifted = self._data.copy()
        shifted[self._exposures] = level
        matrix = self._spec.get_model_matrix(shifted).to_numpy(dtype=np.float64)
        return np.asarray(matrix[:, self._kept])


def _is_basis(factors: list[str], exposure: str) -> bool:
    """Return whether a term is by itself a spline or polynomial basis of the exposure."""
    basis = rf"(bs|cs|cc|cr|poly)\(\s*`?{re.escape(exposure)}`?\s*[,)].*"
    return len(factors) == 1 and re.fullmatch(basis, factors[0]) is not None


def _as_formulaic_reads(column: pd.Series) -> Any:
    """Return numbers as doubles, however they are stored, and groups as categories in our order."""
    numbers = as_numbers(column)
    if numbers is not None:
        return numbers
    codes, levels = factor_levels(column)
    return pd.Categorical.from_codes(codes.astype(np.int64), pd.Index(levels))
