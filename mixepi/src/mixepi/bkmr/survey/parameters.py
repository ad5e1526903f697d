"""Design-based standard errors of the posterior means of the model's parameters."""

import numpy as np

from mixepi.arrays import FloatArray
from mixepi.bkmr.likelihood.contrasts import Contrasts
from mixepi.bkmr.likelihood.solver import Solver
from mixepi.bkmr.posterior import Posterior
from mixepi.bkmr.survey.jackknife import Jackknife


def parameter_std_errors(
    posterior: Posterior, solver: Solver, monitors: FloatArray, kept: list[tuple[int, int]]
) -> FloatArray:
    """One for each quantity of `Posterior.monitored`, in its order.

    Parameters
    ----------
    posterior : Posterior
        Of a fit under a design.
    solver : Solver
    monitors : ndarray, shape (q, M)
        The points whose response is monitored.
    kept : list of (chain, draw)
        The draws to use.
    """
    assert posterior.design is not None
    model = posterior.model
    chain, draw = np.array(kept).T
    values = np.column_stack([x[chain, draw] for _, x, _ in posterior.monitored()])
    q, p = len(monitors), model.X.shape[1]
    intercept = np.zeros((q, p))
    intercept[:, : int(model.intercept)] = 1.0
    response = Contrasts(points=monitors, combine=np.asarray, covariates=intercept)
    # Coefficients take nothing of h, at whatever point.
    beta = Contrasts(
        points=monitors[:1], combine=lambda rows: np.zeros((p, rows.shape[1])), covariates=np.eye(p)
    )
    jackknife = Jackknife.of(posterior, model, posterior.design, posterior.seed, solver, kept)
    # Given a draw the other parameters are known; the response and the coefficients vary still.
    blocks = np.split(values, [values.shape[1] - p - q, values.shape[1] - p], axis=1)
    variances = jackknife.variances([None, response, beta], blocks)
    return np.asarray(np.sqrt(np.concatenate([variance.clustered for variance in variances])))
