"""The frozen result of a fit, and `fit` itself."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import Any
from warnings import warn

import numpy as np
import pandas as pd

from envmix.arrays import BoolArray, FloatArray, IntArray
from envmix.bkmr import diagnostics
from envmix.bkmr.chains import ChainTask, run_chain
from envmix.bkmr.design import Scaler, build
from envmix.bkmr.exact import Solver
from envmix.bkmr.model import Model
from envmix.bkmr.spec import BkmrSpec, ChainOptions
from envmix.errors import EnvmixWarning
from envmix.fan_out import fan_out

MONITORED = tuple(np.round(np.linspace(0.05, 0.95, 10), 2))


class ConvergenceWarning(EnvmixWarning):
    """The chains have not converged; every table of the result says so too."""


@dataclass(frozen=True)
class BkmrResult:
    """Posterior draws of a BKMR fit, and the tables made from them.

    Attributes
    ----------
    spec, options, seed : what was asked for.
    scaler : Scaler
        How exposures reach the model's scale.
    model : Model
        The arrays.
    monitors : ndarray, shape (10, M)
        Points whose response is monitored: every exposure at its 5th, 15th, ..., 95th percentile.
    r : ndarray, shape (chains, T, M)
        Kernel parameters; zero when the exposure is out.
    lambda_, sigma2, cluster_variance, log_likelihood : ndarray, shape (chains, T)
    beta : ndarray, shape (chains, T, p)
        Covariates' coefficients, the flat intercept first when there is one.
    response : ndarray, shape (chains, T, 10)
        h, with the flat intercept, at the monitors.
    latent : ndarray, shape (chains, T, n) or (chains, T, 0)
        Latent outcomes of the probit.
    rank : ndarray of int, shape (chains, T)
        Rank of the kernel's factor, n when dense.
    approximate : ndarray, shape (chains, T)
        1 where fitc stood in because the rank was too high for n.
    attempts, accepted : dict
        Counts by move, over all chains.
    seconds : float
        Total time of the chains (sum over chains).
    """

    spec: BkmrSpec
    options: ChainOptions
    seed: int
    scaler: Scaler
    model: Model
    monitors: FloatArray
    r: FloatArray
    lambda_: FloatArray
    sigma2: FloatArray
    cluster_variance: FloatArray
    log_likelihood: FloatArray
    beta: FloatArray
    response: FloatArray
    latent: FloatArray
    rank: IntArray
    approximate: FloatArray
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
            solver += f", but APPROXIMATE (fitc) in {100 * share:.1f} % of draws"
        text = f"{solver}; intercept {self.spec.intercept}"
        if self.spec.compat is not None:
            text += "; NOT THE POSTERIOR: selection ratio inverted as in R's bkmr"
        return text

    def label(self, table: pd.DataFrame) -> pd.DataFrame:
        """Add the columns that every table carries."""
        return table.assign(status=self.status, method=self.method)

    def parameters(self) -> pd.DataFrame:
        """One row per quantity: term, estimate, std_error, conf_low, conf_high, r_hat, ess_bulk, ess_tail,
        mcse, judged, status, method. `judged` rows decide on convergence.
        """
        return self.label(self._diagnosed)

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
        prior_pip, mcse, status, method.
        """
        rows = []
        total = self.spec.priors.inclusion.inclusion_probability()
        names = self.spec.exposures
        for k, group in enumerate(self.model.groups):
            inside = self.included[:, :, list(group)].any(axis=2)
            group_pip = float(inside.mean())
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
                        "prior_pip": total / len(group) if self.model.select else 1.0,
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

    def univariate(self, **options: Any) -> pd.DataFrame:
        """h along each exposure: see `envmix.bkmr.summaries.univariate`."""
        from envmix.bkmr import summaries

        return summaries.univariate(self, **options)

    def bivariate(self, **options: Any) -> pd.DataFrame:
        """h over pairs of exposures: see `envmix.bkmr.summaries.bivariate`."""
        from envmix.bkmr import summaries

        return summaries.bivariate(self, **options)

    def overall(self, **options: Any) -> pd.DataFrame:
        """Overall mixture effect: see `envmix.bkmr.summaries.overall`."""
        from envmix.bkmr import summaries

        return summaries.overall(self, **options)

    def single(self, **options: Any) -> pd.DataFrame:
        """Single-exposure effects: see `envmix.bkmr.summaries.single`."""
        from envmix.bkmr import summaries

        return summaries.single(self, **options)

    def interactions(self, **options: Any) -> pd.DataFrame:
        """Interactions of each exposure with the rest: see `envmix.bkmr.summaries.interactions`."""
        from envmix.bkmr import summaries

        return summaries.interactions(self, **options)

    def predict(self, data: pd.DataFrame, **options: Any) -> pd.DataFrame:
        """Mean outcome for new rows: see `envmix.bkmr.summaries.predict`."""
        from envmix.bkmr import summaries

        return summaries.predict(self, data, **options)


def _fingerprint(spec: BkmrSpec, model: Model, options: ChainOptions, seed: int) -> str:
    digest = sha256(
        repr((spec, replace(options, workers=None, checkpoint=None, progress=True), seed)).encode()
    )
    for array in (model.y, model.X, model.z):
        digest.update(np.ascontiguousarray(array).tobytes())
    if model.cluster is not None:
        digest.update(model.cluster.tobytes())
    return digest.hexdigest()


def fit(spec: BkmrSpec, data: pd.DataFrame, seed: int, options: ChainOptions | None = None) -> BkmrResult:
    """Sample the posterior of a BKMR.

    Parameters
    ----------
    spec : BkmrSpec
    data : DataFrame
        One row per person, no missing values in the columns used.
    seed : int
        Same seed, same machine: the same draws, whatever the number of workers.
    options : ChainOptions, optional
        Number and length of chains, checkpoints.

    Returns
    -------
    BkmrResult

    Raises
    ------
    DataError, SpecificationError, SeparationError, EstimationError
        Each says what was expected, what was found and what to do.

    Warns
    -----
    ConvergenceWarning
        If R-hat exceeds 1.05 or a bulk ESS is below 400.

    Examples
    --------
    >>> spec = BkmrSpec("bmd", ("pb", "cd", "hg"), covariates=("age", "bmi"), log=True)  # doctest: +SKIP
    >>> result = fit(spec, frame, seed=1)  # doctest: +SKIP
    >>> result.pips()  # doctest: +SKIP
    """
    options = options or ChainOptions()
    model, scaler = build(spec, data)
    return run(spec, model, scaler, seed, options)


def run(spec: BkmrSpec, model: Model, scaler: Scaler, seed: int, options: ChainOptions) -> BkmrResult:
    """Run the chains on arrays already built (`fit` is the door for users)."""
    monitors = np.quantile(model.z, MONITORED, axis=0)
    solver = Solver(spec.solver, spec.tolerance, min(spec.inducing, model.n))
    fingerprint = _fingerprint(spec, model, options, seed)
    tasks = [
        ChainTask(model, solver, options, seed, chain, monitors, fingerprint)
        for chain in range(options.chains)
    ]
    chains = fan_out(run_chain, tasks, workers=options.workers)

    def total(name: str) -> dict[str, int]:
        counts: dict[str, int] = {}
        for chain in chains:
            for move, n in getattr(chain, name).items():
                counts[move] = counts.get(move, 0) + n
        return counts

    def stack(name: str) -> FloatArray:
        return np.stack([getattr(chain, name) for chain in chains])

    result = BkmrResult(
        spec=spec,
        options=options,
        seed=seed,
        scaler=scaler,
        model=model,
        monitors=monitors,
        r=stack("r"),
        lambda_=stack("lambda_"),
        sigma2=stack("sigma2"),
        cluster_variance=stack("cluster_variance"),
        log_likelihood=stack("log_likelihood"),
        beta=stack("beta"),
        response=stack("response"),
        latent=stack("latent"),
        rank=np.stack([chain.rank for chain in chains]),
        approximate=stack("approximate"),
        attempts=total("attempts"),
        accepted=total("accepted"),
        evaluations=sum(chain.evaluations for chain in chains),
        seconds=sum(chain.seconds for chain in chains),
    )
    if result.status != "converged":
        warn(
            f"{result.status}: run longer chains before reading the tables", ConvergenceWarning, stacklevel=3
        )
    return result
