"""What a quantile g-computation is asked to do."""

from dataclasses import dataclass
from typing import Literal

from mixepi.arguments import (
    require_choice,
    require_flag,
    require_integer,
    require_names,
    require_one_role,
)
from mixepi.errors import SpecificationError
from mixepi.quantile_scores import require_quantiles
from mixepi.survey.design import require_design

Inference = Literal["residual", "qgcomp"]


@dataclass(frozen=True, kw_only=True)
class QGComp:
    """Specification of a quantile g-computation (Keil et al. 2020).

    psi is the change of the outcome (on the link scale) when all exposures go up by one quantile together.

    Parameters
    ----------
    outcome : str
    exposures : tuple of str
        Numeric columns of the mixture.
    covariates : tuple of str
        Numeric columns as they are, others in treatment coding.
    family : {"gaussian", "binomial", "poisson"}
    quantiles : int or None
        Number of quantile groups, 4 by default as in the paper; None for standardised values.
    terms : tuple of str
        Further terms of the outcome model in `formulaic` notation, evaluated on the scored exposures and the
        covariates: "I(lead**2)", "lead:cadmium", "lead:site", "poly(lead, 2):age". All main effects stay in
        the model. Only a basis that is a term by itself, such as "bs(lead, df=4)", takes the place of the
        exposure's straight line. For `fit_qgcomp_bootstrap` and `fit_qgcomp_sandwich` only.
    modifier : str, optional
        Column that may modify the effect of the mixture: the model has its main effect and its product with
        every exposure, and the result has psi in each stratum and one test (`QGCompResult.strata`,
        `modification`). For `fit_qgcomp` only.
    degree : int
        Degree of the marginal structural model in the joint quantile, 1 by default. For the same two only.
    risk_ratio : bool
        Binary outcomes, the same two only: marginal log risk ratio (True, default as in R) or log odds ratio.
    inference : {"residual", "qgcomp"}
        Degrees of freedom for gaussian outcomes. "residual" (default): t tests and intervals with the
        residual degrees of freedom. "qgcomp": p values with n - 1 - number of exposures and normal
        intervals, as in the R package, which leaves the covariates out of the count.
    offset : str, optional
    weights, strata, psu : str, optional
        Survey design; with strata and psu the covariance is design-based (`fit_qgcomp`), or whole PSUs are
        resampled within strata (`fit_qgcomp_bootstrap`).
    domain : str, optional
        Boolean column: only these rows are analysed; the others keep the design complete.
    identifier : str, optional
        Column by which rows are sorted before anything random.

    Raises
    ------
    SpecificationError
        If options contradict each other.
    """

    outcome: str
    exposures: tuple[str, ...]
    covariates: tuple[str, ...] = ()
    family: Literal["gaussian", "binomial", "poisson"] = "gaussian"
    quantiles: int | None = 4
    terms: tuple[str, ...] = ()
    modifier: str | None = None
    degree: int = 1
    risk_ratio: bool = True
    inference: Inference = "residual"
    offset: str | None = None
    weights: str | None = None
    strata: str | None = None
    psu: str | None = None
    domain: str | None = None
    identifier: str | None = None

    def __post_init__(self) -> None:
        for name in ("exposures", "covariates"):
            object.__setattr__(self, name, require_names(name, getattr(self, name)))
        object.__setattr__(self, "terms", require_names("terms", self.terms, "terms"))
        require_design(self.weights, self.strata, self.psu)
        require_choice("family", self.family, ("gaussian", "binomial", "poisson"))
        require_one_role(
            self.outcome,
            exposures=self.exposures,
            covariates=self.covariates,
            modifier=self.modifier,
            offset=self.offset,
            weights=self.weights,
            strata=self.strata,
            psu=self.psu,
            domain=self.domain,
            identifier=self.identifier,
        )
        if not self.exposures:
            raise SpecificationError(
                "expected at least 1 exposure, found none: name the columns of the mixture"
            )
        require_choice("inference", self.inference, ("residual", "qgcomp"))
        require_flag("risk_ratio", self.risk_ratio)
        object.__setattr__(self, "quantiles", require_quantiles(self.quantiles))
        joint = self.quantiles or 10
        degree = require_integer(
            "degree", self.degree, 1, f"{joint} joint quantiles carry no more", joint - 1
        )
        object.__setattr__(self, "degree", degree)

    @property
    def is_survey(self) -> bool:
        """Whether inference is design-based."""
        return require_design(self.weights, self.strata, self.psu)
