"""What to fit: column names and options, nothing else."""

from dataclasses import dataclass
from typing import Literal

from mixepi.arguments import require_choice, require_names, require_one_role, require_references
from mixepi.errors import SpecificationError
from mixepi.survey.design import require_design

Family = Literal["binomial", "gaussian"]


@dataclass(frozen=True, kw_only=True)
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
    references : tuple of (str, level)
        Reference levels of categorical covariates, of the type that the column has; by default the first in
        order.
    family : {"binomial", "gaussian"}
        Logistic or linear regression.
    weights, strata, psu : str, optional
        Columns of a stratified, clustered sample with unequal weights, all three or none. With them the
        fit is design-based (Taylor linearisation). A psu code is unique within its stratum only (R's
        ``nest = TRUE``). The data frame then holds the records of the whole sample, because variance
        estimation needs every primary sampling unit (psu), also those without a record in the domain.
    domain : str, optional
        Boolean column: True for the records the model is about; by default all.
    """

    outcome: str
    exposures: tuple[str, ...]
    covariates: tuple[str, ...] = ()
    references: tuple[tuple[str, object], ...] = ()
    family: Family = "gaussian"
    weights: str | None = None
    strata: str | None = None
    psu: str | None = None
    domain: str | None = None

    def __post_init__(self) -> None:
        for name in ("exposures", "covariates"):
            object.__setattr__(self, name, require_names(name, getattr(self, name)))
        object.__setattr__(self, "references", require_references(self.references, self.covariates))
        require_choice("family", self.family, ("binomial", "gaussian"))
        require_one_role(
            self.outcome,
            exposures=self.exposures,
            covariates=self.covariates,
            weights=self.weights,
            strata=self.strata,
            psu=self.psu,
            domain=self.domain,
        )
        if self.weights is not None and not self.is_survey:
            raise SpecificationError(
                f"expected strata and psu with the weights {self.weights!r}, found none: "
                "name all three columns"
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the model, without those of the design."""
        return (self.outcome, *self.exposures, *self.covariates)

    @property
    def is_survey(self) -> bool:
        """Whether the fit is design-based."""
        return require_design(self.weights, self.strata, self.psu)
