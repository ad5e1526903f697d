"""The errors and warnings of this package.

Every message says what was expected, what was found (column, count) and what to do.
"""

from numpy.linalg import LinAlgError


class MixepiError(ValueError):
    """Base of every error that this package raises on purpose."""


class DataError(MixepiError):
    """The data frame does not fit the specification: missing column, missing values, constant exposure."""


class SpecificationError(MixepiError):
    """The specification contradicts itself or asks for something that does not exist."""


class EstimationError(MixepiError):
    """The data are in order but the model cannot be estimated from them."""


class SeparationError(EstimationError):
    """Some combination of columns predicts a binary outcome, or counts of 0: no finite estimate exists."""


class DirectionError(EstimationError):
    """No fit found the index in the direction that was asked for."""


class SavedResultError(MixepiError):
    """A file is no saved result, is damaged, or is of a version that cannot be read."""


class MissingPackageError(MixepiError, ImportError):
    """A package that only an extra brings is not installed."""


class MixepiWarning(UserWarning):
    """Base of every warning of this package; results carry the same texts in a column."""


class SeparationWarning(MixepiWarning):
    """Some bootstrap fits predict the outcome of some rows with certainty."""


class FewEventsWarning(MixepiWarning):
    """Fewer events per parameter than a binary or count model needs."""


class QuantileWarning(MixepiWarning):
    """Ties or non-detects leave an exposure with fewer score levels than quantiles were asked for."""


class ConvergenceWarning(MixepiWarning):
    """A fit stopped before its optimality conditions were met, or chains have not converged."""


class DirectionWarning(MixepiWarning):
    """Part of the fits found the index in the other direction and was left out."""


# What the data of one fit can bring about: that fit has failed, and the others of a plan go on. Anything else
# is a mistake in the program and stops them.
FIT_FAILURES = (MixepiError, LinAlgError, ArithmeticError)
