"""What to fit: column names and options, nothing else."""

from dataclasses import dataclass
from typing import Literal

from envmix.errors import SpecificationError

Family = Literal["binomial", "gaussian"]


@dataclass(frozen=True)
class SurveyDesign:
    """Columns of a stratified, clustered sample with unequal weights.

    The data frame holds the records of the whole sample, not of the domain alone: variance estimation
    needs every primary sampling unit (psu), also those without a record in the domain.

    Parameters
    ----------
    strata, psu, weights : str
        Column names. A psu code is unique within its stratum only (R's ``nest = TRUE``).
    domain : str
        Boolean column: True for the records the model is about.
    """

    strata: str
    psu: str
    weights: str
    domain: str


@dataclass(frozen=True)
class RegressionSpec:
    """A generalized linear model with its canonical link.

    Parameters
    ----------
    outcome : str
        Numeric column: 0 or 1 for ``binomial``, any number for ``gaussian``.
    exposures : tuple of str
        Numeric columns, entered as they are.
    covariates : tuple of str
        Further columns. Numeric ones are entered as they are, all others as one indicator per level
        but the reference.
    references : tuple of (str, str)
        Reference levels of categorical covariates; by default the first in alphabetical order.
    family : {"binomial", "gaussian"}
        Logistic or linear regression.
    survey : SurveyDesign, optional
        Given, the fit is design-based (Taylor linearisation); without it, unweighted.
    confidence : float
        Coverage of the intervals; 0.95, as the field reports.
    """

    outcome: str
    exposures: tuple[str, ...]
    covariates: tuple[str, ...] = ()
    references: tuple[tuple[str, str], ...] = ()
    family: Family = "gaussian"
    survey: SurveyDesign | None = None
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if self.family not in ("binomial", "gaussian"):
            raise SpecificationError(f"expected family 'binomial' or 'gaussian', found {self.family!r}")
        if not 0 < self.confidence < 1:
            raise SpecificationError(f"expected a confidence between 0 and 1, found {self.confidence}")
        columns = (self.outcome, *self.exposures, *self.covariates)
        repeated = sorted({column for column in columns if columns.count(column) > 1})
        if repeated:
            raise SpecificationError(
                f"expected each column once among outcome, exposures and covariates, "
                f"found {', '.join(repeated)} more than once"
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the model, without those of the design."""
        return (self.outcome, *self.exposures, *self.covariates)
