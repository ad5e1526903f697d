"""What a quantile g-computation is asked to do."""

from dataclasses import dataclass, field
from typing import Literal

from envmix.errors import SpecificationError
from envmix.families import check_family
from envmix.survey_glm import require_design

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
        covariates: "I(lead**2)", "lead:cadmium", "lead:age". A basis such as "bs(lead, df=4)" takes the
        place of the exposure's straight line. For `fit_qgcomp_bootstrap` and `fit_qgcomp_sandwich` only.
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
    degree: int = 1
    risk_ratio: bool = True
    inference: Inference = "residual"
    offset: str | None = None
    weights: str | None = None
    strata: str | None = None
    psu: str | None = None
    domain: str | None = None
    identifier: str | None = None
    survey: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("exposures", "covariates", "terms"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "survey", require_design(self.weights, self.strata, self.psu))
        check_family(self.family)
        if self.family not in ("gaussian", "binomial", "poisson"):
            raise SpecificationError(
                f"expected family gaussian, binomial or poisson, found {self.family!r}: choose one of them"
            )
        roles = [self.outcome, *self.exposures, *self.covariates]
        twice = sorted({name for name in roles if roles.count(name) > 1})
        if twice:
            raise SpecificationError(
                f"expected every column in one role, found {', '.join(map(repr, twice))} named twice "
                "among outcome, "
                "exposures and covariates: name each once"
            )
        if not self.exposures:
            raise SpecificationError(
                "expected at least 1 exposure, found none: name the columns of the mixture"
            )
        if self.inference not in ("residual", "qgcomp"):
            raise SpecificationError(
                f"expected inference 'residual' or 'qgcomp', found {self.inference!r}: choose one of them"
            )
        most = (self.quantiles or 10) - 1
        if not 1 <= self.degree <= most:
            raise SpecificationError(
                f"expected degree from 1 to {most}, found {self.degree}: {most + 1} joint quantiles "
                "carry no more"
            )
