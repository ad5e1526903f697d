"""Fit one regression, unweighted or design-based, behind one function."""

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from envmix.errors import DataError, EnvmixWarning, EstimationError, SeparationError
from envmix.regression.design_matrix import check_columns, design_matrix
from envmix.regression.engines import Estimates, fit_survey, fit_unweighted
from envmix.regression.result import RegressionFit
from envmix.regression.separation import is_separated
from envmix.regression.spec import RegressionSpec, SurveyDesign

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
        One row per record. With ``spec.survey``, the records of the whole sample; only those of the
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
    EnvmixWarning
        Fewer than ten events (or non-events, if rarer) per coefficient (Peduzzi 1996). The text is
        also in ``RegressionFit.warnings``.

    Notes
    -----
    Survey: Binder (1983), as R's ``survey::svyglm`` on ``subset(design, domain)``, including its degrees
    of freedom: psus minus strata, counted where the domain has records, plus 1, minus coefficients.
    """
    rows = _domain_rows(spec.survey, data)
    check_columns(data, spec.columns, rows)
    here = data.loc[rows]
    outcome = here[spec.outcome].to_numpy(dtype=np.float64)
    _check_outcome(spec, outcome)
    terms, matrix = design_matrix(here, spec.exposures, spec.covariates, dict(spec.references))
    weights = None if spec.survey is None else here[spec.survey.weights].to_numpy(dtype=np.float64)
    estimates = _estimate(spec, data, here, terms, matrix, outcome, weights)
    found = _few_events(spec, outcome, matrix.shape[1])
    for text in found:
        warnings.warn(text, EnvmixWarning, stacklevel=2)
    exposures = matrix[:, 1 : 1 + len(spec.exposures)]
    return RegressionFit(
        spec=spec,
        terms=terms,
        estimate=estimates.estimate,
        covariance=estimates.covariance,
        df=estimates.df,
        n=len(here),
        events=int(outcome.sum()) if spec.family == "binomial" else None,
        exposure_sd=standard_deviation(exposures, weights),
        outcome_sd=float(standard_deviation(outcome[:, None], weights)[0]),
        warnings=found,
    )


def standard_deviation(
    values: NDArray[np.float64], weights: NDArray[np.float64] | None
) -> NDArray[np.float64]:
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


def _domain_rows(design: SurveyDesign | None, data: pd.DataFrame) -> NDArray[np.bool_]:
    if design is None:
        return np.ones(len(data), dtype=bool)
    check_columns(data, (design.strata, design.psu, design.weights, design.domain))
    rows = data[design.domain].to_numpy(dtype=bool)
    weights = data[design.weights].to_numpy(dtype=np.float64)
    bad = int(np.sum(rows & ~((weights > 0) & np.isfinite(weights))))
    if bad:
        raise DataError(
            f"expected positive weights in {design.weights} for every record of the domain, found {bad} of "
            f"{int(rows.sum())} that are zero, negative or infinite: take these records out of the domain"
        )
    psus = data.loc[weights > 0, [design.strata, design.psu]].drop_duplicates()
    lonely = psus[design.strata].value_counts()
    lonely = lonely[lonely == 1]
    if len(lonely):
        raise DataError(
            f"expected at least two psus in every stratum, found one in "
            f"{', '.join(str(stratum) for stratum in sorted(lonely.index))} ({design.strata}): "
            "pass the whole sample with a domain, not the records of the domain alone"
        )
    return rows


def _check_outcome(spec: RegressionSpec, outcome: NDArray[np.float64]) -> None:
    if len(outcome) == 0:
        raise DataError(
            "expected at least one record, found none: look at the domain and at the filters before"
        )
    if spec.family == "binomial":
        others = np.unique(outcome[(outcome != 0) & (outcome != 1)])
        if len(others):
            raise DataError(
                f"expected 0 or 1 in {spec.outcome}, found {others[:5].tolist()}: recode the outcome"
            )
        if outcome.min() == outcome.max():
            raise EstimationError(
                f"expected both values of {spec.outcome}, found only {outcome[0]:.0f} in "
                f"{len(outcome)} records"
            )


def _estimate(
    spec: RegressionSpec,
    data: pd.DataFrame,
    here: pd.DataFrame,
    terms: tuple[str, ...],
    matrix: NDArray[np.float64],
    outcome: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
) -> Estimates:
    try:
        if spec.survey is None or weights is None:
            if len(matrix) <= matrix.shape[1]:
                raise EstimationError(
                    f"expected more records than coefficients, found {len(matrix)} records and "
                    f"{matrix.shape[1]} coefficients: use fewer covariates"
                )
            estimates = fit_unweighted(matrix, outcome, spec.family)
        else:
            estimates = _estimate_survey(spec, spec.survey, data, here, matrix, outcome, weights)
    except EstimationError:
        _check_separation(spec, terms, matrix, outcome)
        raise
    finite = np.isfinite(estimates.estimate).all() and (np.diag(estimates.covariance) > 0).all()
    if not finite or np.abs(matrix @ estimates.estimate).max() > SUSPICIOUS_LOG_ODDS:
        _check_separation(spec, terms, matrix, outcome)
    if not finite:
        raise EstimationError(
            f"expected finite estimates with positive variance, found none for {len(matrix)} records and "
            f"{matrix.shape[1]} coefficients: use fewer covariates"
        )
    return estimates


def _estimate_survey(
    spec: RegressionSpec,
    design: SurveyDesign,
    data: pd.DataFrame,
    here: pd.DataFrame,
    matrix: NDArray[np.float64],
    outcome: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> Estimates:
    strata = here[design.strata].to_numpy(dtype=np.int64)
    psu = here[design.psu].to_numpy(dtype=np.int64)
    psus = pd.MultiIndex.from_arrays([strata, psu]).nunique()
    df = psus - len(np.unique(strata)) + 1 - matrix.shape[1]
    if df < 1:
        raise EstimationError(
            f"expected at least 1 degree of freedom, found {df} ({psus} psus in "
            f"{len(np.unique(strata))} strata, {matrix.shape[1]} coefficients): use fewer covariates"
        )
    sampled = data.loc[data[design.weights] > 0, [design.strata, design.psu]].drop_duplicates()
    sampled.columns = pd.Index(["strata", "psu"])
    return fit_survey(matrix, outcome, spec.family, strata, psu, weights, sampled)


def _check_separation(
    spec: RegressionSpec, terms: tuple[str, ...], matrix: NDArray[np.float64], outcome: NDArray[np.float64]
) -> None:
    if spec.family == "binomial" and is_separated(matrix, outcome):
        raise SeparationError(
            f"expected overlap of {spec.outcome} = 0 and 1 in every direction of the covariates, found that "
            f"some combination of {', '.join(terms[1:])} predicts it perfectly ({len(outcome)} records, "
            f"{int(outcome.sum())} events): join sparse levels or use fewer covariates"
        )


def _few_events(spec: RegressionSpec, outcome: NDArray[np.float64], coefficients: int) -> tuple[str, ...]:
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
