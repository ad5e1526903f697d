"""A quadratic correction of the surrogate, learned in warm-up from exact evaluations.

Where the kernel is rough the capped surrogate is off by tens of log units, but smoothly so: a
quadratic in (log r_m, log lambda), with a constant per exposure in the model, takes most of it away.
"""

from dataclasses import dataclass

import numpy as np

from envmix.bkmr.arrays import Array


@dataclass(frozen=True)
class Calibration:
    """exact - surrogate ~ quadratic in x_m = log r_m (in range) of included exposures and in log lambda.

    Attributes
    ----------
    lower, upper, centre : ndarray, shape (M,)
        Range over which each log r_m was seen, to which it is clipped, and its centre.
    coefficients : ndarray
        In the order of `_features`.
    """

    lower: Array
    upper: Array
    centre: Array
    coefficients: Array

    def in_log_lambda(self, r: Array) -> tuple[float, float, float]:
        """The correction at r as (constant, linear, quadratic) coefficients in log lambda."""
        base, slope = _features(r, self.lower, self.upper, self.centre)
        k, m = len(base), len(slope)
        return (
            float(base @ self.coefficients[:k]),
            float(slope @ self.coefficients[k : k + m]),
            float(self.coefficients[k + m]),
        )


def _features(r: Array, lower: Array, upper: Array, centre: Array) -> tuple[Array, Array]:
    active = r > 0
    x = np.where(active, np.clip(np.log(np.where(active, r, 1.0)), lower, upper) - centre, 0.0)
    i, j = np.triu_indices(len(r))
    base = np.concatenate([active.astype(float), x, x[i] * x[j]])
    return base, np.concatenate([[1.0], x])


def fit_calibration(r: Array, log_lambda: Array, difference: Array, ridge: float = 1e-2) -> Calibration:
    """Fit the correction by ridge regression.

    Parameters
    ----------
    r : ndarray, shape (T, M)
    log_lambda, difference : ndarray, shape (T,)
        Where the exact log density was evaluated, and exact minus surrogate there.
    """
    active = r > 0
    logs = np.where(active, np.log(np.where(active, r, 1.0)), np.nan)
    seen = active.any(axis=0)
    lower = np.where(seen, np.nanmin(np.where(seen, logs, 0.0), axis=0), 0.0)
    upper = np.where(seen, np.nanmax(np.where(seen, logs, 0.0), axis=0), 0.0)
    centre = np.where(seen, np.nanmedian(np.where(seen, logs, 0.0), axis=0), 0.0)
    rows = []
    for point, u in zip(r, log_lambda, strict=True):
        base, slope = _features(point, lower, upper, centre)
        rows.append(np.concatenate([base, u * slope, [u * u]]))
    design = np.array(rows)
    centred = design - design.mean(axis=0)
    # Large discrepancies belong to places that the posterior does not visit.
    weight = 1.0 / (1.0 + np.square((difference - np.median(difference)) / 20.0))
    gram = (centred * weight[:, None]).T @ centred + ridge * np.eye(design.shape[1])
    coefficients = np.linalg.solve(gram, (centred * weight[:, None]).T @ (difference - difference.mean()))
    return Calibration(lower, upper, centre, coefficients)
