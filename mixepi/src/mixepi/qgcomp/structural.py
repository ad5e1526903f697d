"""The marginal structural model: a regression of mean outcomes on the joint quantile.

Every participant contributes the same joint quantiles, so the regression on all n * v predictions has the
estimates of one on the v mean predictions; that is what is solved here, for many resamples at once.
"""

import numpy as np

from mixepi.arrays import FloatArray
from mixepi.errors import EstimationError

STEPS = 100


def link_name(family: str, risk_ratio: bool) -> str:
    """Return the link of the marginal model: identity, logit or log."""
    if family == "gaussian":
        return "identity"
    return "logit" if family == "binomial" and not risk_ratio else "log"


def powers(levels: FloatArray, degree: int) -> FloatArray:
    """Return 1, v, v^2, ... of the joint levels, shape (v, degree + 1)."""
    return np.vander(levels, degree + 1, increasing=True)


def inverse_link(link: str, eta: FloatArray) -> FloatArray:
    """Return the mean for a linear predictor."""
    if link == "identity":
        return eta
    return np.exp(eta) if link == "log" else 1 / (1 + np.exp(-eta))


def score_factor(family: str, link: str, mean: FloatArray) -> FloatArray:
    """Return what multiplies (outcome - mean) in the score: 1 for canonical links."""
    return 1 / (1 - mean) if family == "binomial" and link == "log" else np.ones_like(mean)


def curvature(family: str, link: str, mean: FloatArray) -> FloatArray:
    """Return the expected information per unit of the linear predictor."""
    if link == "identity":
        return np.ones_like(mean)
    if link == "logit":
        return mean * (1 - mean)
    return mean / (1 - mean) if family == "binomial" else mean


def fit_structural(means: FloatArray, P: FloatArray, family: str, link: str) -> FloatArray:
    """Return the coefficients (B, d + 1) of the means (B, v) on the powers P (v, d + 1), by Fisher scoring.

    Rows that do not settle are missing; `require_settled` turns that into an error.
    """
    if link == "identity":
        return np.asarray(means @ np.linalg.pinv(P).T)
    possible = np.isfinite(means).all(axis=1) & (means > 0).all(axis=1)
    if family == "binomial":
        possible &= (means < 1).all(axis=1)
    beta = np.full((means.shape[0], P.shape[1]), np.nan)
    with np.errstate(all="ignore"):  # a row that runs away ends as missing
        beta[possible] = _scoring(means[possible], P, family, link)
    return beta


def _scoring(means: FloatArray, P: FloatArray, family: str, link: str) -> FloatArray:
    start = np.log(means) if link == "log" else np.log(means / (1 - means))
    beta = start @ np.linalg.pinv(P).T
    bounded = family == "binomial" and link == "log"
    if bounded:
        # Start below probability 1, where the log-binomial likelihood is defined.
        beta[:, 0] -= np.maximum((beta @ P.T).max(axis=1) + 1e-3, 0)
    for _ in range(STEPS):
        fitted = inverse_link(link, beta @ P.T)
        score = ((means - fitted) * score_factor(family, link, fitted)) @ P
        H = np.einsum("va,bv,vc->bac", P, curvature(family, link, fitted), P)
        step = _solved(H, score)
        if bounded:
            for _ in range(60):
                outside = ((beta + step) @ P.T >= 0).any(axis=1)
                if not outside.any():
                    break
                step[outside] /= 2
        beta = beta + step
        moving = ~(np.abs(step).max(axis=1) < 1e-12 * (1 + np.abs(beta).max(axis=1)))
        if not moving.any():
            return np.asarray(beta)
    beta[moving] = np.nan
    return np.asarray(beta)


def _solved(H: FloatArray, score: FloatArray) -> FloatArray:
    """Solve H (B, d, d) for the scores (B, d), row by row where one is singular, which is then missing."""
    try:
        return np.asarray(np.linalg.solve(H, score[..., None])[..., 0])
    except np.linalg.LinAlgError:
        if H.shape[0] == 1:
            return np.full_like(score, np.nan)
        return np.concatenate([_solved(H[b : b + 1], score[b : b + 1]) for b in range(H.shape[0])])


def require_settled(beta: FloatArray) -> FloatArray:
    """Return `beta`; `EstimationError` if the marginal model did not settle."""
    if not np.isfinite(beta).all():
        raise EstimationError(
            f"expected the marginal model to settle within {STEPS} steps, found it moving (risks close to 1 "
            "under a log link, as a rule): use risk_ratio=False or a lower degree"
        )
    return beta
