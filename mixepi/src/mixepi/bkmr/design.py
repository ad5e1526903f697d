"""From a data frame to the arrays of a model, with every check of the data."""

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast
from warnings import warn

import numpy as np
import pandas as pd

from mixepi.arrays import FloatArray, IntArray
from mixepi.bkmr.likelihood.dense import required_bytes
from mixepi.bkmr.likelihood.solver import LARGEST_DENSE
from mixepi.bkmr.model.model import Model
from mixepi.bkmr.model.priors import responses_allowed
from mixepi.bkmr.spec import BKMR
from mixepi.bkmr.survey.weights import likelihood_weights
from mixepi.errors import DataError, MixepiWarning, SpecificationError
from mixepi.glm.families import check_outcome
from mixepi.model_frame import as_numbers, domain_rows, require_columns, require_distinct
from mixepi.rank import require_independent
from mixepi.survey.design import SurveyDesign, sampling_units, survey_design

# In standard deviations: beyond it X'X, whose condition is the square, has too few digits left.
LARGEST_MEAN = 1e6
# Where Linux tells how much memory is free or can be freed.
MEMORY = Path("/proc/meminfo")

# What differences of the sum of squares can be told from: far above the smallest double, 2e-308.
SMALLEST_SQUARES = 1e-250
# Residual variance over the squared range of the outcome below which it is rounding error.
EXACTLY_EXPLAINED = 1e-20


@dataclass(frozen=True, kw_only=True)
class Scaler:
    """How exposures are brought to the model's scale; carried in the result for new data.

    Attributes
    ----------
    exposures : tuple of str
    log : bool
    centre, spread : ndarray, shape (M,)
        Mean and sd (denominator n - 1) of the (logged) exposures, or 0 and 1.
    """

    exposures: tuple[str, ...]
    log: bool
    centre: FloatArray
    spread: FloatArray

    def transform(self, data: pd.DataFrame) -> FloatArray:
        """Exposures on the model's scale, shape (n, M)."""
        z = numeric_columns(data, self.exposures, "exposure")
        return self.from_natural(z)

    def from_natural(self, z: FloatArray) -> FloatArray:
        """The same for an array of exposures in natural units."""
        if self.log:
            _check_positive(z, self.exposures)
            z = np.log(z)
        return np.asarray((z - self.centre) / self.spread)

    def to_natural(self, z: FloatArray, exposure: int) -> FloatArray:
        """Values of one exposure in natural units from values on the model's scale."""
        value = z * self.spread[exposure] + self.centre[exposure]
        return np.asarray(np.exp(value) if self.log else value)


def numeric_columns(data: pd.DataFrame, columns: tuple[str, ...], role: str) -> FloatArray:
    """Columns as a float array, shape (n, len(columns)), or an error that names the column."""
    require_columns(data, columns)
    out = np.empty((len(data), len(columns)))
    for j, name in enumerate(columns):
        series = data[name]
        values = as_numbers(series)
        if values is None:
            raise DataError(
                f"expected {role} {name!r} to be numeric, found {series.dtype}: "
                "code categories as 0/1 indicator columns"
            )
        bad = int(np.count_nonzero(~np.isfinite(values)))
        if bad:
            raise DataError(
                f"expected finite values in {role} {name!r}, found {bad} of {len(values)} missing or "
                "infinite: drop or impute those rows first"
            )
        out[:, j] = values
    return out


def _check_positive(z: FloatArray, names: tuple[str, ...]) -> None:
    for j, name in enumerate(names):
        bad = int(np.count_nonzero(z[:, j] <= 0))
        if bad:
            raise DataError(
                f"expected positive values of exposure {name!r} to take logarithms, found {bad} of "
                f"{len(z)} at or below zero: replace non-detects (LOD / sqrt 2) or set log=False"
            )


def _scaler(spec: BKMR, z: FloatArray) -> Scaler:
    if spec.log:
        _check_positive(z, spec.exposures)
        z = np.log(z)
    for j, name in enumerate(spec.exposures):
        if np.ptp(z[:, j]) == 0:
            raise DataError(
                f"expected exposure {name!r} to vary, found one value in all {len(z)} rows: drop it"
            )
    require_distinct(z, spec.exposures, "values")
    m, spread = z.shape[1], z.std(axis=0, ddof=1)
    if not spec.scale:
        _warn_of_scales_out_of_reach(spec, spread)
        return Scaler(exposures=spec.exposures, log=spec.log, centre=np.zeros(m), spread=np.ones(m))
    return Scaler(exposures=spec.exposures, log=spec.log, centre=z.mean(axis=0), spread=spread)


def _warn_of_scales_out_of_reach(spec: BKMR, spread: FloatArray) -> None:
    for name, sd in zip(spec.exposures, spread.tolist(), strict=True):
        allowed = responses_allowed(spec.priors.r, sd)
        if allowed is not None:
            warn(
                f"expected exposures with a standard deviation near 1 for the prior of r, found {sd:.3g} of "
                f"{name!r}: the prior allows {allowed} to it. Use scale=True, or a prior of r for that scale "
                f"(r is in units of 1 / {name} squared)",
                MixepiWarning,
                stacklevel=5,
            )


def _covariates(spec: BKMR, data: pd.DataFrame) -> FloatArray:
    values = numeric_columns(data, spec.covariates, "covariate")
    for j, name in enumerate(spec.covariates):
        if np.ptp(values[:, j]) == 0:
            raise DataError(f"expected covariate {name!r} to vary, found a constant: drop it")
        mean, spread = float(values[:, j].mean()), float(values[:, j].std())
        if abs(mean) > LARGEST_MEAN * spread:
            raise DataError(
                f"expected covariate {name!r} to vary by more than a millionth of its mean, found mean "
                f"{mean:.6g} and standard deviation {spread:.3g}: subtract a constant, which changes no slope"
            )
    if spec.intercept == "flat":
        values = np.column_stack([np.ones(len(data)), values])
    names = (["intercept"] if spec.intercept == "flat" else []) + list(spec.covariates)
    require_independent(values, names)
    return values


def _outcome(spec: BKMR, data: pd.DataFrame) -> FloatArray:
    y = numeric_columns(data, (spec.outcome,), "outcome")[:, 0]
    check_outcome(y, spec.family, spec.outcome)
    with np.errstate(over="ignore", under="ignore"):
        squares = float(np.sum(np.square(y)))
    if not SMALLEST_SQUARES < squares < np.inf:
        raise DataError(
            f"expected outcome {spec.outcome!r} to have a sum of squares that can be held, found values "
            f"up to {np.abs(y).max():.3g}: choose a {'smaller' if squares < 1 else 'larger'} unit"
        )
    return y


def _residual_variance(spec: BKMR, y: FloatArray, X: FloatArray) -> float:
    """Of the outcome on an intercept and the covariates; 1 for the binomial family, which has no sigma2."""
    if spec.family == "binomial":
        return 1.0
    spread = float(np.ptp(y))
    design = np.column_stack([np.ones(len(y)), X])
    design /= np.linalg.norm(design, axis=0)
    centred = (y - y.mean()) / spread
    coefficients, _, rank, _ = np.linalg.lstsq(design, centred)
    residual = centred - design @ coefficients
    variance = float(residual @ residual) / max(len(y) - int(rank), 1)
    if variance < EXACTLY_EXPLAINED:
        raise DataError(
            f"expected outcome {spec.outcome!r} to vary beyond what the covariates explain, found an exact "
            "linear function of them: drop the covariate from which the outcome was computed"
        )
    return variance * spread**2


def _cluster(spec: BKMR, data: pd.DataFrame) -> IntArray | None:
    if spec.cluster is None:
        return None
    codes, levels = pd.factorize(data[spec.cluster], sort=True)
    if np.any(codes < 0):
        raise DataError(
            f"expected no missing values in cluster {spec.cluster!r}, found {int(np.sum(codes < 0))}"
        )
    if not 1 < len(levels) < len(data):
        raise DataError(
            f"expected between 2 and {len(data) - 1} clusters in {spec.cluster!r}, found {len(levels)}: "
            "a random intercept needs clusters of more than one row"
        )
    return cast(IntArray, codes.astype(np.int64))


def _available_memory() -> float:
    """Return how many bytes can be had without swapping; infinite where the system does not tell."""
    if MEMORY.exists():
        found = re.search(r"^MemAvailable:\s+(\d+) kB", MEMORY.read_text(encoding="ascii"), re.MULTILINE)
        if found:
            return 1024.0 * int(found[1])
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return np.inf


def build(spec: BKMR, data: pd.DataFrame) -> tuple[Model, Scaler]:
    """Check the data and build the model's arrays, of the rows of the domain.

    Raises
    ------
    DataError
        Missing or infinite values, constant or duplicated exposures, an outcome that is not 0/1,
        more covariates than rows.
    EstimationError
        Linearly dependent covariates.
    SpecificationError
        n too large for the solver.

    Warns
    -----
    MixepiWarning
        Exposures taken as they are (scale=False), on a scale that the prior of r does not reach.
    """
    optional = (spec.cluster, spec.weights, spec.strata, spec.psu, spec.domain)
    require_columns(
        data, [spec.outcome, *spec.exposures, *spec.covariates, *(name for name in optional if name)]
    )
    if spec.domain is not None:
        data = data[domain_rows(data, spec.domain)]
    n, needed = len(data), len(spec.covariates) + (spec.intercept == "flat") + 3
    if n < needed:
        raise DataError(
            f"expected at least {needed} rows for {needed - 3} covariates and intercept, found {n}: use "
            "fewer covariates, or check the selection of rows"
        )
    y = _outcome(spec, data)
    weights = likelihood_weights(
        data,
        spec.weights,
        spec.total_weight,
        # The jackknife needs the linear predictors, which are kept where rows are weighted.
        keep_ones=spec.is_survey and spec.family == "binomial",
    )
    if weights is not None and spec.family == "binomial" and n > LARGEST_DENSE["binomial"]:
        raise SpecificationError(
            f"expected at most {LARGEST_DENSE['binomial']} rows of a weighted binomial outcome, found {n}: "
            "for more, only an approximation (fitc) that takes no weights is affordable"
        )
    memory, largest = required_bytes(n, spec.family), LARGEST_DENSE[spec.family]
    if spec.solver == "dense" and (n > largest or memory > 0.5 * _available_memory()):
        raise SpecificationError(
            f"expected n of at most {largest} (and memory for it) with solver='dense', found n={n}, "
            f"which needs {memory / 2**30:.1f} GiB for each of the chains that run at once: use "
            "solver='lowrank' or solver='fitc'"
        )
    natural = numeric_columns(data, spec.exposures, "exposure")
    scaler = _scaler(spec, natural)
    index = {name: j for j, name in enumerate(spec.exposures)}
    groups = tuple(tuple(index[m] for m in g) for g in spec.groups) or tuple((j,) for j in range(len(index)))
    X = _covariates(spec, data)
    model = Model(
        family=spec.family,
        y=y,
        X=X,
        z=scaler.from_natural(natural),
        groups=groups,
        select=spec.selection != "none",
        priors=replace(spec.priors, sigma2=spec.priors.sigma2.in_units(_residual_variance(spec, y, X))),
        intercept=spec.intercept == "flat",
        cluster=_cluster(spec, data),
        weights=weights,
        compat_bkmr=spec.compat == "bkmr",
    )
    return model, scaler


def sample_design(spec: BKMR, data: pd.DataFrame) -> SurveyDesign | None:
    """The design of the whole sample, if strata and PSUs are named.

    Raises
    ------
    DataError
        A stratum or PSU is missing.
    EstimationError
        The design leaves the variance of the domain unknown.
    """
    if not spec.is_survey:
        return None
    rows = domain_rows(data, spec.domain)
    design = survey_design(data, rows, weights=spec.weights, strata=spec.strata, psu=spec.psu)
    sampling_units(design)
    return design
