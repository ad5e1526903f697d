"""Regressions on one exposure: forest plots, unweighted beside survey-weighted."""

from collections.abc import Mapping, Sequence

import pandas as pd

from report.charts.axes import limits
from report.charts.forest import forest as drawn_forest
from report.charts.style import BLUE, Series
from report.elements import Block, Figure, Forest, Heading, Key, Panel, Section, Table, absent, empty
from report.forests import forest
from report.formats import brief as shortened
from report.formats import count, probability, truth, within, words
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
    DOUBLING,
    Effect,
    effect,
    engines,
    group,
    last_of_each,
    left_out,
    listed,
    looks,
    other_sets,
    people,
    slug,
    steps,
    stored,
    with_effect,
)

_QUERY = f"""
    select
        {STUDY}, {OUTCOME}, {EXPOSURE}, contrast, {COVARIATE_SET}, engine, n, events, estimate, std_error, df,
        p_value, conf_low, conf_high, q_value, ratio, ratio_low, ratio_high, standardised_beta, converged,
        warnings
    from main.associations
    where subgroup = 'all'
    order by study_order, outcome_order, exposure_order, contrast, covariate_set_order, engine
"""
_TWICE = "\N{MULTIPLICATION SIGN} 2"


def section(marts: Marts) -> Section:
    """Return the section."""
    return Section(
        "associations",
        "One exposure at a time",
        "Regressions of each outcome on one exposure: the higher quartiles, or other groups of a study (Q2, "
        "Q3 and so on), against the first, and per doubling of the concentration "
        "(\N{MULTIPLICATION SIGN} 2).",
        _blocks(marts),
    )


def _blocks(marts: Marts) -> tuple[Block, ...]:
    if gone := marts.missing("associations"):
        return (absent(*gone),)
    frame, main = marts.frame(_QUERY), main_models(marts)
    if frame.empty:
        return (empty("associations"),)
    blocks: list[Block] = []
    for study, title in labels(frame, "study").items():
        own = frame[frame["study"] == study]
        blocks.append(Heading(title))
        is_binary = own["outcome_kind"] == "binary"
        blocks += [
            by_contrast(study, outcome, own[own["outcome"] == outcome], main)
            for outcome in labels(own[is_binary], "outcome")
        ]
        by_unit = own[~is_binary].groupby("outcome_unit", sort=False, dropna=False)
        blocks += [by_outcome(study, part, main) for _, part in by_unit]
    return tuple(blocks)


def brief(marts: Marts, study: str) -> tuple[Block, ...]:
    """Return the adjusted, survey-weighted estimates of one study, a forest plot per kind of outcome."""
    if gone := marts.missing("associations"):
        return (absent(*gone),)
    frame, main = marts.frame(_QUERY), main_models(marts)
    frame = frame[frame["study"] == study]
    if frame.empty:
        return (empty("associations"),)
    drawn = settled(frame, main)
    chosen_outcomes = chosen(frame, "outcome", main)
    kinds = drawn[drawn["outcome"].isin(chosen_outcomes)].groupby(
        ["outcome_kind", "outcome_unit"], dropna=False, sort=False
    )
    return tuple(_brief(study, part) for _, part in kinds)


def settled(frame: pd.DataFrame, main: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the one model that is shown: adjusted, survey-weighted if there is such a one."""
    rows = frame[frame["covariate_set"] == adjusted(frame, main)]
    return rows[rows["engine"] == list(engines(rows))[-1]] if len(rows) else rows


def _brief(study: str, frame: pd.DataFrame) -> Forest:
    how = effect(frame)
    contrasts = {step: f"{step} against Q1" for step in steps(frame["contrast"])} | {DOUBLING: "per doubling"}
    if not how.is_ratio:
        contrasts = {DOUBLING: "per doubling"}
    drawn = with_effect(frame[frame["contrast"].isin(contrasts)], how).sort_values(
        ["outcome_order", "exposure_order", "contrast"],
        key=lambda column: column.map(list(contrasts).index) if column.name == "contrast" else column,
        kind="stable",
    )
    several = drawn["outcome"].nunique() > 1
    drawn["series"] = "settled"
    drawn["heading"] = (
        named(drawn, "exposure") if how.is_ratio else named(drawn, "outcome") + ", per doubling"
    )
    drawn["row"] = drawn["contrast"].map(contrasts) if how.is_ratio else named(drawn, "exposure")
    if several and how.is_ratio:
        drawn["heading"] = named(drawn, "outcome") + ": " + drawn["heading"]
    what = listed(map(within, labels(drawn, "outcome").values()))
    model = f"{within(label(drawn, 'covariate_set'))}; {within(words(drawn['engine'].iloc[0]))}"
    return forest(
        drawn,
        name=f"one-exposure-{slug(study, *dict.fromkeys(drawn['outcome']))}",
        caption=f"One exposure at a time and {what} (covariates: {model})",
        how_to_read="Each mark is an estimate of its own regression, its line the 95 % interval; where the "
        "line crosses the dashed one no association is compatible with the data. q: p corrected for the "
        "number "
        "of tests.",
        not_shown="That an exposure acts on the outcome, and what other exposures do at the same time.",
        first="Exposure",
        how=how,
        axis=how.axis(),
        looks=(Series("settled", Key("adjusted, survey-weighted", BLUE, "square")),),
        notes=left_out(drawn),
    )


def by_contrast(study: str, outcome: str, frame: pd.DataFrame, main: pd.DataFrame) -> Figure:
    """Return the odds ratios of one binary outcome: a line per exposure and contrast.

    Parameters
    ----------
    study, outcome : str
        Codes, for the figure's name.
    frame : pandas.DataFrame
        Rows of the mart `associations` of this study and outcome.
    main : pandas.DataFrame
        The models that studies single out.
    """
    sets = chosen(frame, "covariate_set", main)
    contrasts = {step: step for step in steps(frame["contrast"])}
    lowest = group(len(contrasts) + 1)
    if (frame["contrast"] == DOUBLING).any():
        contrasts[DOUBLING] = _TWICE
    how = effect(frame)
    drawn = with_effect(frame[frame["covariate_set"].isin(sets) & frame["contrast"].isin(contrasts)], how)
    exposures = list(labels(drawn, "exposure").values())
    drawn["row"] = named(drawn, "exposure") + " " + drawn["contrast"].map(contrasts)
    rows = [f"{exposure} {contrast}" for exposure in exposures for contrast in contrasts.values()]
    ends = last_of_each(rows, len(contrasts))
    name = label(frame, "outcome")
    return Figure(
        f"associations-{slug(study, outcome)}",
        f"{within(name)} and each exposure, odds ratios",
        "Each mark is an odds ratio, its line the 95 % interval (an arrow where it runs past the axis); "
        f"left of the dashed 1 the odds are lower than in the first {lowest} (or than at half the "
        "concentration), right of it higher. Compare the marks of one row to see what adjustment does, "
        "and the two panels to see what the survey's design does.",
        "That an exposure acts on the outcome, nor what a single interval is worth among so many tests: the "
        "q-values say that, in the numbers of this figure and in their CSV.",
        _panels(drawn, sets, rows, ends, f"odds ratio of {within(name)} (logarithmic)", how),
        table(f"associations-{slug(study, outcome)}", f"{name}: odds ratios", drawn),
        [look.key for look in looks(sets)],
        size="wide",
        notes=(*left_out(drawn), *other_sets(frame, sets)),
    )


def by_outcome(study: str, frame: pd.DataFrame, main: pd.DataFrame) -> Figure:
    """Return the differences per doubling of each exposure: a line per exposure and outcome.

    Parameters
    ----------
    study : str
        Code, for the figure's name.
    frame : pandas.DataFrame
        Rows of the mart `associations` of this study, of outcomes in one unit.
    main : pandas.DataFrame
        The models that studies single out.
    """
    sets = chosen(frame, "covariate_set", main)
    how = effect(frame)
    drawn = with_effect(frame[frame["covariate_set"].isin(sets) & (frame["contrast"] == DOUBLING)], how)
    outcomes = {
        code: f", {within(name).removesuffix(how.outcome).strip()}".rstrip(", ")
        for code, name in labels(drawn, "outcome").items()
    }
    drawn["row"] = named(drawn, "exposure") + drawn["outcome"].map(outcomes)
    rows = [
        exposure + outcome for exposure in labels(drawn, "exposure").values() for outcome in outcomes.values()
    ]
    what = how.outcome or "outcomes that are measured"
    name = f"associations-{slug(study, what, how.unit)}"
    return Figure(
        name,
        f"{what} and each exposure, per doubling",
        "Each mark is the difference between women whose exposure differs twofold, its line the 95 % "
        f"interval; left of the dashed 0 {what} is lower where the exposure is higher.",
        "Change over time: every woman was measured once.",
        _panels(drawn, sets, rows, last_of_each(rows, len(outcomes)), how.axis("per doubling"), how),
        table(name, f"{what[:1].upper()}{what[1:]} per doubling, {how.unit}", drawn),
        [look.key for look in looks(sets)],
        size="wide",
        notes=(*left_out(drawn), *other_sets(frame, sets)),
    )


def _panels(
    drawn: pd.DataFrame,
    sets: Mapping[str, str],
    rows: Sequence[str],
    ends: Sequence[str],
    axis: str,
    how: Effect,
) -> list[Panel]:
    domain = limits(drawn, "value", "low", "high", how.is_ratio, how.null)
    panels = []
    for engine, title in engines(drawn).items():
        part = drawn[drawn["engine"] == engine].assign(series=lambda item: item["covariate_set"])
        panels.append(
            drawn_forest(
                part,
                title=f"{title} ({people(part)})",
                axis_title=axis,
                rows=rows,
                looks=looks(sets),
                domain=domain,
                logarithmic=how.is_ratio,
                null=how.null,
                lines_after=ends,
            )
        )
    return panels


def table(name: str, caption: str, drawn: pd.DataFrame) -> Table:
    """Return estimates as a table: a row per model."""
    shown = pd.DataFrame(
        {
            "Row": drawn["row"],
            "Covariates": named(drawn, "covariate_set"),
            "Weighting": drawn["engine"].map(words),
            "n": drawn["n"].map(count),
            "Cases": drawn["events"].map(count),
            "Estimate (95 % interval)": drawn["said"],
            "p": drawn["p_value"].map(probability),
            "q": drawn["q_value"].map(probability),
            "Converged": drawn["converged"].map(truth),
            "Remarks": drawn["warnings"].map(shortened),
        }
    )
    return Table(name, caption, shown, stored(drawn), 3, ("Converged", "Remarks"))
