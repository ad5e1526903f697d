"""What `fit_bkmr` returns: its tables and charts."""

from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from typing import Any

import numpy as np
import pandas as pd

from mixepi.arguments import require_choice, require_known
from mixepi.arrays import FloatArray
from mixepi.bkmr import diagnostics, plots, summaries
from mixepi.bkmr.contrasts import answer, kept_draws, solver_of
from mixepi.bkmr.posterior import Posterior
from mixepi.bkmr.sampler.transition import EXACT_MOVES
from mixepi.bkmr.spec import ChainOptions
from mixepi.bkmr.survey.parameters import parameter_std_errors
from mixepi.errors import SpecificationError
from mixepi.results.base import IntervalResult
from mixepi.tables import check_level

TABLES = ("univariate", "bivariate", "overall", "single", "interactions")


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class BKMRResult(IntervalResult, Posterior):
    """Posterior draws of a BKMR fit (`Posterior`), and the tables made of them.

    Attributes
    ----------
    options : ChainOptions
        How long the chains ran.
    monitors : ndarray, shape (10, M)
        Points whose response is monitored: every exposure at its 5th, 15th, ..., 95th percentile.
    attempts, accepted : dict
        Counts by move, over all chains.
    evaluations : int
        Evaluations of the surrogate.
    seconds : float
        Processor time of the chains, summed.
    """

    options: ChainOptions
    monitors: FloatArray
    attempts: dict[str, int]
    accepted: dict[str, int]
    evaluations: int
    seconds: float

    def estimates(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row per quantity of the model.

        Columns: term, estimate, std_error, conf_low, conf_high, r_hat, ess_bulk, ess_tail, mcse, judged,
        status, method. `judged` rows decide on convergence. Under a survey design also jackknife_std_error,
        of the estimate over samples of the design; the interval is the pseudo-posterior's.
        """
        check_level(level)
        table = self.usual if level == 0.95 else self.diagnosed(level)
        if self.design is not None:
            table = table.copy()
            table.insert(
                list(table).index("std_error") + 1, "jackknife_std_error", self._jackknife_std_errors
            )
        return self.label(table)

    @cached_property
    def _jackknife_std_errors(self) -> FloatArray:
        kept = kept_draws(self, summaries.MAX_DRAWS)
        return parameter_std_errors(self, solver_of(self), self.monitors, kept)

    def headline(self) -> str:
        """Return in one line what was fitted."""
        spec, (chains, draws) = self.spec, self.lambda_.shape
        return (
            f"BKMR, {len(spec.exposures)} exposures, {spec.family} {spec.outcome}, {self.model.n} rows, "
            f"{chains} chains of {draws} draws, seed {self.seed}"
        )

    def tables_shown(self, level: float = 0.95) -> dict[str, pd.DataFrame]:
        """Return the tables of the summary."""
        columns = ["term", "estimate", "std_error", "conf_low", "conf_high", "r_hat", "ess_bulk"]
        return {
            "Inclusion": self.pips()[["exposure", "pip", "prior_pip", "mcse"]],
            "Parameters": self.estimates(level)[columns],
        }

    def remarks(self) -> tuple[str, ...]:
        """Return whether the chains have converged, and what was computed."""
        return (self.status, self.method)

    def effect_label(self) -> str:
        """Return what the estimates measure."""
        return "value of the parameter"

    def draws(self) -> pd.DataFrame:
        """One row per kept draw and parameter, covariates' coefficients left out: parameter, chain and draw
        (both from 1), value.
        """
        tables = []
        for parameter, values, _ in self.monitored():
            if parameter.startswith("beta["):
                continue
            chain, draw = np.indices(values.shape)
            tables.append(
                pd.DataFrame(
                    {
                        "parameter": parameter,
                        "chain": chain.ravel() + 1,
                        "draw": draw.ravel() + 1,
                        "value": values.ravel().astype(np.float64),
                    }
                )
            )
        return pd.concat(tables, ignore_index=True)

    def acceptance(self) -> pd.DataFrame:
        """One row per move: move, attempts, acceptance, status, method."""
        rows = [
            {"move": move, "attempts": n, "acceptance": self.accepted.get(move, 0) / n}
            for move, n in sorted(self.attempts.items())
        ]
        return self.label(pd.DataFrame(rows, columns=["move", "attempts", "acceptance"]))

    def surrogate_share(self) -> float:
        """Share of proposals that were decided without an exact evaluation."""
        exact = sum(self.attempts.get(name, 0) for name in EXACT_MOVES)
        return 1 - exact / sum(self.attempts.values())

    def pips(self) -> pd.DataFrame:
        """Posterior inclusion probabilities.

        Columns: exposure, group, pip, group_pip, conditional_pip (given that its group is in),
        prior_pip (before the data, under the law sampled: with compat="bkmr" not the prior's own),
        mcse, status, method.
        """
        rows = []
        names = self.spec.exposures
        for k, group in enumerate(self.model.groups):
            inside = self.included[:, :, list(group)].any(axis=2)
            group_pip = float(inside.mean())
            prior = self.model.prior_inclusion(group)
            for m in group:
                draws = self.included[:, :, m].astype(float)
                pip = float(draws.mean())
                rows.append(
                    {
                        "exposure": names[m],
                        "group": k + 1,
                        "pip": pip,
                        "group_pip": group_pip,
                        "conditional_pip": pip / group_pip if group_pip > 0 else np.nan,
                        "prior_pip": prior / len(group),
                        "mcse": diagnostics.mcse_mean(draws),
                    }
                )
        return self.label(pd.DataFrame(rows))

    def model_probabilities(self) -> pd.DataFrame:
        """Posterior probability of each set of exposures seen: exposures, probability, status, method."""
        flat = self.included.reshape(-1, self.r.shape[2])
        sets, counts = np.unique(flat, axis=0, return_counts=True)
        names = np.array(self.spec.exposures)
        table = pd.DataFrame(
            {
                "exposures": [" + ".join(names[s]) or "(none)" for s in sets],
                "probability": counts / len(flat),
            }
        )
        ordered = table.sort_values("probability", ascending=False, kind="stable", ignore_index=True)
        return self.label(ordered)

    def summaries(self, *requests: tuple[str, dict[str, Any]], draws: int = 1000) -> list[pd.DataFrame]:
        """Several of the tables below at once: one factorisation per draw serves all.

        Parameters
        ----------
        *requests : tuple of str and dict
            Name of the method ("univariate", "bivariate", "overall", "single", "interactions") and its
            options, `draws` excepted.
        draws : int
            How many of the kept draws to use, evenly spaced (default 1000).
        """
        wanted = []
        for asked in requests:
            if not (isinstance(asked, tuple | list) and len(asked) == 2 and isinstance(asked[1], dict)):
                raise SpecificationError(
                    f"expected pairs of a table and its options, found {asked!r}: write ('overall', {{}})"
                )
            name, options = asked
            require_choice("a table", name, TABLES)
            request = getattr(summaries, name)
            require_known(f"options of {name}", options, list(signature(request).parameters)[1:])
            wanted.append(request(self, **options))
        named = ", ".join(dict.fromkeys(name for name, _ in requests))
        return answer(
            self,
            wanted,
            draws,
            workers=self.options.workers,
            description=f"BKMR {named}" if self.options.progress else None,
        )

    def univariate(self, *, draws: int = 1000, **options: Any) -> pd.DataFrame:
        """h along each exposure: see `mixepi.bkmr.summaries.univariate`."""
        return self.summaries(("univariate", options), draws=draws)[0]

    def bivariate(self, *, draws: int = 400, **options: Any) -> pd.DataFrame:
        """h over pairs of exposures: see `mixepi.bkmr.summaries.bivariate`."""
        return self.summaries(("bivariate", options), draws=draws)[0]

    def overall(self, *, draws: int = 1000, **options: Any) -> pd.DataFrame:
        """Overall mixture effect: see `mixepi.bkmr.summaries.overall`."""
        return self.summaries(("overall", options), draws=draws)[0]

    def single(self, *, draws: int = 1000, **options: Any) -> pd.DataFrame:
        """Single-exposure effects: see `mixepi.bkmr.summaries.single`."""
        return self.summaries(("single", options), draws=draws)[0]

    def interactions(self, *, draws: int = 1000, **options: Any) -> pd.DataFrame:
        """Interactions of each exposure with the rest: see `mixepi.bkmr.summaries.interactions`."""
        return self.summaries(("interactions", options), draws=draws)[0]

    def predict(self, data: pd.DataFrame, **options: Any) -> pd.DataFrame:
        """Mean outcome for new rows: see `mixepi.bkmr.summaries.predict`."""
        require_known("options of predict", options, ("scale", "draws"))
        return summaries.predict(self, data, **options)

    def plot_pips(self) -> Any:
        """Return a chart of the posterior inclusion probabilities, with the prior's as a tick.

        Raises
        ------
        MissingPackageError
            Altair is not installed; so for every chart below.
        """
        return plots.plot_pips(self, self.pips())

    def plot_response(self, **options: Any) -> Any:
        """Return the exposure-response curves, one panel per exposure; options of `univariate`."""
        return plots.plot_response(self, self.univariate(**options))

    def plot_bivariate(self, first: str, second: str, **options: Any) -> Any:
        """Return a heat map of the response over two exposures; further options of `bivariate`."""
        return plots.plot_bivariate(self, self.bivariate(pairs=[(first, second)], **options))

    def plot_overall(self, **options: Any) -> Any:
        """Return the overall effect of the mixture by quantile; options of `overall`."""
        return plots.plot_overall(self, self.overall(**options))

    def plot_single(self, **options: Any) -> Any:
        """Return the effect of each exposure, the others fixed at several quantiles; options of `single`."""
        return plots.plot_single(self, self.single(**options))

    def plot_interactions(self, **options: Any) -> Any:
        """Return the interaction of each exposure with the rest; options of `interactions`."""
        return plots.plot_interactions(self, self.interactions(**options))

    def plot_trace(self) -> Any:
        """Return the kept draws of each monitored parameter in order, one line per chain."""
        return plots.plot_trace(self, self.draws())

    def plot_posterior_and_prior(self) -> Any:
        """Return histograms of log10 lambda and log10 r (given inclusion) over their prior densities."""
        return plots.plot_posterior_and_prior(self)
