"""Single-metal regressions: forest plots, unweighted beside survey-weighted."""

from collections.abc import Sequence

import pandas as pd

from report.charts.axes import limits
from report.charts.forest import forest
from report.elements import Block, Figure, Heading, Panel, Section, Table, absent, empty
from report.formats import brief, count, probability, truth, within, words
from report.marts import Marts
from report.sections.common import (
    COVARIATE_SETS,
    ENGINES,
    METALS,
    OUTCOMES,
    STUDIES,
    group,
    heading,
    is_binary,
    left_out,
    looks,
    ordered,
    other_sets,
    people,
    preferred,
    slug,
    steps,
    with_effect,
)

_QUERY = """
    select
        study, outcome, metal, contrast, covariate_set, engine, n, events, estimate, std_error, df, p_value,
        conf_low, conf_high, q_value, ratio, ratio_low, ratio_high, standardised_beta, converged, warnings
    from main.associations
    where subgroup = 'all'
    order by study, outcome, metal, contrast, covariate_set, engine
"""
_DOUBLING = "per_doubling"
_TWICE = "\N{MULTIPLICATION SIGN} 2"
MILLIGRAMS = 1000.0
"""BMD is drawn in mg/cm2, so that axes need no leading noughts."""


def section(marts: Marts) -> Section:
    """Return the section."""
    return Section(
        "associations",
        "One metal at a time",
        "Regressions of each outcome on one metal: the higher quartiles, or other groups of a study (Q2, Q3 "
        "and so on), against the first, and per doubling of the concentration (\N{MULTIPLICATION SIGN} 2).",
        _blocks(marts),
    )


def _blocks(marts: Marts) -> tuple[Block, ...]:
    if gone := marts.missing("associations"):
        return (absent(*gone),)
    frame = marts.frame(_QUERY)
    if frame.empty:
        return (empty("associations"),)
    blocks: list[Block] = []
    for study in ordered(frame["study"], STUDIES):
        own = frame[frame["study"] == study]
        binary = own.groupby("outcome")["events"].transform("count") > 0
        blocks.append(Heading(heading(study)))
        blocks += [
            by_contrast(study, outcome, own[own["outcome"] == outcome])
            for outcome in ordered(own.loc[binary, "outcome"], OUTCOMES)
        ]
        if not binary.all():
            blocks.append(by_site(study, own[~binary]))
    return tuple(blocks)


def by_contrast(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return the odds ratios of one binary outcome: a line per metal and contrast.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of the mart `associations` of one study and outcome.
    """
    sets = preferred(frame["covariate_set"], COVARIATE_SETS)
    labels = {step: step for step in steps(frame["contrast"])}
    lowest = group(len(labels) + 1)
    if (frame["contrast"] == _DOUBLING).any():
        labels[_DOUBLING] = _TWICE
    drawn = with_effect(
        frame[frame["covariate_set"].isin(sets) & frame["contrast"].isin(labels)], is_binary(frame)
    )
    metals = ordered(drawn["metal"], METALS)
    drawn["row"] = drawn["metal"].map(words) + " " + drawn["contrast"].map(labels)
    rows = [f"{words(metal)} {label}" for metal in metals for label in labels.values()]
    ends = [f"{words(metal)} {list(labels.values())[-1]}" for metal in metals[:-1]]
    name = words(outcome)
    return Figure(
        f"associations-{slug(study, outcome)}",
        f"Figure: {within(outcome)} and each metal, odds ratios",
        "Each mark is an odds ratio, its line the 95 % interval (an arrow where it runs past the axis); "
        f"left of the dashed 1 the odds are lower than in the first {lowest} (or than at half the "
        "concentration), right of it higher. Compare the marks of one row to see what adjustment does, "
        "and the two panels to see what the survey's design does.",
        "That a metal acts on bone, nor what the number of tests makes of a single interval: that is what "
        "q says, among the numbers of this figure and in their CSV.",
        _panels(drawn, sets, rows, ends, f"odds ratio of {within(outcome)} (logarithmic)", logarithmic=True),
        table(f"associations-{slug(study, outcome)}", f"{name}: odds ratios", drawn),
        [look.key for look in looks(sets)],
        size="wide",
        notes=(*left_out(drawn), *other_sets(frame, sets)),
    )


def by_site(study: str, frame: pd.DataFrame) -> Figure:
    """Return the differences in BMD per doubling of each metal: a line per metal and skeletal site."""
    sets = preferred(frame["covariate_set"], COVARIATE_SETS)
    drawn = with_effect(
        frame[frame["covariate_set"].isin(sets) & (frame["contrast"] == _DOUBLING)], False, MILLIGRAMS
    )
    outcomes, metals = ordered(drawn["outcome"], ("bmd_total_femur",)), ordered(drawn["metal"], METALS)
    site = {outcome: words(outcome).removesuffix(" BMD") for outcome in outcomes}
    drawn["row"] = drawn["metal"] + " " + drawn["outcome"].map(site)
    rows = [f"{metal} {site[outcome]}" for metal in metals for outcome in outcomes]
    ends = [f"{metal} {site[outcomes[-1]]}" for metal in metals[:-1]]
    return Figure(
        f"associations-{slug(study)}-bmd",
        "Figure: bone mineral density and each metal, per doubling",
        "Each mark is the difference in BMD between women whose metal differs twofold, its line the 95 % "
        "interval; left of the dashed 0 bones are thinner where the metal is higher.",
        "Fractures, or bone lost over time: every woman was scanned once.",
        _panels(
            drawn,
            sets,
            rows,
            ends,
            "difference in BMD per doubling, mg/cm\N{SUPERSCRIPT TWO}",
            logarithmic=False,
        ),
        table(f"associations-{slug(study)}-bmd", "BMD per doubling, mg/cm\N{SUPERSCRIPT TWO}", drawn),
        [look.key for look in looks(sets)],
        size="wide",
        notes=(*left_out(drawn), *other_sets(frame, sets)),
    )


def _panels(
    drawn: pd.DataFrame,
    sets: Sequence[str],
    rows: Sequence[str],
    ends: Sequence[str],
    axis: str,
    logarithmic: bool,
) -> list[Panel]:
    null = 1.0 if logarithmic else 0.0
    domain = limits(drawn, "value", "low", "high", logarithmic, null)
    panels = []
    for engine in ordered(drawn["engine"], ENGINES):
        part = drawn[drawn["engine"] == engine].assign(series=lambda item: item["covariate_set"])
        panels.append(
            forest(
                part,
                title=f"{words(engine)} ({people(part)})",
                axis_title=axis,
                rows=rows,
                looks=looks(sets),
                domain=domain,
                logarithmic=logarithmic,
                null=null,
                lines_after=ends,
            )
        )
    return panels


def table(name: str, caption: str, drawn: pd.DataFrame) -> Table:
    """Return estimates as a table: a row per model."""
    shown = pd.DataFrame(
        {
            "Row": drawn["row"],
            "Covariates": drawn["covariate_set"].map(words),
            "Weighting": drawn["engine"].map(words),
            "n": drawn["n"].map(count),
            "Cases": drawn["events"].map(count),
            "Estimate (95 % interval)": drawn["said"],
            "p": drawn["p_value"].map(probability),
            "q": drawn["q_value"].map(probability),
            "Converged": drawn["converged"].map(truth),
            "To know": drawn["warnings"].map(brief),
        }
    )
    data = drawn.drop(columns=["row", "value", "low", "high", "said"])
    return Table(name, caption, shown, data, 3, ("Converged", "To know"))
