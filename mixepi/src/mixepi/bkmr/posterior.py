"""The posterior draws of a fit, and whether they can be trusted: what every table is made from."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from mixepi.arrays import BoolArray, FloatArray
from mixepi.bkmr import diagnostics
from mixepi.bkmr.design import Scaler
from mixepi.bkmr.model.model import Model
from mixepi.bkmr.modes_visited import faults_of_modes
from mixepi.bkmr.sampler.draws import Draws
from mixepi.bkmr.sampler.modes import Mode
from mixepi.bkmr.spec import BKMR
from mixepi.model_frame import distinct_terms
from mixepi.survey.design import SurveyDesign

# The deciles' midpoints: ten points along the mixture, tails included.
MONITORED = tuple(np.round(np.linspace(0.05, 0.95, 10), 2))


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Posterior(Draws):
    """Posterior draws of a BKMR (`Draws`, with a first axis for the chain) and what they are draws of.

    Attributes
    ----------
    spec : BKMR
    seed : int
    scaler : Scaler
        How exposures reach the model's scale.
    model : Model
        The arrays.
    design : SurveyDesign, optional
        Of the whole sample, where strata and PSUs were named.
    modes : tuple of Mode
        Found by the search before the chains ran.
    """

    spec: BKMR
    seed: int
    scaler: Scaler
    model: Model
    design: SurveyDesign | None = None
    modes: tuple[Mode, ...] = ()

    @property
    def included(self) -> BoolArray:
        """delta, shape (chains, T, M)."""
        return np.asarray(self.r > 0)

    def monitored(self) -> Iterator[tuple[str, FloatArray, bool]]:
        """Every quantity with its draws, and whether convergence is judged by it."""
        yield "lambda", self.lambda_, True
        if self.spec.family == "gaussian":
            yield "sigma2", self.sigma2, True
        if self.model.cluster is not None:
            yield "lambda_cluster", self.cluster_variance, True
        for j, name in enumerate(self.spec.exposures):
            inside = self.included[:, :, j].astype(float)
            if self.spec.selection != "none":
                yield f"delta[{name}]", inside, True
            yield f"r[{name}]", self.r[:, :, j], bool(inside.mean() > 0.5)
        for j, p in enumerate(MONITORED):
            yield f"h[all exposures at {100 * p:.0f} %]", self.response[:, :, j], True
        names = ["intercept"] if self.model.intercept else []
        for j, name in enumerate(distinct_terms([*names, *self.spec.covariates])):
            yield f"beta[{name}]", self.beta[:, :, j], False

    def diagnosed(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row per monitored quantity: its posterior, and how well the chains agree on it."""
        tail = 0.5 * (1 - level)
        rows = [
            {
                "term": term,
                "estimate": float(x.mean()),
                "std_error": float(x.std(ddof=1)),
                "conf_low": float(np.quantile(x, tail)),
                "conf_high": float(np.quantile(x, 1 - tail)),
                "r_hat": diagnostics.r_hat(x),
                "ess_bulk": diagnostics.ess_bulk(x),
                "ess_tail": diagnostics.ess_tail(x),
                "mcse": diagnostics.mcse_mean(x),
                "judged": judged,
            }
            for term, x, judged in self.monitored()
        ]
        return pd.DataFrame(rows)

    @cached_property
    def usual(self) -> pd.DataFrame:
        """`diagnosed` at the usual level, kept because every table's status is read from it."""
        return self.diagnosed()

    @cached_property
    def status(self) -> str:
        """ "converged", or what has not: R-hat above 1.05, an ESS below 400, a mode missed; and where.

        The tail counts because the intervals of `estimates` are quantiles of draws (Vehtari et al. 2021).
        """
        table = self.usual[self.usual["judged"]]
        worst = table.iloc[int(np.argmax(table["r_hat"].to_numpy()))]
        faults = []
        if len(self.r) < 2:
            faults.append("one chain only, R-hat says little")
        if not worst["r_hat"] <= diagnostics.R_HAT_LIMIT:
            faults.append(f"R-hat {worst['r_hat']:.3f} of {worst['term']}")
        for column, name in (("ess_bulk", "ESS"), ("ess_tail", "tail ESS")):
            fewest = table.iloc[int(np.argmin(table[column].to_numpy()))]
            if not fewest[column] >= diagnostics.ESS_LIMIT:
                faults.append(f"{name} {fewest[column]:.0f} of {fewest['term']}")
                break
        faults += faults_of_modes(self.model, self.modes, self, self.spec.exposures)
        return "converged" if not faults else "NOT CONVERGED: " + "; ".join(faults)

    @property
    def method(self) -> str:
        """What was computed: solver and its error, intercept, compat."""
        solver = {
            "lowrank": f"exact (log-likelihood error below {self.spec.tolerance:g})",
            "dense": "exact (dense)",
            "fitc": f"APPROXIMATE (fitc, {self.spec.inducing} inducing observations)",
        }[self.spec.solver]
        share = float(self.approximate.mean())
        if self.spec.solver == "lowrank" and share > 0:
            solver += f", but APPROXIMATE (fitc) in {100 * share:.3g} % of draws or the steps to them"
        text = f"{solver}; intercept {self.spec.intercept}"
        if self.spec.weights is not None:
            text += f"; {self._weighting}"
        if self.spec.compat is not None:
            text += "; NOT THE POSTERIOR: selection ratio inverted as in R's bkmr"
        return text

    @property
    def _weighting(self) -> str:
        """What the weights did."""
        total = f"pseudo-posterior, weights sum to {self.model.size:.0f} of {self.model.n} rows"
        if self.design is None:
            return f"{total}, intervals of independent rows"
        return f"{total}, intervals with the design effect of each quantity"

    def label(self, table: pd.DataFrame) -> pd.DataFrame:
        """Add the columns that every table carries."""
        return table.assign(status=self.status, method=self.method)
