"""What to fit and how long to run: frozen, and part of every result."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mixepi.arguments import (
    is_number,
    require_choice,
    require_flag,
    require_integer,
    require_names,
    require_one_role,
    require_type,
    require_workers,
)
from mixepi.bkmr.model.model import Family, Priors, SolverName
from mixepi.bkmr.survey.weights import TotalWeight, require_total_weight
from mixepi.errors import SpecificationError
from mixepi.files import user_path
from mixepi.survey.design import require_design

Selection = Literal["component", "hierarchical", "none"]


@dataclass(frozen=True, kw_only=True)
class BKMR:
    """Bayesian kernel machine regression (Bobb et al. 2015): columns, priors, solver.

    g(E y) = h(z) + x'b with h ~ GP(0, sigma2 lambda K_r), K_r(z, z') = exp(-sum_m r_m (z_m - z'_m)^2);
    g is the identity (gaussian) or the probit link (binomial).

    Parameters
    ----------
    outcome : str
        Numeric column; 0/1 for the binomial family.
    exposures : tuple of str
        Columns of the mixture, positive when `log` is set.
    covariates : tuple of str
        Numeric columns (indicators for categories), without a constant.
    family : {"gaussian", "binomial"}
    selection : {"component", "hierarchical", "none"}
        Spike and slab for each exposure (bkmr's varsel=TRUE, the default), for groups of which at
        most one member is in, or every exposure always in.
    groups : tuple of tuples of str
        With "hierarchical": a partition of the exposures.
    cluster : str, optional
        Column of cluster ids for a random intercept (bkmr's `id`).
    log : bool
        Take logarithms of the exposures before centring and scaling (default False, as in bkmr, which
        takes z as given).
    scale : bool
        Centre and scale the exposures to sd 1 (default True: the priors of r are meant for that).
    intercept : {"flat", "kernel"}
        "flat" (default): an explicit intercept with a flat prior. "kernel": none, the constant part of
        the kernel carries it, as in bkmr; this moves P(no exposure) and the PIPs of weak signals.
    priors : Priors
        bkmr's defaults.
    solver : {"lowrank", "dense", "fitc"}
        "lowrank" (default) is certified to `tolerance` and falls back to dense; "fitc" is approximate.
    tolerance : float
        Bound on the error of a log-likelihood (default 1e-3: acceptance probabilities off by 0.1 % at most).
    inducing : int
        Number of inducing observations of "fitc" (default 200).
    weights, strata, psu : str, optional
        Survey design. Each row's likelihood is raised to the power of its weight, of any scale (a
        pseudo-posterior); with strata and PSUs, tables get design-based standard errors and intervals.
    domain : str, optional
        Boolean column: only these rows enter the likelihood; the others keep the design complete.
    total_weight : {"effective", "rows"} or float
        What the powers sum to, which decides how much is learnt. "effective" (default): Kish's effective
        number of rows, which keeps inclusion probabilities honest. "rows": the number of rows, which makes
        exposures without an effect look real.
    compat : {"bkmr"}, optional
        Reproduce the inverted selection ratio of R's bkmr, for comparison only.

    Raises
    ------
    SpecificationError
        If options contradict each other.
    """

    outcome: str
    exposures: tuple[str, ...]
    covariates: tuple[str, ...] = ()
    family: Family = "gaussian"
    selection: Selection = "component"
    groups: tuple[tuple[str, ...], ...] = ()
    cluster: str | None = None
    log: bool = False
    scale: bool = True
    intercept: Literal["flat", "kernel"] = "flat"
    priors: Priors = field(default_factory=Priors)
    solver: SolverName = "lowrank"
    tolerance: float = 1e-3
    inducing: int = 200
    weights: str | None = None
    strata: str | None = None
    psu: str | None = None
    domain: str | None = None
    total_weight: TotalWeight = "effective"
    compat: Literal["bkmr"] | None = None

    def __post_init__(self) -> None:
        for name in ("exposures", "covariates"):
            object.__setattr__(self, name, require_names(name, getattr(self, name)))
        if not isinstance(self.groups, list | tuple):
            raise SpecificationError(
                f"expected groups to be a tuple of tuples of column names, found {self.groups!r}: leave "
                "it out or list the groups"
            )
        groups = tuple(require_names("every one of groups", group) for group in self.groups)
        object.__setattr__(self, "groups", groups)
        require_choice("family", self.family, ("gaussian", "binomial"))
        require_choice("selection", self.selection, ("component", "hierarchical", "none"))
        require_choice("intercept", self.intercept, ("flat", "kernel"))
        require_choice("solver", self.solver, ("lowrank", "dense", "fitc"))
        require_choice("compat", self.compat, (None, "bkmr"))
        require_flag("log", self.log)
        require_flag("scale", self.scale)
        require_type("priors", self.priors, Priors)
        if not self.exposures:
            raise SpecificationError("expected at least one exposure, found none")
        require_one_role(
            self.outcome,
            exposures=self.exposures,
            covariates=self.covariates,
            cluster=self.cluster,
            weights=self.weights,
            strata=self.strata,
            psu=self.psu,
            domain=self.domain,
        )
        self._check_survey()
        members = [m for g in self.groups for m in g]
        if self.selection == "hierarchical":
            if sorted(members) != sorted(self.exposures):
                raise SpecificationError(
                    "expected groups to contain every exposure exactly once, found "
                    f"{sorted(set(self.exposures) ^ set(members)) or 'an exposure in two groups'} amiss"
                )
        elif members:
            raise SpecificationError(
                f"expected groups only with selection='hierarchical', found selection={self.selection!r}"
            )
        if not (is_number(self.tolerance) and self.tolerance > 0):
            raise SpecificationError(
                f"expected a positive tolerance, found {self.tolerance!r}: 0.001 is the default"
            )
        object.__setattr__(
            self, "inducing", require_integer("inducing", self.inducing, 1, "200 is the default")
        )
        if self.compat is not None and self.selection == "none":
            raise SpecificationError("expected variable selection with compat='bkmr', found selection='none'")

    @property
    def is_survey(self) -> bool:
        """Whether intervals are design-based."""
        return require_design(self.weights, self.strata, self.psu)

    def _check_survey(self) -> None:
        require_design(self.weights, self.strata, self.psu)
        require_total_weight(self.total_weight)
        if self.weights is None:
            if self.total_weight != "effective":
                raise SpecificationError(
                    f"expected total_weight only with weights, found {self.total_weight!r} without: name the "
                    "column of weights"
                )
            return
        if self.cluster is not None:
            raise SpecificationError(
                f"expected no random intercept with sampling weights, found cluster={self.cluster!r}: leave "
                "it out, the psu column takes clusters into account"
            )
        if self.family == "binomial" and self.solver == "fitc":
            raise SpecificationError(
                "expected an exact solver for a weighted binomial outcome, found solver='fitc': use "
                "solver='lowrank'"
            )


@dataclass(frozen=True, kw_only=True)
class ChainOptions:
    """How long to run.

    Parameters
    ----------
    chains : int
        Independent chains (default 4, for R-hat).
    warmup : int
        Sweeps in which the moves adapt, not kept (default 400).
    draws : int
        Draws kept per chain (default 1000), at least 4: R-hat compares the halves of each chain.
    thin : int
        Sweeps per kept draw (default 1).
    workers : int, optional
        Processes; by default the CPUs this process may use. Results do not depend on it. Use 1 where
        several fits already run in parallel (`mixepi.fan_out`).
    max_draws : int, optional
        Chains that have not converged go on to twice as many draws, again and again, up to this many. By
        default they stop at `draws`.
    checkpoint : str or path, optional
        Directory in which every chain saves its state; a fit with the same arguments resumes there, and one
        with more draws goes on from there.
    checkpoint_seconds : float
        Seconds between two saves (default 5): what a killed run can lose.
    progress : bool
        A bar on a terminal, elsewhere a line on standard error every ten seconds (default True).
    """

    chains: int = 4
    warmup: int = 400
    draws: int = 1000
    thin: int = 1
    max_draws: int | None = None
    workers: int | None = None
    checkpoint: Path | None = None
    checkpoint_seconds: float = 5.0
    progress: bool = True

    @property
    def sweeps(self) -> int:
        """Sweeps of one chain."""
        return self.warmup + self.draws * self.thin

    def __post_init__(self) -> None:
        for name, minimum, advice in (
            ("chains", 1, "4 is the default"),
            ("warmup", 0, "400 is the default"),
            ("draws", 4, "R-hat compares the halves of each chain; 1000 is the default"),
            ("thin", 1, "1 is the default"),
        ):
            object.__setattr__(self, name, require_integer(name, getattr(self, name), minimum, advice))
        if self.max_draws is not None:
            largest = require_integer("max_draws", self.max_draws, self.draws, "it may not be below draws")
            object.__setattr__(self, "max_draws", largest)
        require_workers(self.workers)
        require_flag("progress", self.progress)
        if self.checkpoint is not None:
            object.__setattr__(self, "checkpoint", user_path("checkpoint", self.checkpoint))
        if not (is_number(self.checkpoint_seconds) and self.checkpoint_seconds >= 0):
            raise SpecificationError(
                f"expected checkpoint_seconds of at least 0, found {self.checkpoint_seconds!r}: "
                "5 is the default"
            )
