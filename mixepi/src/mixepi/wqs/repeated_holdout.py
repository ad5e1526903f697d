"""WQS over many random splits (Tanner et al. 2019)."""

from dataclasses import dataclass
from functools import partial
from typing import Any
from warnings import warn

import numpy as np
import pandas as pd

from mixepi.arguments import require_seed, require_type
from mixepi.arrays import FloatArray, IntArray
from mixepi.errors import (
    ConvergenceWarning,
    DirectionWarning,
    EstimationError,
    MixepiError,
    MixepiWarning,
    SpecificationError,
)
from mixepi.fan_out import fan_out
from mixepi.quantile_scores import QuantileScores
from mixepi.replicates import (
    Failure,
    attempted,
    enough,
    few_replicates,
    needed_for_percentiles,
    percentiles,
    settled,
)
from mixepi.results import charts
from mixepi.results.base import IntervalResult
from mixepi.tables import check_level
from mixepi.wqs.data import Components, WQSData, wqs_data
from mixepi.wqs.final_model import FinalModel
from mixepi.wqs.fit import fit_split
from mixepi.wqs.results import index_name, weight_table
from mixepi.wqs.spec import WQS, HoldoutOptions

HOLDOUT_ESTIMATE_COLUMNS = (
    "term",
    "estimate",
    "median",
    "std_error",
    "conf_low",
    "conf_high",
    "share_positive",
    "holdouts",
)
HOLDOUT_COLUMNS = ("holdout", "completed", "reason", "validation_n", "events", "warnings")


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class RepeatedHoldoutResult(IntervalResult):
    """R splits of one WQS regression, of which S could be completed.

    Attributes
    ----------
    spec : WQS
    seed : int
    scores : QuantileScores
    components : Components
    terms : tuple of str, length k
    coefficients : array, shape (S, k)
    index_weights : array, shape (S, D, K)
    shares_with_sign : array, shape (S, D)
        Share of the bootstraps in which the direction fits better than the other one.
    completed : int array, shape (S,)
        Numbers of the completed splits, from 0.
    failures : dict
        Number of a dropped split -> why.
    validation_n : array, shape (S,)
    events : tuple
        Events among the validation rows of each completed split, or None.
    notes : tuple
        The warnings of each completed split, as one text each.
    warnings : tuple of str
        Of the analysis as a whole.
    """

    spec: WQS
    seed: int
    scores: QuantileScores
    components: Components
    terms: tuple[str, ...]
    coefficients: FloatArray
    index_weights: FloatArray
    shares_with_sign: FloatArray
    completed: IntArray
    failures: dict[int, str]
    validation_n: IntArray
    events: tuple[int | None, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def asked(self) -> int:
        """Number of splits asked for."""
        return self.completed.size + len(self.failures)

    @property
    def converged(self) -> bool:
        """Whether failed splits leave the mean over splits usable."""
        return settled(self.completed.size, self.asked, needed_for_percentiles(0.95))

    def estimates(self, level: float = 0.95) -> pd.DataFrame:
        """Return mean, median, standard deviation and percentiles over splits: `HOLDOUT_ESTIMATE_COLUMNS`.

        The spread over splits of one data set is not a sampling distribution; that percentile intervals are
        nevertheless read as confidence intervals is the convention of Tanner et al. (2019). Standard
        deviation and percentiles are missing under a survey design, where such intervals are too short, and
        where fewer splits were completed than `mixepi.replicates` asks for.
        """
        check_level(level)
        low, high = percentiles(self.coefficients, level, self.asked)
        spread = np.full(len(self.terms), np.nan)
        if self.spec.is_survey:
            low, high = spread, spread
        elif np.isfinite(low).all():
            spread = self.coefficients.std(axis=0, ddof=1)
        return pd.DataFrame(
            {
                "term": list(self.terms),
                "estimate": self.coefficients.mean(axis=0),
                "median": np.median(self.coefficients, axis=0),
                "std_error": spread,
                "conf_low": low,
                "conf_high": high,
                "share_positive": (self.coefficients > 0).mean(axis=0),
                "holdouts": self.completed.size,
            }
        )

    def weights(self, level: float = 0.95) -> pd.DataFrame:
        """Return mean index weights over splits with percentiles, columns as in `WQSResult.weights`.

        `share_above_equal` is the share of splits in which the weight exceeds 1/K.
        """
        check_level(level)
        tables = []
        for d, direction in enumerate(self.spec.directions):
            drawn = self.index_weights[:, d]
            low, high = percentiles(drawn, level, self.asked)
            share = (drawn > 1 / drawn.shape[1]).mean(axis=0)
            tables.append(weight_table(self.components, direction, drawn.mean(axis=0), low, high, share))
        return pd.concat(tables, ignore_index=True)

    def holdout_table(self) -> pd.DataFrame:
        """Return one row per split: `HOLDOUT_COLUMNS`, then the index coefficients."""
        rows = []
        for r in range(self.asked):
            if r in self.failures:
                rows.append({"holdout": r, "completed": False, "reason": self.failures[r]})
                continue
            s = int(np.flatnonzero(self.completed == r)[0])
            facts = {
                "holdout": r,
                "completed": True,
                "reason": "",
                "validation_n": int(self.validation_n[s]),
                "events": self.events[s],
                "warnings": self.notes[s],
            }
            terms = {
                f"estimate_{name}": value
                for name, value in zip(self.terms, self.coefficients[s], strict=True)
                if name in self.spec.index_terms or (self.spec.interaction and name.startswith("wqs:"))
            }
            rows.append({**facts, **terms})
        return pd.DataFrame(rows).astype({"validation_n": "Int64", "events": "Int64"})

    def plot_weights(self, level: float = 0.95) -> Any:
        """Return an altair chart of the mean index weights with the line of equal weights.

        Raises
        ------
        MissingPackageError
            Altair is not installed.
        """
        return charts.plot_weights(self.weights(level), "Mean index weights", self.headline())

    def headline(self) -> str:
        """Return in one line what was fitted."""
        spec, done = self.spec, self.completed.size
        return (
            f"WQS over random splits, {index_name(spec)}, {spec.family} {spec.outcome}, "
            f"{done} of {self.asked} splits completed, seed {self.seed}"
        )

    def tables_shown(self, level: float = 0.95) -> dict[str, pd.DataFrame]:
        """Return the tables of the summary."""
        weights = self.weights(level).drop(columns=["rank"]).dropna(axis=1, how="all")
        return {"Estimates": self.estimates(level), "Mean index weights": weights}

    def remarks(self) -> tuple[str, ...]:
        """Return the warnings of the analysis as a whole."""
        return self.warnings

    def effect_label(self) -> str:
        """Return what the coefficients measure."""
        return charts.effect_label(self.spec.family, self.spec.outcome)


def fit_repeated_holdout_wqs(
    spec: WQS,
    data: pd.DataFrame,
    *,
    seed: int,
    options: HoldoutOptions | None = None,
) -> RepeatedHoldoutResult:
    """Repeat `fit_wqs` over random splits.

    Parameters
    ----------
    spec : WQS
        With `validation` above 0.
    data : DataFrame
    seed : int
        Split r depends on (seed, r) only; split 0 is that of `fit_wqs`. The number of workers changes
        nothing.
    options : HoldoutOptions, optional

    Returns
    -------
    RepeatedHoldoutResult

    Raises
    ------
    DirectionError
        If no split has a bootstrap in the wanted direction.
    DataError, EstimationError
        If no split can be completed for another reason.

    Warns
    -----
    DirectionWarning
        If some splits could not be completed and were dropped.
    ConvergenceWarning
        If too few were completed for an interval, or a survey design leaves none.

    Notes
    -----
    Under a survey design each split is of whole PSUs (see `fit_wqs`), and there is no interval: splits of one
    sample share its PSUs, so their spread misses most of what another sample would change.

    References
    ----------
    Tanner EM, Bornehag CG, Gennings C (2019). Repeated holdout validation for weighted quantile sum
    regression. MethodsX 6:2855-2860.
    """
    require_type("spec", spec, WQS)
    require_seed(seed)
    if spec.validation == 0:
        raise SpecificationError(
            "expected validation above 0 for repeated holdout, found 0: set it to 0.6, or use "
            "permutation_test_wqs"
        )
    options = HoldoutOptions() if options is None else options
    require_type("options", options, HoldoutOptions)
    arrays = wqs_data(spec, data)
    task = partial(attempted, partial(_holdout, spec, arrays, seed))
    passes = fan_out(
        task,
        range(options.holdouts),
        workers=options.workers,
        description="WQS splits" if options.progress else None,
        backend="threads",
    )
    done = {r: found for r, found in enumerate(passes) if not isinstance(found, Failure)}
    failures = {r: found.reason for r, found in enumerate(passes) if isinstance(found, Failure)}
    if not done:
        first = next(found.error for found in passes if isinstance(found, Failure))
        kind = type(first) if isinstance(first, MixepiError) else EstimationError
        raise kind(
            f"expected some of {options.holdouts} splits to be completed, found none; the first: "
            f"{failures[0]}"
        )
    notes: list[MixepiWarning] = list(arrays.notes)
    if failures:
        notes.append(
            DirectionWarning(
                f"expected {options.holdouts} completed splits, found {len(done)}; the first dropped one: "
                f"{next(iter(failures.values()))}"
            )
        )
    needed = needed_for_percentiles(0.95)
    if spec.is_survey:
        notes.append(
            ConvergenceWarning(
                "expected an interval that covers the truth, found none under a survey design: splits of one "
                "sample do not vary as samples do; take the interval of fit_wqs or fit_qgcomp"
            )
        )
    elif not enough(len(done), options.holdouts, needed):
        notes.append(ConvergenceWarning(few_replicates("splits", len(done), options.holdouts, needed)))
    noted = sum(bool(found.notes) for found in done.values())
    if noted:
        example = next(found.notes[0] for found in done.values() if found.notes)
        notes.append(
            type(example)(f"{noted} of {len(done)} splits with warnings, see holdout_table(); one: {example}")
        )
    for note in notes:
        warn(note, stacklevel=2)
    found = list(done.values())
    return RepeatedHoldoutResult(
        spec=spec,
        seed=seed,
        scores=arrays.scores,
        components=arrays.components,
        terms=found[0].model.terms,
        coefficients=np.array([f.model.coefficients for f in found]),
        index_weights=np.array([f.index_weights for f in found]),
        shares_with_sign=np.array([f.share_with_sign for f in found]),
        completed=np.array(list(done), dtype=np.int64),
        failures=failures,
        validation_n=np.array([f.model.n for f in found], dtype=np.int64),
        events=tuple(f.model.events for f in found),
        notes=tuple("; ".join(map(str, f.notes)) for f in found),
        warnings=tuple(map(str, notes)),
    )


@dataclass(frozen=True)
class _Holdout:
    """What is kept of one split."""

    model: FinalModel
    index_weights: FloatArray
    share_with_sign: FloatArray
    notes: tuple[MixepiWarning, ...]


def _holdout(spec: WQS, arrays: WQSData, seed: int, number: int) -> _Holdout:
    # The spread over splits is what is reported: no split needs a variance of its own.
    found = fit_split(spec, arrays, seed, number, variance=False)
    return _Holdout(found.model, found.index_weights, found.bootstraps.preferred.mean(axis=1), found.notes)
