"""Outcome families: what each expects of the outcome, and its code in the compiled solver."""

from typing import Literal

import numpy as np

from mixepi.arguments import require_choice
from mixepi.arrays import FloatArray
from mixepi.errors import DataError

Family = Literal["gaussian", "binomial", "poisson", "negative_binomial", "quasibinomial", "quasipoisson"]

# The integers are those of mixepi.glm.kernels, repeated here so that checking a family compiles nothing.
SOLVER_CODES: dict[str, int] = {
    "gaussian": 0,
    "binomial": 1,
    "quasibinomial": 1,
    "poisson": 2,
    "quasipoisson": 2,
    "negative_binomial": 3,
}
FREE_DISPERSION = ("gaussian", "quasibinomial", "quasipoisson")
BINARY = ("binomial", "quasibinomial")
COUNTS = ("poisson", "quasipoisson", "negative_binomial")


def check_family(family: str) -> None:
    """Raise `SpecificationError` if `family` is not one of `Family`."""
    require_choice("family", family, SOLVER_CODES)


def check_outcome(outcome: FloatArray, family: str, name: str) -> None:
    """Raise `DataError` if the outcome cannot come from `family`: 0/1 for binomial, counts for poisson."""
    if family in BINARY:
        wrong = int(np.sum((outcome != 0) & (outcome != 1)))
        if wrong:
            raise DataError(
                f"expected outcome {name!r} to be 0 or 1 for family {family!r}, found {wrong} other values: "
                "recode it or choose another family"
            )
    if family in COUNTS:
        wrong = int(np.sum((outcome < 0) | (outcome != np.floor(outcome))))
        if wrong:
            raise DataError(
                f"expected outcome {name!r} to hold counts 0, 1, 2, ... for family {family!r}, found {wrong} "
                "negative or fractional values: choose another family or check the column"
            )
    if np.ptp(outcome) == 0:
        raise DataError(
            f"expected outcome {name!r} to vary, found the single value {outcome[0]:g} in all "
            f"{outcome.size} rows: check the selection of rows"
        )
