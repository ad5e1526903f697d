"""Quantile g-computation in closed form: psi is the sum of the exposures' coefficients."""

from dataclasses import dataclass, field
from typing import Any
from warnings import warn

import numpy as np
import pandas as pd

from mixepi.arguments import require_type
from mixepi.arrays import FloatArray
from mixepi.errors import SpecificationError
from mixepi.glm.constrained import fit_glm
from mixepi.qgcomp.data import QGCompData, qgcomp_data
from mixepi.qgcomp.spec import QGComp
from mixepi.quantile_scores import QuantileScores
from mixepi.regression.joint_test import JointTest, wald
from mixepi.results import charts
from mixepi.results.base import IntervalResult
from mixepi.tables import ESTIMATE_COLUMNS, estimate_table, with_counts

QGCOMP_ESTIMATE_COLUMNS = (*ESTIMATE_COLUMNS, "n", "events")
PARTIAL_COLUMNS = ("exposure", "direction", "coefficient", "weight", "rank")
PARTIAL_EFFECT_COLUMNS = ("term", "estimate", "exposures")
FACT_COLUMNS = (
    "family",
    "quantiles",
    "n",
    "events",
    "deviance",
    "null_deviance",
    "residual_df",
    "inference",
    "warnings",
)


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class QGCompResult(IntervalResult):
    """A fitted quantile g-computation with p exposures among k parameters.

    Attributes
    ----------
    spec : QGComp
    scores : QuantileScores
    terms : tuple of str, length k
    coefficients : array, shape (k,)
    covariance : array, shape (k, k)
        Model-based, or design-based if the specification names strata and psu.
    df, interval_df : float
        Degrees of freedom of tests and of intervals; infinite for the normal.
    deviance, null_deviance, residual_df : float
    n : int
    events : int or None
    inference : {"model", "design"}
    warnings : tuple of str
    strata_names : tuple of str
        Levels or values of the modifier; empty without one.
    strata_contrasts : array, shape (strata, k)
        psi in each stratum as a contrast of the coefficients.
    """

    spec: QGComp
    scores: QuantileScores
    terms: tuple[str, ...]
    coefficients: FloatArray
    covariance: FloatArray
    df: float
    interval_df: float
    deviance: float
    null_deviance: float
    residual_df: float
    n: int
    events: int | None
    inference: str
    warnings: tuple[str, ...]
    strata_names: tuple[str, ...] = ()
    strata_contrasts: FloatArray = field(default_factory=lambda: np.empty((0, 0)))

    @property
    def psi(self) -> float:
        """Change of the linear predictor when all exposures go up by one quantile.

        With a modifier: in its reference level, or where it is 0.
        """
        return float(self.exposure_coefficients.sum())

    @property
    def exposure_coefficients(self) -> FloatArray:
        """Coefficients of the scored exposures, shape (p,)."""
        return self.coefficients[1 : 1 + len(self.spec.exposures)]

    def estimates(self, level: float = 0.95) -> pd.DataFrame:
        """Return intercept and psi with the columns `QGCOMP_ESTIMATE_COLUMNS`."""
        contrast = np.zeros((2, self.coefficients.size))
        contrast[0, 0] = 1.0
        contrast[1, 1 : 1 + len(self.spec.exposures)] = 1.0
        errors = np.sqrt(np.diag(contrast @ self.covariance @ contrast.T))
        table = estimate_table(
            ("intercept", "psi1"), contrast @ self.coefficients, errors, self.df, level, self.interval_df
        )
        return with_counts(table, self.n, self.events)

    def coefficients_table(self, level: float = 0.95) -> pd.DataFrame:
        """Return every coefficient of the outcome model with the columns `ESTIMATE_COLUMNS`."""
        df = self.df if self.inference == "design" or np.isinf(self.df) else self.residual_df
        return estimate_table(self.terms, self.coefficients, np.sqrt(np.diag(self.covariance)), df, level)

    def strata(self, level: float = 0.95) -> pd.DataFrame:
        """Return psi in each stratum of the modifier: its column's name, stratum, and `ESTIMATE_COLUMNS`.

        Strata are levels, both values of a numeric modifier that has two, or its quartiles.

        Raises
        ------
        SpecificationError
            Without a modifier.
        """
        contrast = self._strata_contrasts()
        terms = [f"psi1[{name}]" for name in self.strata_names]
        errors = np.sqrt(np.diag(contrast @ self.covariance @ contrast.T))
        table = estimate_table(terms, contrast @ self.coefficients, errors, self.df, level, self.interval_df)
        table.insert(0, "stratum", list(self.strata_names))
        table.insert(0, "modifier", self.spec.modifier)
        return table

    def modification(self) -> JointTest:
        """Test that psi is the same in all strata, on strata - 1 degrees of freedom (1 for numbers).

        A Wald F test; chi-squared where the model's degrees of freedom are infinite.

        Raises
        ------
        SpecificationError
            Without a modifier.
        EstimationError
            The differences between strata cannot be told apart.
        """
        contrast = self._strata_contrasts()
        apart = contrast[1:] - contrast[0]
        if np.linalg.matrix_rank(apart) < len(apart):  # quartiles of numbers lie on one line
            apart = apart[-1:]
        return wald(
            apart @ self.coefficients,
            apart @ self.covariance @ apart.T,
            self.df,
            [f"psi by {self.spec.modifier}"],
        )

    def _strata_contrasts(self) -> FloatArray:
        if not self.strata_names:
            raise SpecificationError(
                "expected a modifier in the specification, found none: name a column, QGComp(modifier=...)"
            )
        return self.strata_contrasts

    def weights(self) -> pd.DataFrame:
        """Return each exposure's share of the partial effect of its sign: columns `PARTIAL_COLUMNS`.

        With a modifier: in its reference level, or where it is 0.
        """
        beta = self.exposure_coefficients
        positive = beta > 0
        totals = np.where(positive, beta[positive].sum(), beta[~positive].sum())
        with np.errstate(invalid="ignore", divide="ignore"):
            weight = np.where(totals == 0, 0.0, beta / totals)
        table = pd.DataFrame(
            {
                "exposure": list(self.spec.exposures),
                "direction": np.where(positive, "positive", "negative"),
                "coefficient": beta,
                "weight": weight,
            }
        ).sort_values(["direction", "weight"], ascending=[False, False], kind="stable", ignore_index=True)
        return table.assign(rank=table.groupby("direction", sort=False).cumcount() + 1)

    def partial_effects(self) -> pd.DataFrame:
        """Return the sums of the positive and of the negative coefficients: columns `PARTIAL_EFFECT_COLUMNS`.

        They have no standard errors: the signs are chosen by the same data.
        """
        beta = self.exposure_coefficients
        return pd.DataFrame(
            {
                "term": ["psi_positive", "psi_negative"],
                "estimate": [beta[beta > 0].sum(), beta[beta < 0].sum()],
                "exposures": [int((beta > 0).sum()), int((beta < 0).sum())],
            }
        )

    def facts(self) -> pd.DataFrame:
        """Return one row about the fit: columns `FACT_COLUMNS`."""
        values = [
            self.spec.family,
            self.spec.quantiles,
            self.n,
            self.events,
            self.deviance,
            self.null_deviance,
            self.residual_df,
            self.inference,
            "; ".join(self.warnings),
        ]
        facts = pd.DataFrame([dict(zip(FACT_COLUMNS, values, strict=True))])
        return facts.astype({"quantiles": "Int64", "events": "Int64"})

    def headline(self) -> str:
        """Return in one line what was fitted."""
        return f"quantile g-computation, {mixture_name(self.spec, self.n, self.events)}"

    def tables_shown(self, level: float = 0.95) -> dict[str, pd.DataFrame]:
        """Return the tables of the summary."""
        if self.strata_names:
            column = str(self.spec.modifier)
            groups = column not in self.terms  # the column of numbers is a term itself
            where = self.strata_names[0] if groups else "0"
            return {
                f"psi by {column}": self.strata(level),
                f"Estimates where {column} is {where}": self.estimates(level),
            }
        weights = self.weights().drop(columns="rank")
        return {"Estimates": self.estimates(level), "Weights within each direction": weights}

    def remarks(self) -> tuple[str, ...]:
        """Return the warnings of the fit, and the test of modification."""
        if not self.strata_names:
            return self.warnings
        test = self.modification()
        return (*self.warnings, f"Modification by {self.spec.modifier}: {test.in_words()}")

    def effect_label(self) -> str:
        """Return what psi measures."""
        return charts.effect_label(self.spec.family, self.spec.outcome)

    def plot_weights(self) -> Any:
        """Return an altair chart of each exposure's share of the partial effect of its sign.

        Raises
        ------
        MissingPackageError
            Altair is not installed.
        """
        return charts.plot_weights(
            self.weights(), "Weights within each direction", self.headline(), equal_line=False
        )


def mixture_name(spec: QGComp, n: int, events: int | None) -> str:
    """Return the mixture in words: its size, the outcome, the rows."""
    counted = "" if events is None else f", {events} events"
    inference = ", design-based" if spec.is_survey else ""
    return f"{len(spec.exposures)} exposures, {spec.family} {spec.outcome}, {n} rows{counted}{inference}"


def fit_qgcomp(spec: QGComp, data: pd.DataFrame) -> QGCompResult:
    """Fit the outcome model on quantile scores and add up the coefficients of the mixture.

    Parameters
    ----------
    spec : QGComp
        Without `terms` and with `degree` 1: an effect that is not linear needs `fit_qgcomp_bootstrap`.
    data : DataFrame
        One row per participant, without missing values in the columns that `spec` names.

    Returns
    -------
    QGCompResult

    Raises
    ------
    DataError, SpecificationError, EstimationError, SeparationError

    References
    ----------
    Keil AP, Buckley JP, O'Brien KM, Ferguson KK, Zhao S, White AJ (2020). A quantile-based g-computation
    approach to addressing the effects of exposure mixtures. Environ Health Perspect 128:047004.
    """
    require_type("spec", spec, QGComp)
    if spec.terms or spec.degree > 1:
        raise SpecificationError(
            f"expected no further terms and degree 1, found terms={spec.terms}, degree={spec.degree}: "
            "use fit_qgcomp_bootstrap"
        )
    arrays = qgcomp_data(spec, data, interventions=False)
    for note in arrays.notes:
        warn(note, stacklevel=2)
    fit = fit_glm(
        arrays.design,
        arrays.names,
        arrays.outcome,
        family=spec.family,
        weights=arrays.weights,
        offset=arrays.offset,
    )
    coefficients, covariance, inference = fit.coefficients, fit.covariance, "model"
    df = interval_df = np.inf
    if spec.family == "gaussian":
        df = interval_df = fit.residual_df
        if spec.inference == "qgcomp":
            df, interval_df = float(arrays.outcome.size - 1 - len(spec.exposures)), np.inf
    if arrays.survey is not None:
        survey = arrays.survey_fit(arrays.survey, arrays.design, arrays.names, family=spec.family)
        coefficients, covariance, inference = survey.coefficients, survey.covariance, "design"
        df = interval_df = survey.df
    return QGCompResult(
        spec=spec,
        scores=arrays.scores,
        terms=arrays.names,
        coefficients=coefficients,
        covariance=covariance,
        df=df,
        interval_df=interval_df,
        deviance=fit.deviance,
        null_deviance=fit.null_deviance,
        residual_df=fit.residual_df,
        n=arrays.outcome.size,
        events=int(arrays.outcome.sum()) if spec.family == "binomial" else None,
        inference=inference,
        warnings=tuple(map(str, arrays.notes)),
        **_strata(spec, arrays),
    )


def _strata(spec: QGComp, arrays: QGCompData) -> dict[str, Any]:
    """Return the strata of the modifier, and psi in each as a contrast of the coefficients."""
    if arrays.modifier is None:
        return {}
    p, (strata, columns) = len(spec.exposures), arrays.modifier.values.shape
    contrasts = np.zeros((strata, len(arrays.names)))
    contrasts[:, 1 : 1 + p] = 1.0
    contrasts[:, len(arrays.names) - columns * p :] = np.repeat(arrays.modifier.values, p, axis=1)
    return {"strata_names": arrays.modifier.strata, "strata_contrasts": contrasts}
