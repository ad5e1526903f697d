"""Fit one regression, unweighted or design-based, behind one function."""

import warnings

import numpy as np
import pandas as pd

from mixepi.arguments import require_type
from mixepi.arrays import BoolArray, FloatArray
from mixepi.errors import EstimationError, MixepiWarning, SeparationError
from mixepi.glm.families import check_outcome
from mixepi.model_frame import (
    domain_rows,
    numeric_column,
    observation_weights,
    require_columns,
    require_complete,
)
from mixepi.regression.design_matrix import design_matrix
from mixepi.regression.result import Estimates, RegressionFit
from mixepi.regression.spec import RegressionSpec
from mixepi.regression.unweighted import fit_unweighted
from mixepi.separation import is_separated
from mixepi.survey.design import survey_design
from mixepi.survey.glm import SurveyFit, survey_glm

# Peduzzi 1996: below ten events per coefficient, logistic estimates and intervals become unreliable.
EVENTS_PER_COEFFICIENT = 10

# A linear predictor beyond this is a probability of 3e-7: worth asking whether it should be infinite.
SUSPICIOUS_LOG_ODDS = 15.0


def fit_regression(spec: RegressionSpec, data: pd.DataFrame) -> RegressionFit:
    """Fit a linear or logistic regression.

    Parameters
    ----------
    spec : RegressionSpec
        Columns and options.
    data : pandas.DataFrame
        One row per record. For a survey, the records of the whole sample; only those of the
        domain need values in the model's columns.

    Returns
    -------
    RegressionFit

    Raises
    ------
    DataError
        A column is absent, has missing values, or does not suit the family or the design.
    EstimationError
        The model is not identified, has no degrees of freedom, or did not converge.
    SeparationError
        A combination of columns predicts the outcome perfectly.

    Warns
    -----
    MixepiWarning
        Fewer than ten events (or non-events, if rarer) per coefficient (Peduzzi 1996). The text is
        also in ``RegressionFit.warnings``.

    Notes
    -----
    Survey: Binder (1983), as R's ``survey::svyglm`` on ``subset(design, domain)``, including its degrees
    of freedom: psus minus strata, counted where the domain has records, plus 1, minus coefficients.
    """
    require_type("spec", spec, RegressionSpec)
    design = (spec.weights, spec.strata, spec.psu, spec.domain)
    require_columns(data, [*spec.columns, *(name for name in design if name is not None)])
    rows = domain_rows(data, spec.domain)
    require_complete(data, spec.columns, rows)
    here = data.loc[rows, [*dict.fromkeys([*spec.columns, *filter(None, [spec.weights])])]]
    outcome = numeric_column(here, spec.outcome)
    check_outcome(outcome, spec.family, spec.outcome)
    terms, matrix = design_matrix(here, spec.exposures, spec.covariates, dict(spec.references))
    weights = observation_weights(here, spec.weights) if spec.is_survey else None
    estimates = _estimate(spec, data, rows, terms, matrix, outcome)
    found = _few_events(spec, outcome, matrix.shape[1])
    for text in found:
        warnings.warn(text, MixepiWarning, stacklevel=2)
    exposures = matrix[:, 1 : 1 + len(spec.exposures)]
    return RegressionFit(
        spec=spec,
        terms=terms,
        coefficients=estimates.coefficients,
        covariance=estimates.covariance,
        df=estimates.df,
        n=len(here),
        events=int(outcome.sum()) if spec.family == "binomial" else None,
        exposure_sd=standard_deviation(exposures, weights),
        outcome_sd=float(standard_deviation(outcome[:, None], weights)[0]),
        log_likelihood=None if isinstance(estimates, SurveyFit) else estimates.log_likelihood,
        warnings=found,
    )


def standard_deviation(values: FloatArray, weights: FloatArray | None) -> FloatArray:
    """Return the standard deviation of each column, weighted if there are weights.

    Parameters
    ----------
    values : ndarray, shape (n, k)
    weights : ndarray, shape (n,), or None

    Returns
    -------
    ndarray, shape (k,)
        With n - 1 in the denominator when unweighted, the population's when weighted.
    """
    if weights is None:
        return np.asarray(values.std(axis=0, ddof=1))
    mean = np.average(values, axis=0, weights=weights)
    return np.asarray(np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights)))


def _estimate(
    spec: RegressionSpec,
    data: pd.DataFrame,
    rows: BoolArray,
    terms: tuple[str, ...],
    matrix: FloatArray,
    outcome: FloatArray,
) -> Estimates | SurveyFit:
    estimates: Estimates | SurveyFit
    try:
        if spec.is_survey:
            design = survey_design(data, rows, weights=spec.weights, strata=spec.strata, psu=spec.psu)
            no_offset = np.zeros(len(outcome))
            estimates = survey_glm(matrix, terms, outcome, design, family=spec.family, offset=no_offset)
        else:
            estimates = fit_unweighted(matrix, outcome, spec.family)
    except EstimationError:
        _check_separation(spec, terms, matrix, outcome)
        raise
    finite = np.isfinite(estimates.coefficients).all() and (np.diag(estimates.covariance) > 0).all()
    if not finite or np.abs(matrix @ estimates.coefficients).max() > SUSPICIOUS_LOG_ODDS:
        _check_separation(spec, terms, matrix, outcome)
    if not finite:
        raise EstimationError(
            f"expected finite estimates with positive variance, found none for {len(matrix)} records and "
            f"{matrix.shape[1]} coefficients: use fewer covariates"
        )
    return estimates


def _check_separation(
    spec: RegressionSpec, terms: tuple[str, ...], matrix: FloatArray, outcome: FloatArray
) -> None:
    if spec.family == "binomial" and is_separated(matrix, outcome):
        raise SeparationError(
            f"expected overlap of {spec.outcome} = 0 and 1 in every direction of the covariates, found that "
            f"some combination of {', '.join(terms[1:])} predicts it perfectly ({len(outcome)} records, "
            f"{int(outcome.sum())} events): join sparse levels or use fewer covariates"
        )


def _few_events(spec: RegressionSpec, outcome: FloatArray, coefficients: int) -> tuple[str, ...]:
    if spec.family != "binomial":
        return ()
    rarer = int(min(outcome.sum(), len(outcome) - outcome.sum()))
    per_coefficient = rarer / max(coefficients - 1, 1)
    if per_coefficient >= EVENTS_PER_COEFFICIENT:
        return ()
    return (
        f"few events: expected at least {EVENTS_PER_COEFFICIENT} per coefficient, found "
        f"{per_coefficient:.1f} ({rarer} for {coefficients - 1} coefficients)",
    )
