"""WQS with an index whose coefficient depends on one covariate.

The model b1 * index + b3 * index * m shares the index weights between both terms. Write
(b1, b3) = r (cos a, sin a) and theta = r w: for a fixed angle a this is the sign-constrained GLM of the
columns q_j (cos a + m sin a), so one angle is all that is left to search. Half a turn covers one sign of b1.
"""

import numpy as np
from scipy.optimize import minimize_scalar

from mixepi.arrays import BoolArray, FloatArray
from mixepi.errors import EstimationError
from mixepi.glm.constrained import ConstrainedFits, fit_constrained, fit_glm
from mixepi.glm.families import BINARY
from mixepi.wqs.bootstraps import BootstrapFits, choose_sign
from mixepi.wqs.data import WQSData
from mixepi.wqs.spec import WQS

# The likelihood along the angle is smooth with at most a few maxima; each grid cell around the best
# point is then searched to the bottom.
ANGLES = 24
HALF_TURN = 0.5 * np.pi - 1e-6


def fit_interaction_bootstraps(
    spec: WQS, arrays: WQSData, rows: BoolArray, counts: FloatArray
) -> BootstrapFits:
    """Fit every bootstrap over the angle and the index weights together."""
    return choose_sign(spec, arrays, lambda sign: _over_angles(spec, arrays, rows, counts, sign))


def _over_angles(
    spec: WQS, arrays: WQSData, rows: BoolArray, counts: FloatArray, sign: int
) -> ConstrainedFits:
    if arrays.modifier is None:
        raise EstimationError(
            "expected an interacting column, found none: set interaction in the specification"
        )
    scale = float(np.abs(arrays.modifier).max())
    modifier = arrays.modifier[rows] / scale
    columns, Z = arrays.index_columns[rows], arrays.covariates.matrix[rows]
    outcome, offset = arrays.outcome[rows], arrays.offset[rows]
    weights = counts * arrays.weights[rows]
    residual_df = float(rows.sum() - Z.shape[1] - 3)

    def fit(angle: float, row_weights: FloatArray) -> ConstrainedFits:
        return fit_constrained(
            columns * (np.cos(angle) + modifier * np.sin(angle))[:, None],
            Z,
            outcome,
            row_weights,
            np.full(columns.shape[1], sign),
            family=spec.family,
            offset=offset,
            residual_df=residual_df,
        )

    grid = np.linspace(-HALF_TURN, HALF_TURN, ANGLES)
    deviances = np.array([fit(angle, weights).deviances for angle in grid])
    best = deviances.argmin(axis=0)
    single = []
    for b, k in enumerate(best):
        low, high = grid[max(k - 1, 0)], grid[min(k + 1, ANGLES - 1)]
        one = weights[b : b + 1]
        found = minimize_scalar(
            lambda angle, one=one: float(fit(angle, one).deviances[0]),
            bounds=(low, high),
            method="bounded",
            options={"xatol": 1e-9},
        )
        single.append(
            _with_slope(
                spec, fit(float(found.x), one), float(found.x), columns, Z, outcome, offset, one[0], modifier
            )
        )
    names = ConstrainedFits.__dataclass_fields__
    return ConstrainedFits(**{name: np.concatenate([getattr(f, name) for f in single]) for name in names})


def _with_slope(
    spec: WQS,
    fits: ConstrainedFits,
    angle: float,
    columns: FloatArray,
    Z: FloatArray,
    outcome: FloatArray,
    offset: FloatArray,
    weights: FloatArray,
    modifier: FloatArray,
) -> ConstrainedFits:
    """Replace theta by b1 * w and its standard error by that of b1 in the model with index and
    interaction."""
    theta = fits.coefficients * np.cos(angle)
    total = fits.coefficients.sum()
    errors = np.full((1, 2), np.nan)
    tolerances = np.full((1, 2), np.nan)
    if total != 0 and not (spec.family in BINARY and fits.separated[0]):
        index = columns @ (fits.coefficients[0] / total)
        drawn = weights > 0
        design = np.column_stack([np.ones(index.size), index, index * modifier, Z])[drawn]
        names = tuple(f"column {j}" for j in range(design.shape[1]))
        side = 0 if total > 0 else 1
        try:
            model = fit_glm(
                design,
                names,
                outcome[drawn],
                family=spec.family,
                weights=weights[drawn],
                offset=offset[drawn],
            )
        except EstimationError:
            # A resample without one level of a rare covariate: b1 has no standard error there, and the
            # resample is reported as not used.
            pass
        else:
            rows, distinct = weights.size, int(drawn.sum())
            # fit_glm counts distinct rows; the resample has as many as the training set.
            correction = 1.0
            if spec.family == "gaussian" or spec.family.startswith("quasi"):
                correction = (distinct - design.shape[1]) / (rows - design.shape[1])
            errors[0, side] = np.sqrt(model.covariance[1, 1] * correction)
    return ConstrainedFits(
        theta,
        np.column_stack([np.maximum(theta, 0).sum(axis=1), np.minimum(theta, 0).sum(axis=1)]),
        errors,
        tolerances,
        fits.deviances,
        fits.kkt_violations,
        fits.iterations,
        fits.converged,
        fits.separated,
        fits.sizes,
    )
