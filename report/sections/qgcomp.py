"""Quantile g-computation: all metals together, with weights of either sign."""

import pandas as pd

from report.charts.axes import limits
from report.charts.bars import shares
from report.charts.forest import forest
from report.charts.style import BLUE, VERMILLION
from report.elements import Block, Figure, Heading, Key, Panel, Section, absent, empty
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

_ESTIMATES = """
    select
        study, outcome, covariate_set, engine, term, n, events, estimate, std_error, p_value,
        conf_low, conf_high, ratio, ratio_low, ratio_high, converged, warnings
    from main.qgcomp_estimates
    where subgroup = 'all'
    order by study, outcome, covariate_set, engine, term
"""
_WEIGHTS = """
    select study, outcome, covariate_set, engine, metal, coefficient, weight, direction, converged, warnings
    from main.qgcomp_weights
    where subgroup = 'all'
    order by study, outcome, covariate_set, engine, metal
"""
_KEYS = (Key("raises the outcome", VERMILLION, "bar"), Key("lowers it", BLUE, "bar"))


def section(marts: Marts) -> Section:
    """Return the section."""
    return Section(
        "qgcomp",
        "Quantile g-computation",
        "What would change if every metal rose by one step (a quartile, or other group of the study) at "
        "once, letting each metal point its own way.",
        _blocks(marts),
    )


def _blocks(marts: Marts) -> tuple[Block, ...]:
    if gone := marts.missing("qgcomp_estimates", "qgcomp_weights"):
        return (absent(*gone),)
    estimates, weights = marts.frame(_ESTIMATES), marts.frame(_WEIGHTS)
    if estimates.empty:
        return (empty("qgcomp_estimates"),)
    blocks: list[Block] = []
    for study in ordered(estimates["study"], STUDIES):
        blocks.append(Heading(heading(study)))
        own = estimates[estimates["study"] == study]
        for outcome in preferred(own["outcome"], OUTCOMES):
            blocks.append(effect(study, outcome, own[own["outcome"] == outcome]))
            part = weights[(weights["study"] == study) & (weights["outcome"] == outcome)]
            if len(part):
                blocks.append(shares_of_metals(study, outcome, part))
        blocks.append(
            estimate_table(
                f"qgcomp-{slug(study)}",
                "Table: quantile g-computation, all outcomes",
                *headline(by_outcome(own), covariate_set=preferred(own["covariate_set"], HEADLINE_SETS)[:1]),
            )
        )
    return tuple(blocks)


def effect(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return the effect of all metals together: a line per covariate set, a series per engine."""
    binary = is_binary(frame)
    # a fit that failed has no term, and is named below the figure
    drawn = with_effect(frame[frame["term"].isna() | (frame["term"] == "psi1")], binary, MILLIGRAMS)
    sets = ordered(drawn["covariate_set"], COVARIATE_SETS)
    drawn["row"], drawn["series"] = drawn["covariate_set"].map(words), drawn["engine"]
    engines = looks(ordered(drawn["engine"], ENGINES))
    null = 1.0 if binary else 0.0
    panel = forest(
        drawn,
        title="",
        axis_title="odds ratio (logarithmic)" if binary else "difference in BMD, mg/cm\N{SUPERSCRIPT TWO}",
        rows=[words(name) for name in sets],
        looks=engines,
        domain=limits(drawn, "value", "low", "high", binary, null),
        logarithmic=binary,
        null=null,
    )
    return Figure(
        f"qgcomp-{slug(study, outcome)}",
        f"Figure: {words(outcome)}, all metals one step up",
        "Each mark compares women who are a step higher in all metals, its line the 95 % interval; a "
        "line that crosses the dashed line is compatible with no joint association.",
        "Which metal does it: metals that point in opposite directions cancel here, see the weights.",
        (panel,),
        estimate_table(f"qgcomp-{slug(study, outcome)}", f"{words(outcome)}, all metals one step up", drawn),
        [look.key for look in engines],
        size="wide",
        notes=left_out(drawn),
    )


def shares_of_metals(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return each metal's share of the joint effect: a panel per covariate set and engine."""
    sets = preferred(frame["covariate_set"], COVARIATE_SETS)
    metals = ordered(frame["metal"], METALS)
    drawn = frame[frame["covariate_set"].isin(sets)]
    signed = drawn.assign(
        row=drawn["metal"].map(words),
        value=drawn["weight"]
        .abs()
        .where(~(drawn["direction"] == "negative"), -drawn["weight"].abs())
        .astype(float),
    )
    panels: list[Panel] = [
        shares(
            signed[(signed["covariate_set"] == name) & (signed["engine"] == engine)],
            title=f"{words(name)}, {within(engine)}",
            axis_x="weight",
            rows=[words(metal) for metal in metals],
            domain_x=(-1.0, 1.0),
        )
        for engine in ordered(signed["engine"], ENGINES)
        for name in sets
    ]
    return Figure(
        f"qgcomp-weights-{slug(study, outcome)}",
        f"Figure: {words(outcome)}, each metal's weight",
        "Bars to the right are shares of what raises the outcome, bars to the left shares of what lowers "
        "it; the bars of each side add up to 1.",
        "How sure a weight is (it has no interval), or how large the sides are: a full side may add up to "
        "almost nothing.",
        panels,
        weight_table(f"qgcomp-weights-{slug(study, outcome)}", f"{words(outcome)}: weights", drawn),
        _KEYS,
    )
