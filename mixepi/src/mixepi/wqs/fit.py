"""Fit a WQS regression: split, bootstraps, index weights, final model."""

from collections.abc import Sequence
from dataclasses import dataclass
from warnings import warn

import numpy as np
import pandas as pd

from mixepi.arguments import require_seed
from mixepi.arrays import BoolArray, FloatArray, IntArray
from mixepi.errors import MixepiWarning, SpecificationError
from mixepi.random_streams import random_stream
from mixepi.wqs.bootstraps import (
    BootstrapFits,
    draw_subsets,
    fit_bootstraps,
    fit_notes,
    require_direction,
)
from mixepi.wqs.data import WQSData, wqs_data
from mixepi.wqs.final_model import FinalModel, check_events, fit_final_model
from mixepi.wqs.interaction import fit_interaction_bootstraps
from mixepi.wqs.results import WQSResult
from mixepi.wqs.spec import WQS
from mixepi.wqs.split import given_validation, resample_counts, split_rows


def fit_wqs(
    spec: WQS,
    data: pd.DataFrame,
    *,
    seed: int,
    validation_rows: pd.Series | Sequence[bool] | BoolArray | None = None,
    bootstrap_rows: IntArray | None = None,
) -> WQSResult:
    """Fit a weighted quantile sum regression.

    Quantile scores are cut on all analysed rows. The training rows are resampled; each resample gives the
    global optimum of the sign-constrained likelihood; the weights of resamples with the wanted sign are
    averaged; the index with the averaged weights then enters a regression on the validation rows.

    Parameters
    ----------
    spec : WQS
    data : DataFrame
        One row per participant, without missing values in the columns that `spec` names.
    seed : int
        Non-negative. Same seed and same row order (or an `identifier` in `spec`): same result.
    validation_rows : Series or sequence of bool, optional
        One value per row of `data`: True for validation, False for training. A Series is read by its labels,
        all else by position. Overrides `spec.validation`.
    bootstrap_rows : int array, shape (B, m), optional
        Row numbers drawn in each bootstrap, counted from 0 among the training rows in the order of the
        analysis. Overrides the draws.

    Returns
    -------
    WQSResult

    Raises
    ------
    DataError
        Missing columns or values, constant exposures, weights that are not positive.
    DirectionError
        No bootstrap has an index in the wanted direction.
    EstimationError, SeparationError
        The final model cannot be estimated.

    Warns
    -----
    MixepiWarning
        Few events, separation in bootstraps, merged quantiles, most bootstraps in the other direction.
        The same texts are in ``result.warnings``.

    References
    ----------
    Carrico C, Gennings C, Wheeler DC, Factor-Litvak P (2015). Characterization of weighted quantile sum
    regression for highly correlated data in a risk analysis setting. J Agric Biol Environ Stat 20:100-120.
    """
    require_seed(seed)
    arrays = wqs_data(spec, data)
    given = None if validation_rows is None else given_validation(validation_rows, data, arrays)
    if bootstrap_rows is not None and spec.random_subset is not None:
        raise SpecificationError(
            "expected bootstrap_rows without random_subset, found both: random-subset WQS does not "
            "resample rows"
        )
    split = fit_split(spec, arrays, seed, 0, validation=given, bootstrap_rows=bootstrap_rows)
    notes = (*arrays.notes, *split.notes)
    for note in notes:
        warn(note, stacklevel=2)
    validation = np.zeros(len(data), dtype=np.bool_)
    training = np.zeros(len(data), dtype=np.bool_)
    validation[arrays.positions[split.validation]] = True
    training[arrays.positions[split.training]] = True
    return WQSResult(
        spec=spec,
        seed=seed,
        scores=arrays.scores,
        components=arrays.components,
        index_weights=split.index_weights,
        bootstraps=split.bootstraps,
        model=split.model,
        training_rows=training,
        validation_rows=validation,
        warnings=tuple(str(note) for note in notes),
    )


@dataclass(frozen=True, kw_only=True)
class Split:
    """One pass of the procedure; `training` and `validation` are masks over the analysed rows."""

    training: BoolArray
    validation: BoolArray
    bootstraps: BootstrapFits
    index_weights: FloatArray
    model: FinalModel
    notes: tuple[MixepiWarning, ...]


def fit_split(
    spec: WQS,
    arrays: WQSData,
    seed: int,
    number: int,
    *,
    validation: BoolArray | None = None,
    bootstrap_rows: IntArray | None = None,
    variance: bool = True,
) -> Split:
    """Split, bootstrap and fit once; everything random comes from the stream of (seed, number).

    `variance`: see `fit_final_model`.
    """
    generator = random_stream(seed, "wqs", "holdout", number)
    if validation is None:
        training, validation = split_rows(generator, arrays, spec.validation)
    else:
        training = ~validation
    arrays.require_rows(training, "training")
    arrays.require_rows(validation, "validation")
    notes = check_events(spec, arrays.outcome[training], "training", arrays.parameters)
    if spec.validation > 0:
        notes += check_events(spec, arrays.outcome[validation], "validation", arrays.parameters)
    bootstraps = draw_and_fit(spec, arrays, training, generator, bootstrap_rows)
    notes += fit_notes(spec, bootstraps)
    require_direction(spec, bootstraps)
    weights = bootstraps.average()
    model = fit_final_model(spec, arrays, validation, arrays.index_columns @ weights.T, variance=variance)
    return Split(
        training=training,
        validation=validation,
        bootstraps=bootstraps,
        index_weights=weights,
        model=model,
        notes=tuple(notes),
    )


def draw_and_fit(
    spec: WQS,
    arrays: WQSData,
    training: BoolArray,
    generator: np.random.Generator,
    bootstrap_rows: IntArray | None = None,
) -> BootstrapFits:
    """Draw the bootstraps (or random subsets) of the training rows and fit them."""
    m = int(training.sum())
    if spec.random_subset is not None:
        included = draw_subsets(generator, spec, arrays.index_columns.shape[1])
        return fit_bootstraps(spec, arrays, training, np.ones((1, m)), included)
    counts = resample_counts(generator, arrays, training, spec.bootstraps, bootstrap_rows)
    if spec.interaction is not None:
        return fit_interaction_bootstraps(spec, arrays, training, counts)
    return fit_bootstraps(spec, arrays, training, counts)
