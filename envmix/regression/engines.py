"""The two ways to estimate one model: statsmodels without weights, svy with the survey's design."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from envmix.errors import EstimationError
from envmix.regression.spec import Family


@dataclass(frozen=True)
class Estimates:
    """Coefficients, shape (k,), their covariance, shape (k, k), and the degrees of freedom."""

    estimate: NDArray[np.float64]
    covariance: NDArray[np.float64]
    df: float


def fit_unweighted(matrix: NDArray[np.float64], outcome: NDArray[np.float64], family: Family) -> Estimates:
    """Fit by maximum likelihood, every row counting once."""
    # statsmodels.api would import everything, four seconds of it.
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM
    from statsmodels.regression.linear_model import OLS

    if family == "gaussian":
        linear = OLS(outcome, matrix).fit()
        return Estimates(np.asarray(linear.params), np.asarray(linear.cov_params()), float(linear.df_resid))
    model = GLM(outcome, matrix, family=Binomial())
    with warnings.catch_warnings():
        # Separation shows here as a warning; the caller looks for it exactly.
        warnings.simplefilter("ignore")
        logistic = model.fit(tol=1e-12, maxiter=100)
    if not logistic.converged:
        raise EstimationError(
            f"expected the logistic regression to converge in 100 iterations, found that it did not "
            f"({len(matrix)} rows, {matrix.shape[1]} coefficients): look for separation or huge values"
        )
    return Estimates(np.asarray(logistic.params), np.asarray(logistic.cov_params()), np.inf)


def fit_survey(
    matrix: NDArray[np.float64],
    outcome: NDArray[np.float64],
    family: Family,
    strata: NDArray[np.int64],
    psu: NDArray[np.int64],
    weights: NDArray[np.float64],
    sample_psus: pd.DataFrame,
) -> Estimates:
    """Fit by weighted pseudo-likelihood with Taylor-linearised variance (Binder 1983).

    Parameters
    ----------
    matrix, outcome, strata, psu, weights
        The rows of the domain.
    sample_psus : pandas.DataFrame
        Columns strata and psu: every psu of the whole sample once. A psu without a row in the domain
        enters as one row outside the domain: it counts in its stratum's variance, and nothing else of
        it matters.
    """
    import polars
    import svy

    here = pd.MultiIndex.from_arrays([strata, psu])
    elsewhere = sample_psus[~pd.MultiIndex.from_frame(sample_psus[["strata", "psu"]]).isin(here)]
    extra = len(elsewhere)
    features = [f"x{position}" for position in range(1, matrix.shape[1])]
    columns = {name: np.r_[matrix[:, index + 1], np.zeros(extra)] for index, name in enumerate(features)}
    sample = svy.Sample(
        polars.DataFrame(
            {
                "strata": np.r_[strata, elsewhere["strata"].to_numpy(dtype=np.int64)],
                "psu": np.r_[psu, elsewhere["psu"].to_numpy(dtype=np.int64)],
                "weights": np.r_[weights / weights.mean(), np.ones(extra)],
                "domain": np.r_[np.ones(len(matrix), dtype=bool), np.zeros(extra, dtype=bool)],
                "outcome": np.r_[outcome, np.zeros(extra)],
                **columns,
            }
        ),
        svy.Design(stratum="strata", psu="psu", wgt="weights"),
    )
    try:
        with warnings.catch_warnings():
            # The caller looks for separation exactly; a psu without rows in the domain is expected.
            warnings.simplefilter("ignore", svy.SvyUserWarning)
            model = sample.glm.fit(
                "outcome", x=features, family=family, where=svy.col("domain"), tol=1e-14, max_iter=100
            )
    except svy.SvyError as error:
        raise EstimationError(f"the design-based fit failed: {error}") from error
    table = model.to_polars()
    return Estimates(
        table["estimate"].to_numpy().astype(np.float64),
        np.asarray(model.fitted.cov_matrix if model.fitted else None, dtype=np.float64),
        float(table["df"][0]),
    )
