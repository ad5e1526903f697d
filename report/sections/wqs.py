"""Weighted quantile sum regression: the index and its weights."""

import pandas as pd

from report.charts.axes import limits
from report.charts.forest import forest
from report.elements import Block, Figure, Heading, Panel, Section, absent, empty
from report.formats import within, words
from report.marts import Marts
from report.sections.associations import MILLIGRAMS
from report.sections.common import (
    COVARIATE_SETS,
    ENGINES,
    HEADLINE_SETS,
    METALS,
    OUTCOMES,
    STUDIES,
    by_outcome,
    heading,
    headline,
    is_binary,
    left_out,
    looks,
    ordered,
    preferred,
    slug,
    with_effect,
)
from report.sections.mixture_tables import estimate_table, weight_table

_KEYS = "study, outcome, direction, covariate_set, engine, procedure"
_ESTIMATES = f"""
    select
        {_KEYS}, term, n, events, estimate, std_error, p_value, conf_low, conf_high,
        ratio, ratio_low, ratio_high, converged, warnings
    from main.wqs_estimates
    where subgroup = 'all'
    order by {_KEYS}, term
"""
_WEIGHTS = f"""
    select {_KEYS}, metal, weight, weight_low, weight_high, converged, warnings
    from main.wqs_weights
    where subgroup = 'all'
    order by {_KEYS}, metal
"""
_DIRECTIONS = ("positive", "negative")
_PROCEDURES = ("single_split", "repeated_holdout", "permutation")


def section(marts: Marts) -> Section:
    """Return the section."""
    return Section(
        "wqs",
        "Weighted quantile sum regression",
        "One index of all metals whose weights are learned from the data; the index may only raise the "
        "outcome (positive) or only lower it (negative).",
        _blocks(marts),
    )


def _blocks(marts: Marts) -> tuple[Block, ...]:
    if gone := marts.missing("wqs_estimates", "wqs_weights"):
        return (absent(*gone),)
    estimates, weights = marts.frame(_ESTIMATES), marts.frame(_WEIGHTS)
    if estimates.empty:
        return (empty("wqs_estimates"),)
    blocks: list[Block] = []
    for study in ordered(estimates["study"], STUDIES):
        blocks.append(Heading(heading(study)))
        own = estimates[estimates["study"] == study]
        for outcome in preferred(own["outcome"], OUTCOMES):
            blocks.append(index(study, outcome, own[own["outcome"] == outcome]))
            part = weights[(weights["study"] == study) & (weights["outcome"] == outcome)]
            if len(part):
                blocks.append(weights_of_metals(study, outcome, part))
        blocks.append(
            estimate_table(
                f"wqs-{slug(study)}",
                "Table: weighted quantile sum regression, all outcomes",
                *headline(
                    by_outcome(own),
                    covariate_set=preferred(own["covariate_set"], HEADLINE_SETS)[:1],
                    procedure=preferred(own["procedure"], ("repeated_holdout",)),
                ),
            )
        )
    return tuple(blocks)


def index(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    binary = is_binary(frame)
    # a fit that failed has no term, and is named below the figure
    drawn = with_effect(frame[frame["term"].isna() | (frame["term"] == "wqs")], binary, MILLIGRAMS)
    drawn["row"] = _procedure(drawn)
    drawn["series"] = drawn["covariate_set"]
    sets = looks(ordered(drawn["covariate_set"], COVARIATE_SETS))
    null = 1.0 if binary else 0.0
    domain = limits(drawn, "value", "low", "high", binary, null)
    panels = [
        forest(
            drawn[drawn["engine"] == engine],
            title=words(engine),
            axis_title="odds ratio (logarithmic)"
            if binary
            else "difference in BMD, mg/cm\N{SUPERSCRIPT TWO}",
            rows=_rows(drawn[drawn["engine"] == engine]),
            looks=sets,
            domain=domain,
            logarithmic=binary,
            null=null,
        )
        for engine in ordered(drawn["engine"], ENGINES)
    ]
    return Figure(
        f"wqs-{slug(study, outcome)}",
        f"Figure: {words(outcome)}, one step more of the index",
        "Each mark is the difference that one step of the index makes (each exposure a quartile, or "
        "other group of the study, up), its line the 95 % interval. A single "
        "split of the women (weights from one part, the test in the other) is the paper's procedure. "
        "Repeated holdout averages over many random splits and depends less on luck, but its line spans "
        "splits, not samples, and is too short. Permutation uses all women for both, and has a p-value (in "
        "the table) instead of a line.",
        "That the direction is right: a positive index is made of what fits a rise, and says nothing of "
        "metals that lower the outcome.",
        panels,
        estimate_table(f"wqs-{slug(study, outcome)}", f"{words(outcome)}: the index", drawn, len(drawn)),
        [look.key for look in sets],
        size="wide",
        notes=left_out(drawn),
    )


def weights_of_metals(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return the weights of the metals with intervals: a panel per direction and procedure."""
    sets = preferred(frame["covariate_set"], COVARIATE_SETS)
    metals = ordered(frame["metal"], METALS)
    drawn = frame[frame["covariate_set"].isin(sets)].rename(
        columns={"weight": "value", "weight_low": "low", "weight_high": "high"}
    )
    drawn["row"], drawn["series"], drawn["model"] = (
        drawn["metal"].map(words),
        drawn["covariate_set"],
        _procedure(drawn) + ", " + drawn["engine"].map(within),
    )
    look = looks(sets)
    panels: list[Panel] = [
        forest(
            drawn[drawn["model"] == model],
            title=model,
            axis_title="weight in the index",
            rows=[words(metal) for metal in metals],
            looks=look,
            domain=(-0.03, 1.03),
            logarithmic=False,
            null=1.0 / len(metals),
        )
        for model in _rows(drawn.assign(row=drawn["model"]))
    ]
    return Figure(
        f"wqs-weights-{slug(study, outcome)}",
        f"Figure: {words(outcome)}, weights of the metals",
        "Weights of one index add up to 1; the dashed line is where all would be equal. Lines span 95 % "
        "of the bootstraps or splits: where they cross the dashed line a metal cannot be told from an "
        "average one.",
        "The strength of the index: weights add up to 1 even where the index has no effect at all.",
        panels,
        weight_table(f"wqs-weights-{slug(study, outcome)}", f"{words(outcome)}: weights", frame),
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
