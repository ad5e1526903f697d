"""What a WQS fit returns, and its tables."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mixepi.arrays import BoolArray, FloatArray
from mixepi.quantile_scores import QuantileScores
from mixepi.replicates import needed_for_percentiles, percentiles, settled
from mixepi.results import charts
from mixepi.results.base import IntervalResult
from mixepi.tables import ESTIMATE_COLUMNS, check_level, estimate_table, with_counts
from mixepi.wqs.bootstraps import BootstrapFits
from mixepi.wqs.data import Components, expand_strata
from mixepi.wqs.final_model import FinalModel
from mixepi.wqs.spec import WQS

WQS_ESTIMATE_COLUMNS = (*ESTIMATE_COLUMNS, "n", "events")
WEIGHT_COLUMNS = (
    "direction",
    "exposure",
    "stratum",
    "weight",
    "conf_low",
    "conf_high",
    "share_above_equal",
    "rank",
)
BOOTSTRAP_COLUMNS = (
    "bootstrap",
    "direction",
    "estimate",
    "std_error",
    "statistic",
    "signal",
    "used",
    "preferred",
    "deviance",
    "kkt_violation",
    "iterations",
    "converged",
    "separated",
)
FACT_COLUMNS = (
    "family",
    "direction",
    "seed",
    "training_n",
    "validation_n",
    "events",
    "bootstraps",
    "bootstraps_used",
    "bootstraps_with_sign",
    "bootstraps_converged",
    "bootstraps_separated",
    "largest_kkt_violation",
    "mean_iterations",
    "deviance",
    "null_deviance",
    "residual_df",
    "inference",
    "warnings",
)


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class WQSResult(IntervalResult):
    """A fitted weighted quantile sum regression with D indices of K columns from B bootstraps.

    Attributes
    ----------
    spec : WQS
    seed : int
    scores : QuantileScores
        Cut points, fixed, so that new data can be scored.
    components : Components
        The K index columns.
    index_weights : array, shape (D, K)
        Each row sums to 1.
    bootstraps : BootstrapFits
    model : FinalModel
        The regression on the validation rows.
    training_rows, validation_rows : bool array, shape (rows of the data frame,)
    warnings : tuple of str
    """

    spec: WQS
    seed: int
    scores: QuantileScores
    components: Components
    index_weights: FloatArray
    bootstraps: BootstrapFits
    model: FinalModel
    training_rows: BoolArray
    validation_rows: BoolArray
    warnings: tuple[str, ...]

    @property
    def converged(self) -> bool:
        """Whether failed bootstraps leave the index weights usable."""
        B = self.bootstraps.deviances.size
        return settled(B - int(self.bootstraps.failed.sum()), B, needed_for_percentiles(0.95))

    def estimates(self, level: float = 0.95) -> pd.DataFrame:
        """Return the final model's coefficients: columns `WQS_ESTIMATE_COLUMNS`, linear-predictor scale."""
        model = self.model
        table = estimate_table(
            model.terms, model.coefficients, np.sqrt(np.diag(model.covariance)), model.df, level
        )
        return with_counts(table, model.n, model.events)

    def weights(self, level: float = 0.95) -> pd.DataFrame:
        """Return the index weights, largest first: columns `WEIGHT_COLUMNS`.

        `conf_low` and `conf_high` are percentiles over the bootstraps that count, missing where these are
        fewer than `mixepi.replicates` asks for; `share_above_equal` is the share of those with a weight above
        1/K, the weight of an exposure in an equal index.
        """
        check_level(level)
        tables = []
        for d, direction in enumerate(self.spec.directions):
            drawn = self.bootstraps.weights[d][self.bootstraps.used[d]]
            low, high = percentiles(drawn, level, len(drawn))
            tables.append(
                weight_table(
                    self.components,
                    direction,
                    self.index_weights[d],
                    low,
                    high,
                    (drawn > 1 / drawn.shape[1]).mean(0),
                )
            )
        return pd.concat(tables, ignore_index=True)

    def bootstrap_table(self) -> pd.DataFrame:
        """Return one row per bootstrap and direction: `BOOTSTRAP_COLUMNS`, then one weight per index
        column."""
        fits = self.bootstraps
        names = self.components.names
        tables = []
        for d, direction in enumerate(self.spec.directions):
            with np.errstate(invalid="ignore", divide="ignore"):
                statistic = fits.coefficients[d] / fits.std_errors[d]
            columns = {
                "bootstrap": np.arange(fits.deviances.size),
                "direction": direction,
                "estimate": fits.coefficients[d],
                "std_error": fits.std_errors[d],
                "statistic": statistic,
                "signal": fits.signals[d],
                "used": fits.used[d],
                "preferred": fits.preferred[d],
                "deviance": fits.deviances,
                "kkt_violation": fits.kkt_violations,
                "iterations": fits.iterations,
                "converged": fits.converged,
                "separated": fits.separated,
            }
            weights = {f"weight_{name}": fits.weights[d][:, k] for k, name in enumerate(names)}
            tables.append(pd.DataFrame({**columns, **weights}))
        return pd.concat(tables, ignore_index=True)

    def facts(self) -> pd.DataFrame:
        """Return one row per direction about the fit itself: columns `FACT_COLUMNS`."""
        fits, model = self.bootstraps, self.model
        return pd.DataFrame(
            [
                {
                    "family": self.spec.family,
                    "direction": direction,
                    "seed": self.seed,
                    "training_n": int(self.training_rows.sum()),
                    "validation_n": model.n,
                    "events": model.events,
                    "bootstraps": fits.deviances.size,
                    "bootstraps_used": int(fits.used[d].sum()),
                    "bootstraps_with_sign": int(fits.preferred[d].sum()),
                    "bootstraps_converged": int(fits.converged.sum()),
                    "bootstraps_separated": int(fits.separated.sum()),
                    "largest_kkt_violation": float(fits.kkt_violations.max()),
                    "mean_iterations": float(fits.iterations.mean()),
                    "deviance": model.deviance,
                    "null_deviance": model.null_deviance,
                    "residual_df": model.residual_df,
                    "inference": model.inference,
                    "warnings": "; ".join(self.warnings),
                }
                for d, direction in enumerate(self.spec.directions)
            ],
            columns=list(FACT_COLUMNS),
        ).astype({"events": "Int64"})

    def index(self, data: pd.DataFrame) -> pd.DataFrame:
        """Return the index of each row of `data` (one column per direction), with the fitted cut points."""
        levels = None
        if self.spec.stratified_by is not None:
            levels = tuple(str(level) for level in dict.fromkeys(self.components.strata))
        columns = expand_strata(self.scores.score(data).to_numpy(), data, self.spec.stratified_by, levels)
        values = columns @ self.index_weights.T
        return pd.DataFrame(values, columns=list(self.spec.index_terms), index=data.index)

    def plot_weights(self, level: float = 0.95) -> Any:
        """Return an altair chart of the index weights with the line of equal weights.

        Raises
        ------
        MissingPackageError
            Altair is not installed.
        """
        return charts.plot_weights(self.weights(level), "Index weights", self.headline())

    def headline(self) -> str:
        """Return in one line what was fitted."""
        spec, analysed = self.spec, int((self.training_rows | self.validation_rows).sum())
        split = "" if self.model.n == analysed else f" of {analysed}"
        return (
            f"WQS, {index_name(spec)}, {spec.family} {spec.outcome}, {self.model.n}{split} rows for "
            f"inference, {self.bootstraps.deviances.size} bootstraps, seed {self.seed}"
        )

    def tables_shown(self, level: float = 0.95) -> dict[str, pd.DataFrame]:
        """Return the tables of the summary."""
        weights = self.weights(level).drop(columns=["share_above_equal", "rank"]).dropna(axis=1, how="all")
        return {"Estimates": self.estimates(level), "Index weights": weights}

    def remarks(self) -> tuple[str, ...]:
        """Return the warnings of the fit."""
        return self.warnings

    def effect_label(self) -> str:
        """Return what the coefficients measure."""
        return charts.effect_label(self.spec.family, self.spec.outcome)


def index_name(spec: WQS) -> str:
    """Return the index in words: its direction and its size."""
    if spec.direction == "both":
        return f"positive and negative index of {len(spec.exposures)} exposures"
    return f"{spec.direction} index of {len(spec.exposures)} exposures"


def weight_table(
    components: Components,
    direction: str,
    weights: FloatArray,
    low: FloatArray,
    high: FloatArray,
    share: FloatArray,
) -> pd.DataFrame:
    """Return one direction's weights, largest first, with the columns `WEIGHT_COLUMNS`."""
    table = pd.DataFrame(
        {
            "direction": direction,
            "exposure": list(components.exposures),
            "stratum": list(components.strata),
            "weight": weights,
            "conf_low": low,
            "conf_high": high,
            "share_above_equal": share,
        }
    ).sort_values("weight", ascending=False, kind="stable", ignore_index=True)
    return table.assign(rank=np.arange(1, len(table) + 1))
