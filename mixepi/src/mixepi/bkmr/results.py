"""The frozen result of a fit."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mixepi.arguments import require_choice
from mixepi.arrays import BoolArray, FloatArray
from mixepi.bkmr import diagnostics
from mixepi.bkmr.design import Scaler
from mixepi.bkmr.model.model import Model
from mixepi.bkmr.sampler.draws import Draws
from mixepi.bkmr.spec import BKMR, ChainOptions

MONITORED = tuple(np.round(np.linspace(0.05, 0.95, 10), 2))


@dataclass(frozen=True)
class BKMRResult(Draws):
    """Posterior draws of a BKMR fit (`Draws`, with a first axis for the chain), and the tables made of them.

    Attributes
    ----------
    spec, options, seed : what was asked for.
    scaler : Scaler
        How exposures reach the model's scale.
    model : Model
        The arrays.
    monitors : ndarray, shape (10, M)
        Points whose response is monitored: every exposure at its 5th, 15th, ..., 95th percentile.
    attempts, accepted : dict
        Counts by move, over all chains.
    seconds : float
        Processor time of the chains, summed.
    """

    spec: BKMR
    options: ChainOptions
    seed: int
    scaler: Scaler
    model: Model
    monitors: FloatArray
    attempts: dict[str, int]
    accepted: dict[str, int]
    evaluations: int
    seconds: float

    @property
    def included(self) -> BoolArray:
        """delta, shape (chains, T, M)."""
        return np.asarray(self.r > 0)

    def _monitored(self) -> Iterator[tuple[str, FloatArray, bool]]:
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
        for j, name in enumerate([*names, *self.spec.covariates]):
            yield f"beta[{name}]", self.beta[:, :, j], False

    @cached_property
    def _diagnosed(self) -> pd.DataFrame:
        rows = [
            {
                "term": term,
                "estimate": float(x.mean()),
                "std_error": float(x.std(ddof=1)),
                "conf_low": float(np.quantile(x, 0.025)),
                "conf_high": float(np.quantile(x, 0.975)),
                "r_hat": diagnostics.r_hat(x),
                "ess_bulk": diagnostics.ess_bulk(x),
                "ess_tail": diagnostics.ess_tail(x),
                "mcse": diagnostics.mcse_mean(x),
                "judged": judged,
            }
            for term, x, judged in self._monitored()
        ]
        return pd.DataFrame(rows)

    @cached_property
    def status(self) -> str:
        """ "converged", or what has not: R-hat above 1.05 or bulk ESS below 400, and where."""
        table = self._diagnosed[self._diagnosed["judged"]]
        worst = table.iloc[int(np.argmax(table["r_hat"].to_numpy()))]
        fewest = table.iloc[int(np.argmin(table["ess_bulk"].to_numpy()))]
        faults = []
        if len(self.r) < 2:
            faults.append("one chain only, R-hat says little")
        if not worst["r_hat"] <= diagnostics.R_HAT_LIMIT:
            faults.append(f"R-hat {worst['r_hat']:.3f} of {worst['term']}")
        if not fewest["ess_bulk"] >= diagnostics.ESS_LIMIT:
            faults.append(f"ESS {fewest['ess_bulk']:.0f} of {fewest['term']}")
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
        if self.spec.compat is not None:
            text += "; NOT THE POSTERIOR: selection ratio inverted as in R's bkmr"
        return text

    def label(self, table: pd.DataFrame) -> pd.DataFrame:
        """Add the columns that every table carries."""
        return table.assign(status=self.status, method=self.method)

    def estimates(self) -> pd.DataFrame:
        """One row per quantity: term, estimate, std_error, conf_low, conf_high, r_hat, ess_bulk, ess_tail,
        mcse, judged, status, method. `judged` rows decide on convergence.
        """
        return self.label(self._diagnosed)

    def draws(self) -> pd.DataFrame:
        """One row per kept draw and parameter, covariates' coefficients left out: parameter, chain and draw
        (both from 1), value.
        """
        tables = []
        for parameter, values, _ in self._monitored():
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
        exact = sum(
            self.attempts.get(k, 0) for k in ("exact correction", "exact flip", "emulated walk", "block walk")
        )
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
        from mixepi.bkmr import summaries

        for name, _ in requests:
            require_choice("a table", name, ("univariate", "bivariate", "overall", "single", "interactions"))
        wanted = [getattr(summaries, name)(self, **options) for name, options in requests]
        return summaries.answer(self, wanted, draws)

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
        from mixepi.bkmr import summaries

        return summaries.predict(self, data, **options)
