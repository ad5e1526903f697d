"""Quantile g-computation in closed form: psi is the sum of the exposures' coefficients."""

from dataclasses import dataclass
from warnings import warn

import numpy as np
import pandas as pd

from mixepi.arguments import require_type
from mixepi.arrays import FloatArray
from mixepi.errors import SpecificationError
from mixepi.glm.constrained import fit_glm
from mixepi.qgcomp.prepared import prepare
from mixepi.qgcomp.spec import QGComp
from mixepi.quantile_scores import QuantileScores
from mixepi.survey.glm import survey_glm
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


@dataclass(frozen=True)
class QGCompResult:
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

    @property
    def psi(self) -> float:
        """Change of the linear predictor when all exposures go up by one quantile."""
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

    def weights(self) -> pd.DataFrame:
        """Return each exposure's share of the partial effect of its sign: columns `PARTIAL_COLUMNS`."""
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
    prepared = prepare(spec, data, interventions=False)
    for note in prepared.notes:
        warn(note, stacklevel=2)
    fit = fit_glm(
        prepared.design,
        prepared.names,
        prepared.outcome,
        family=spec.family,
        weights=prepared.weights,
        offset=prepared.offset,
    )
    coefficients, covariance, inference = fit.coefficients, fit.covariance, "model"
    df = interval_df = np.inf
    if spec.family == "gaussian":
        df = interval_df = fit.residual_df
        if spec.inference == "qgcomp":
            df, interval_df = float(prepared.outcome.size - 1 - len(spec.exposures)), np.inf
    if prepared.survey is not None:
        domain = np.zeros(prepared.total_rows, dtype=np.bool_)
        domain[prepared.positions] = True
        order = np.argsort(prepared.positions)
        survey = survey_glm(
            prepared.design[order],
            prepared.names,
            prepared.outcome[order],
            domain,
            prepared.survey,
            family=spec.family,
            offset=prepared.offset[order],
        )
        coefficients, covariance, inference = survey.coefficients, survey.covariance, "design"
        df = interval_df = survey.df
    return QGCompResult(
        spec,
        prepared.scores,
        prepared.names,
        coefficients,
        covariance,
        df,
        interval_df,
        fit.deviance,
        fit.null_deviance,
        fit.residual_df,
        prepared.outcome.size,
        int(prepared.outcome.sum()) if spec.family == "binomial" else None,
        inference,
        tuple(map(str, prepared.notes)),
    )
