"""What a weighted quantile sum regression is asked to do."""

from dataclasses import dataclass
from typing import Literal

from mixepi.arguments import (
    is_number,
    require_choice,
    require_flag,
    require_integer,
    require_names,
    require_one_role,
    require_workers,
)
from mixepi.errors import SpecificationError
from mixepi.glm.families import Family, check_family
from mixepi.quantile_scores import require_quantiles
from mixepi.survey.design import require_design

Direction = Literal["positive", "negative", "both"]
Signal = Literal["t2", "t3", "abst", "expt", "one"]
SIGNALS = ("t2", "t3", "abst", "expt", "one")


@dataclass(frozen=True, kw_only=True)
class WQS:
    """Specification of a weighted quantile sum regression (Carrico et al. 2015).

    g(E y) = b0 + b1 * sum_j w_j q_j + z'c, with index weights w_j >= 0 that sum to 1 and quantile scores q_j.

    Parameters
    ----------
    outcome : str
        Numeric column: 0/1 for binomial, counts for poisson and negative_binomial.
    exposures : tuple of str
        Numeric columns that form the index.
    covariates : tuple of str
        Numeric columns as they are, others in treatment coding.
    family : str
        "gaussian" by default; "binomial", "poisson", "negative_binomial", "quasibinomial", "quasipoisson".
    direction : {"positive", "negative", "both"}
        Sign of b1. "both" puts a positive and a negative index of the same exposures into one model
        (Renzetti et al. 2023).
    quantiles : int or None
        Number of quantile groups, 4 by default as in the field; None for standardised values.
    validation : float
        Share of rows kept for inference, 0.6 by default (Carrico et al. 2015). With 0 the same rows give
        weights and inference, whose p value is then too small: use `permutation_test_wqs`.
    bootstraps : int
        Resamples of the training rows, 100 by default. With 1, no resampling.
    signal : {"t2", "t3", "abst", "expt", "one"}
        Weight of a bootstrap in the average: square (default), cube, absolute value or exponential - 1 of
        the t statistic of b1, or 1. With direction "both", the tolerance 1/VIF of the index takes the
        place of t, as in gWQS.
    constrain_sign : bool
        True (default): every bootstrap is held to the direction, and weak ones count little by their
        signal. False: a bootstrap takes the sign that fits better, and only those with the sign asked for
        count. gWQS leaves the sign free but starts on the side asked for and mostly stays there, which the
        constraint does on purpose.
    stratified_by : str, optional
        Factor whose levels get index weights of their own; all of them together sum to 1. Its main effect
        is added to the model if it is not among the covariates.
    interaction : str, optional
        Numeric column or two-level factor that modifies b1. Direction then means the slope of the index
        where that column is 0, or at the factor's first level. Its main effect is added likewise.
    random_subset : int or "sqrt", optional
        Random-subset WQS (Curtin et al. 2021) for many exposures: instead of resampling rows, each of
        `bootstraps` fits uses this many exposures drawn at random ("sqrt": the square root of their number).
    offset : str, optional
        Column added to the linear predictor, such as log person-time.
    weights, strata, psu : str, optional
        Survey design. Weights alone enter the likelihood, with model-based standard errors; with strata
        and psu (nested in strata), the validation model has design-based standard errors and t tests with
        PSUs - strata + 1 - parameters degrees of freedom.
    domain : str, optional
        Boolean column: only these rows are analysed; the others keep the design complete.
    identifier : str, optional
        Column by which rows are sorted before anything random. With it, results do not depend on row order.

    Raises
    ------
    SpecificationError
        If options contradict each other.
    """

    outcome: str
    exposures: tuple[str, ...]
    covariates: tuple[str, ...] = ()
    family: Family = "gaussian"
    direction: Direction = "positive"
    quantiles: int | None = 4
    validation: float = 0.6
    bootstraps: int = 100
    signal: Signal = "t2"
    constrain_sign: bool = True
    stratified_by: str | None = None
    interaction: str | None = None
    random_subset: int | Literal["sqrt"] | None = None
    offset: str | None = None
    weights: str | None = None
    strata: str | None = None
    psu: str | None = None
    domain: str | None = None
    identifier: str | None = None

    def __post_init__(self) -> None:
        for name in ("exposures", "covariates"):
            object.__setattr__(self, name, require_names(name, getattr(self, name)))
        require_design(self.weights, self.strata, self.psu)
        check_family(self.family)
        require_one_role(
            self.outcome,
            exposures=self.exposures,
            covariates=self.covariates,
            stratified_by=self.stratified_by,
            interaction=self.interaction,
            offset=self.offset,
            weights=self.weights,
            strata=self.strata,
            psu=self.psu,
            domain=self.domain,
            identifier=self.identifier,
        )
        if len(self.exposures) < 2:
            raise SpecificationError(
                f"expected at least 2 exposures, found {len(self.exposures)}: an index of one is a plain "
                "regression"
            )
        require_choice("direction", self.direction, ("positive", "negative", "both"))
        require_choice("signal", self.signal, SIGNALS)
        require_flag("constrain_sign", self.constrain_sign)
        object.__setattr__(self, "quantiles", require_quantiles(self.quantiles))
        if not (is_number(self.validation) and 0 <= self.validation < 1):
            raise SpecificationError(
                f"expected validation to be a share from 0 to below 1, found {self.validation!r}: "
                "0.6 is usual"
            )
        bootstraps = require_integer("bootstraps", self.bootstraps, 1, "100 is usual")
        object.__setattr__(self, "bootstraps", bootstraps)
        if self.interaction is not None:
            self._check_interaction()
        if self.random_subset not in (None, "sqrt"):
            advice = "it is the number of exposures in each fit, or 'sqrt'"
            most = len(self.exposures) - 1
            subset = require_integer("random_subset", self.random_subset, 1, advice, most)
            object.__setattr__(self, "random_subset", subset)

    @property
    def is_survey(self) -> bool:
        """Whether inference is design-based."""
        return require_design(self.weights, self.strata, self.psu)

    @property
    def directions(self) -> tuple[str, ...]:
        """The indices of the model: one direction, or both."""
        return ("positive", "negative") if self.direction == "both" else (self.direction,)

    @property
    def index_terms(self) -> tuple[str, ...]:
        """Names of the index coefficients in the tables."""
        return ("wqs_positive", "wqs_negative") if self.direction == "both" else ("wqs",)

    def _check_interaction(self) -> None:
        clashes = {
            "direction 'both'": self.direction == "both",
            "stratified_by": self.stratified_by is not None,
            "random_subset": self.random_subset is not None,
            "negative_binomial": self.family == "negative_binomial",
        }
        found = [name for name, clash in clashes.items() if clash]
        if found:
            raise SpecificationError(
                f"expected an interaction without {' or '.join(found)}, found both: fit them in separate "
                "models"
            )


@dataclass(frozen=True, kw_only=True)
class HoldoutOptions:
    """How often to split, and on how many workers.

    Parameters
    ----------
    holdouts : int
        Number of random splits, 100 by default (Tanner et al. 2019).
    workers : int, optional
        Threads; all available processors by default. The result does not depend on it.
    progress : bool
        A bar on a terminal, elsewhere a line on standard error every ten seconds (default True).
    """

    holdouts: int = 100
    workers: int | None = None
    progress: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "holdouts", require_integer("holdouts", self.holdouts, 2, "100 is usual"))
        require_workers(self.workers)
        require_flag("progress", self.progress)


@dataclass(frozen=True, kw_only=True)
class PermutationOptions:
    """How often to permute, and on how many workers.

    Parameters
    ----------
    permutations : int
        200 by default: p values down to 0.005.
    workers : int, optional
        Threads; all available processors by default. The result does not depend on it.
    progress : bool
        A bar on a terminal, elsewhere a line on standard error every ten seconds (default True).
    """

    permutations: int = 200
    workers: int | None = None
    progress: bool = True

    def __post_init__(self) -> None:
        number = require_integer("permutations", self.permutations, 19, "fewer cannot reach p = 0.05")
        object.__setattr__(self, "permutations", number)
        require_workers(self.workers)
        require_flag("progress", self.progress)
