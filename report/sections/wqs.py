"""Weighted quantile sum regression: the index and its weights."""

import pandas as pd

from report.charts.axes import limits
from report.charts.forest import forest
from report.elements import Block, Figure, Heading, Panel, Section, absent, empty
from report.formats import within, words
from report.labels import (
    COVARIATE_SET,
    EXPOSURE,
    OUTCOME,
    STUDY,
    adjusted,
    chosen,
    label,
    labels,
    main_models,
    named,
)
from report.marts import Marts
from report.sections.common import (
    ENGINES,
    by_outcome,
    effect,
    engines,
    headline,
    left_out,
    looks,
    slug,
    with_effect,
)
from report.sections.mixture_tables import estimate_table, weight_table

_KEYS = f"{STUDY}, {OUTCOME}, direction, {COVARIATE_SET}, engine, procedure"
_ORDER = "study_order, outcome_order, direction, covariate_set_order, engine, procedure"
_ESTIMATES = f"""
    select
        {_KEYS}, term, n, events, estimate, std_error, p_value, conf_low, conf_high,
        ratio, ratio_low, ratio_high, converged, warnings
    from main.wqs_estimates
    where subgroup = 'all'
    order by {_ORDER}, term
"""
_WEIGHTS = f"""
    select {_KEYS}, {EXPOSURE}, weight, weight_low, weight_high, converged, warnings
    from main.wqs_weights
    where subgroup = 'all'
    order by {_ORDER}, exposure_order
"""
_DIRECTIONS = ("positive", "negative")
_PROCEDURES = ("single_split", "repeated_holdout", "permutation")


def section(marts: Marts) -> Section:
    """Return the section."""
    return Section(
        "wqs",
        "Weighted quantile sum regression",
        "One index of all exposures whose weights are learned from the data; the index may only raise the "
        "outcome (positive) or only lower it (negative).",
        _blocks(marts),
    )


def _blocks(marts: Marts) -> tuple[Block, ...]:
    if gone := marts.missing("wqs_estimates", "wqs_weights"):
        return (absent(*gone),)
    estimates, weights, main = marts.frame(_ESTIMATES), marts.frame(_WEIGHTS), main_models(marts)
    if estimates.empty:
        return (empty("wqs_estimates"),)
    blocks: list[Block] = []
    for study, title in labels(estimates, "study").items():
        blocks.append(Heading(title))
        own = estimates[estimates["study"] == study]
        for outcome in chosen(own, "outcome", main):
            blocks.append(index(study, outcome, own[own["outcome"] == outcome]))
            part = weights[(weights["study"] == study) & (weights["outcome"] == outcome)]
            if len(part):
                blocks.append(weights_of_exposures(study, outcome, part, main))
        blocks.append(
            estimate_table(
                f"wqs-{slug(study)}",
                "Weighted quantile sum regression, all outcomes",
                *headline(
                    by_outcome(own),
                    covariate_set=[adjusted(own, main)],
                    procedure=["repeated_holdout"],
                ),
            )
        )
    return tuple(blocks)


def index(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return the effect of the index: a panel per engine, a line per direction and procedure."""
    how = effect(frame)
    # a fit that failed has no term, and is named below the figure
    drawn = with_effect(frame[frame["term"].isna() | (frame["term"] == "wqs")], how)
    drawn["row"] = _procedure(drawn)
    drawn["series"] = drawn["covariate_set"]
    look = looks(labels(drawn, "covariate_set"))
    domain = limits(drawn, "value", "low", "high", how.is_ratio, how.null)
    panels = [
        forest(
            drawn[drawn["engine"] == engine],
            title=title,
            axis_title=how.axis(),
            rows=_rows(drawn[drawn["engine"] == engine]),
            looks=look,
            domain=domain,
            logarithmic=how.is_ratio,
            null=how.null,
        )
        for engine, title in engines(drawn).items()
    ]
    name = label(frame, "outcome")
    return Figure(
        f"wqs-{slug(study, outcome)}",
        f"{name}, one step more of the index",
        "Each mark is the difference that one step of the index makes (each exposure a quartile, or "
        "other group of the study, up), its line the 95 % interval. A single split of the women takes the "
        "weights from one part and the test from the other. "
        "Repeated holdout averages over many random splits and depends less on luck, but its line spans "
        "splits, not samples, and is too short; "
        "weighted, whole strata are split and there is no line. Permutation uses all women for both, and "
        "has a p-value (in the table) instead of a line.",
        "That the direction is right: a positive index is made of what fits a rise, and says nothing of "
        "exposures that lower the outcome.",
        panels,
        estimate_table(f"wqs-{slug(study, outcome)}", f"{name}: the index", drawn, len(drawn)),
        [item.key for item in look],
        size="wide",
        notes=left_out(drawn),
    )


def weights_of_exposures(study: str, outcome: str, frame: pd.DataFrame, main: pd.DataFrame) -> Figure:
    """Return the weights of the exposures with intervals: a panel per direction and procedure."""
    sets = chosen(frame, "covariate_set", main)
    drawn = frame[frame["covariate_set"].isin(sets)].rename(
        columns={"weight": "value", "weight_low": "low", "weight_high": "high"}
    )
    drawn["row"], drawn["series"], drawn["model"] = (
        named(drawn, "exposure"),
        drawn["covariate_set"],
        _procedure(drawn) + ", " + drawn["engine"].map(within),
    )
    exposures = labels(drawn, "exposure").values()
    look = looks(sets)
    panels: list[Panel] = [
        forest(
            drawn[drawn["model"] == model],
            title=model,
            axis_title="weight in the index",
            rows=list(exposures),
            looks=look,
            domain=(-0.03, 1.03),
            logarithmic=False,
            null=1.0 / len(exposures),
        )
        for model in _rows(drawn.assign(row=drawn["model"]))
    ]
    name = label(frame, "outcome")
    return Figure(
        f"wqs-weights-{slug(study, outcome)}",
        f"{name}, weights of the exposures",
        "Weights of one index add up to 1; the dashed line is where all would be equal. Lines span 95 % "
        "of the bootstraps or splits: where they cross the dashed line an exposure cannot be told from an "
        "average one.",
        "The strength of the index: weights add up to 1 even where the index has no effect at all.",
        panels,
        weight_table(f"wqs-weights-{slug(study, outcome)}", f"{name}: weights", frame),
        [item.key for item in look],
        notes=left_out(drawn),
    )


def _procedure(frame: pd.DataFrame) -> "pd.Series[str]":
    return frame["direction"].map(words) + ", " + frame["procedure"].map(within)


def _rows(frame: pd.DataFrame) -> list[str]:
    """Return the rows of a picture by direction, procedure and weighting."""
    order = frame.sort_values(["direction", "procedure", "engine"], key=_places, kind="stable")
    return list(dict.fromkeys(order["row"]))


def _places(codes: pd.Series) -> pd.Series:
    places = {code: place for place, code in enumerate((*_DIRECTIONS, *_PROCEDURES, *ENGINES))}
    return codes.map(places).fillna(len(places))
