"""Quantile g-computation: all exposures together, with weights of either sign."""

import pandas as pd

from report.charts.axes import limits
from report.charts.bars import shares
from report.charts.forest import forest
from report.charts.style import BLUE, VERMILLION
from report.elements import Block, Figure, Heading, Key, Panel, Section, absent, empty
from report.formats import within
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
from report.sections.common import by_outcome, effect, engines, headline, left_out, looks, slug, with_effect
from report.sections.mixture_tables import estimate_table, weight_table

_KEYS = f"{STUDY}, {OUTCOME}, {COVARIATE_SET}, engine"
_ORDER = "study_order, outcome_order, covariate_set_order, engine"
_ESTIMATES = f"""
    select
        {_KEYS}, term, n, events, estimate, std_error, p_value, conf_low, conf_high, ratio, ratio_low,
        ratio_high, converged, warnings
    from main.qgcomp_estimates
    where subgroup = 'all'
    order by {_ORDER}, term
"""
_WEIGHTS = f"""
    select {_KEYS}, {EXPOSURE}, coefficient, weight, direction, converged, warnings
    from main.qgcomp_weights
    where subgroup = 'all'
    order by {_ORDER}, exposure_order
"""
_SIDES = (Key("raises the outcome", VERMILLION, "bar"), Key("lowers it", BLUE, "bar"))


def section(marts: Marts) -> Section:
    """Return the section."""
    return Section(
        "qgcomp",
        "Quantile g-computation",
        "What would change if every exposure rose by one step (a quartile, or other group of the study) at "
        "once, letting each exposure point its own way.",
        _blocks(marts),
    )


def _blocks(marts: Marts) -> tuple[Block, ...]:
    if gone := marts.missing("qgcomp_estimates", "qgcomp_weights"):
        return (absent(*gone),)
    estimates, weights, main = marts.frame(_ESTIMATES), marts.frame(_WEIGHTS), main_models(marts)
    if estimates.empty:
        return (empty("qgcomp_estimates"),)
    blocks: list[Block] = []
    for study, title in labels(estimates, "study").items():
        blocks.append(Heading(title))
        own = estimates[estimates["study"] == study]
        for outcome in chosen(own, "outcome", main):
            blocks.append(joint_effect(study, outcome, own[own["outcome"] == outcome]))
            part = weights[(weights["study"] == study) & (weights["outcome"] == outcome)]
            if len(part):
                blocks.append(shares_of_exposures(study, outcome, part, main))
        blocks.append(
            estimate_table(
                f"qgcomp-{slug(study)}",
                "Quantile g-computation, all outcomes",
                *headline(by_outcome(own), covariate_set=[adjusted(own, main)]),
            )
        )
    return tuple(blocks)


def joint_effect(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return the effect of all exposures together: a line per covariate set, a series per engine."""
    how = effect(frame)
    # a fit that failed has no term, and is named below the figure
    drawn = with_effect(frame[frame["term"].isna() | (frame["term"] == "psi1")], how)
    drawn["row"], drawn["series"] = named(drawn, "covariate_set"), drawn["engine"]
    look = looks(engines(drawn))
    panel = forest(
        drawn,
        title="",
        axis_title=how.axis(),
        rows=list(labels(drawn, "covariate_set").values()),
        looks=look,
        domain=limits(drawn, "value", "low", "high", how.is_ratio, how.null),
        logarithmic=how.is_ratio,
        null=how.null,
    )
    name = label(frame, "outcome")
    return Figure(
        f"qgcomp-{slug(study, outcome)}",
        f"{name}, all exposures one step up",
        "Each mark compares women who are a step higher in all exposures, its line the 95 % interval; a "
        "line that crosses the dashed line is compatible with no joint association.",
        "Which exposure does it: exposures that point in opposite directions cancel here, see the weights.",
        (panel,),
        estimate_table(f"qgcomp-{slug(study, outcome)}", f"{name}, all exposures one step up", drawn),
        [item.key for item in look],
        size="wide",
        notes=left_out(drawn),
    )


def shares_of_exposures(study: str, outcome: str, frame: pd.DataFrame, main: pd.DataFrame) -> Figure:
    """Return each exposure's share of the joint effect: a panel per covariate set and engine."""
    sets = chosen(frame, "covariate_set", main)
    drawn = frame[frame["covariate_set"].isin(sets)]
    signed = drawn.assign(
        row=named(drawn, "exposure"),
        value=drawn["weight"]
        .abs()
        .where(~(drawn["direction"] == "negative"), -drawn["weight"].abs())
        .astype(float),
    )
    exposures = list(labels(drawn, "exposure").values())
    panels: list[Panel] = [
        shares(
            signed[(signed["covariate_set"] == code) & (signed["engine"] == engine)],
            title=f"{covariates}, {within(title)}",
            axis_x="weight",
            rows=exposures,
            domain_x=(-1.0, 1.0),
        )
        for engine, title in engines(signed).items()
        for code, covariates in sets.items()
    ]
    name = label(frame, "outcome")
    return Figure(
        f"qgcomp-weights-{slug(study, outcome)}",
        f"{name}, each exposure's weight",
        "Bars to the right are shares of what raises the outcome, bars to the left shares of what lowers "
        "it; the bars of each side add up to 1.",
        "How sure a weight is (it has no interval), or how large the sides are: a full side may add up to "
        "almost nothing.",
        panels,
        weight_table(f"qgcomp-weights-{slug(study, outcome)}", f"{name}: weights", drawn),
        _SIDES,
    )
