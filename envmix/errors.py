"""The errors and warnings of this package.

Every message says what was expected, what was found (column, count) and what to do.
"""


class EnvmixError(ValueError):
    """Base of every error that this package raises on purpose."""


class DataError(EnvmixError):
    """The data frame does not fit the specification: missing column, missing values, constant exposure."""


class SpecificationError(EnvmixError):
    """The specification contradicts itself or asks for something that does not exist."""


class EstimationError(EnvmixError):
    """The data are in order but the model cannot be estimated from them."""


class SeparationError(EstimationError):
    """A combination of covariates predicts the binary outcome perfectly: no finite estimate exists."""


class EnvmixWarning(UserWarning):
    """Base of every warning of this package; results carry the same texts in a column."""
