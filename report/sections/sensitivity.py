"""The specification curve: every defensible choice, and how much the answer depends on it."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from report.charts.axes import limits
from report.charts.bars import shares
from report.charts.specification_curve import Choice, evenly, specification_curve, with_every_option
from report.charts.style import BLACK, BLUE, GREY, VERMILLION, Series
from report.elements import Block, Figure, Heading, Key, Paragraph, Section, Table, absent, empty
from report.formats import count, fixed, number, plain, within, words
from report.labels import EXPOSURE, OUTCOME, STUDY, chosen, labels, main_models
from report.marts import Marts
from report.sections.common import DOUBLING, effect, group, listed, slug, steps, stored, with_effect
from report.sections.sensitivity_tables import (
    all_choices,
    by_level,
    differing,
    glossary,
    numbers,
    short,
    title_of,
)

INTRODUCTION = (
    "The same question under many combinations of defensible choices, such as who is analysed, covariates, "
    "weighting, form of the exposure, and what is done about missing values. It describes related fits of "
    "different estimands to much the same participants; it is no test."
)
_KEYS = f"{STUDY}, {OUTCOME}, {EXPOSURE}, contrast"
_ORDER = "study_order, outcome_order, exposure_order, contrast"
_CURVES = f"""
    select
        {_KEYS}, {{choices}} n, events, estimate, std_error, df, p_value, conf_low, conf_high, ratio,
        ratio_low, ratio_high, is_published, converged, warnings
    from main.sensitivity
    order by {_ORDER}, estimate, specification
"""
_SHARES = f"""
    select {_KEYS}, choice_order, choice, choice_name, share_of_variance, share_explained
    from main.sensitivity_choices
    order by {_ORDER}, share_of_variance desc, choice_order
"""
_LEVELS = f"""
    select
        {_KEYS}, choice_order, choice, choice_name, level_order, level, level_name, is_published,
        specifications, not_estimated, median_estimate, lowest_estimate, highest_estimate,
        case when median_ratio is not null then median_ratio end as median_ratio,
        case when median_ratio is not null then exp(lowest_estimate) end as lowest_ratio,
        case when median_ratio is not null then exp(highest_estimate) end as highest_ratio,
        share_significant
    from main.sensitivity_levels
    order by {_ORDER}, choice_order, level_order
"""
_MOST = 120
"""How many specifications a curve draws: more would be less than two pixels wide each on a phone."""

_LOOKS = (
    Series("crossing", Key("interval holds no association", GREY, "circle")),
    Series("above", Key("interval above it", VERMILLION, "circle")),
    Series("below", Key("interval below it", BLUE, "circle")),
)


def section(marts: Marts) -> Section:
    """Return the section."""
    return Section(
        "sensitivity",
        "How much the answer depends on choices",
        INTRODUCTION,
        _blocks(marts),
    )


def brief(marts: Marts) -> tuple[Block, ...]:
    """Return the specification curve of each study's first outcome and exposure."""
    if gone := marts.missing("sensitivity", "sensitivity_levels"):
        return (absent(*gone),)
    drawn, levels = _curves(marts), marts.frame(_LEVELS)
    if drawn.empty:
        return (empty("sensitivity"),)
    blocks: list[Block] = []
    for study in labels(drawn, "study"):
        own = drawn[drawn["study"] == study]
        own = own[own["outcome"] == next(iter(labels(own, "outcome")))]
        highest = [*steps(own["contrast"])[-1:], DOUBLING][0]
        choices = all_choices(levels[levels["study"] == study])
        first, *others = labels(own, "exposure")
        part = own[(own["exposure"] == first) & (own["contrast"] == highest)]
        blocks.append(replace(curve(f"{slug(study, first)}-brief", part, choices), size="whole"))
        if others:
            names = [labels(own, "exposure")[code] for code in others]
            blocks.append(
                Paragraph(
                    f"The appendix has the curves of {listed(map(within, names))} and of other outcomes."
                )
            )
    return tuple(blocks)


def _curves(marts: Marts) -> pd.DataFrame:
    """Return every specification of the extreme contrasts, with its choices."""
    made = set(marts.frame("select distinct choice from main.sensitivity_levels")["choice"])
    columns = "".join(f"{name}, " for name in marts.columns["sensitivity"] if name in made)
    frame = marts.frame(_CURVES.format(choices=columns))
    return frame[_is_extreme(frame)]


def _blocks(marts: Marts) -> tuple[Block, ...]:
    gone, main = marts.missing("sensitivity", "sensitivity_choices", "sensitivity_levels"), main_models(marts)
    blocks: list[Block] = [absent(*gone)] if gone else []
    none = pd.DataFrame(columns=["study", "outcome", "exposure", "contrast"])
    levels = none if "sensitivity_levels" in gone else marts.frame(_LEVELS)
    made = set(levels["choice"]) if len(levels) else set()
    columns = "".join(f"{name}, " for name in marts.columns.get("sensitivity", ()) if name in made)
    drawn = none if "sensitivity" in gone else marts.frame(_CURVES.format(choices=columns))
    variance_of = none if "sensitivity_choices" in gone else marts.frame(_SHARES)
    drawn, variance_of, levels = (frame[_is_extreme(frame)] for frame in (drawn, variance_of, levels))
    if drawn.empty:
        return (*blocks, *([] if "sensitivity" in gone else [empty("sensitivity")]))
    for study, title in labels(drawn, "study").items():
        blocks.append(Heading(title))
        of_study = drawn[drawn["study"] == study]
        described = levels[levels["study"] == study]
        choices = all_choices(described)
        for outcome in chosen(of_study, "outcome", main):
            for exposure in labels(of_study[of_study["outcome"] == outcome], "exposure"):
                parts = [
                    frame[
                        (frame["study"] == study)
                        & (frame["outcome"] == outcome)
                        & (frame["exposure"] == exposure)
                    ]
                    for frame in (drawn, variance_of, levels)
                ]
                blocks.append(curve(slug(study, outcome, exposure), parts[0], choices))
                if len(parts[1]):
                    blocks.append(variance(slug(study, outcome, exposure), parts[1]))
                if len(parts[2]):
                    blocks.append(by_level(slug(study, outcome, exposure), parts[2]))
        if len(described):
            blocks.append(glossary(study, described))
    return tuple(blocks)


def _is_extreme(frame: pd.DataFrame) -> "pd.Series[bool]":
    """Tell which rows are of a doubling, or of the highest group of the study against the lowest."""
    highest = {study: steps(part["contrast"])[-1:] for study, part in frame.groupby("study")}
    return pd.Series(
        [
            contrast == DOUBLING or contrast in highest[study]
            for study, contrast in zip(frame["study"], frame["contrast"], strict=True)
        ],
        frame.index,
        dtype=bool,
    )


def _contrasts(frame: pd.DataFrame) -> dict[str, str]:
    """Return the contrasts of panels with their titles, in order."""
    titles = {step: f"Highest against lowest {group(int(step[1:]))}" for step in steps(frame["contrast"])}
    if (frame["contrast"] == DOUBLING).any():
        titles[DOUBLING] = "Per doubling"
    return titles


def curve(name: str, frame: pd.DataFrame, choices: Sequence[Choice]) -> Figure:
    """Return the specification curves of one outcome and exposure, a panel per contrast.

    Parameters
    ----------
    name : str
        Of the figure, after `sensitivity-`.
    frame : pandas.DataFrame
        Rows of the mart `sensitivity` of one study, outcome and exposure.
    choices : sequence of Choice
        All that the study makes.
    """
    how = effect(frame)
    drawn = with_effect(frame, how)
    drawn["marked"] = drawn["is_published"].fillna(False).astype(bool)
    drawn["series"] = "crossing"
    drawn.loc[drawn["low"] > how.null, "series"] = "above"
    drawn.loc[drawn["high"] < how.null, "series"] = "below"
    drawn.loc[drawn["marked"], "series"] = "published"
    panels, notes = [], []
    every_look = (*_LOOKS, Series("published", Key("the study's own choices", BLACK, "diamond")))
    for contrast, title in _contrasts(drawn).items():
        every = drawn[drawn["contrast"] == contrast]
        part = every[every["value"].notna()].sort_values("value", kind="stable")
        part = part.assign(x=range(1, len(part) + 1))
        shown_choices = differing(part, choices)
        shown = with_every_option(part, evenly(part, part["marked"], _MOST), shown_choices)
        panels.append(
            specification_curve(
                shown,
                title=title,
                axis_y=how.axis(),
                looks=every_look,
                choices=shown_choices,
                domain_y=limits(part, "value", "low", "high", how.is_ratio, how.null),
                logarithmic_y=how.is_ratio,
                null=how.null,
            )
        )
        notes.append(f"{title}: {_summary(every, part, shown, how.null)}")
    title = title_of(frame)
    return Figure(
        f"sensitivity-{name}",
        f"{title}, specification curve",
        "Each column is one combination of choices: on top its answer with the 95 % interval, from the "
        "smallest to the largest, and beneath it a mark beside each option that it takes. An option whose "
        "marks gather at one end moves the answer there. The diamond, with a line down to its options, is "
        "the combination that comes nearest to the study's own. Choices that all of them make alike "
        "have no line. The last table of this section says what the options mean.",
        "Which choice is right, and no test: all marks come from much the same women, so many alike are "
        "no proof.",
        panels,
        numbers(f"sensitivity-{name}", f"{title}: specifications", drawn, choices),
        [look.key for look in every_look],
        size="wide",
        notes=tuple(notes),
    )


def _summary(every: pd.DataFrame, part: pd.DataFrame, shown: pd.DataFrame, null: float) -> str:
    facts = [
        f"{count(len(part))} specifications, median {number(part['value'].median())}, "
        f"{count((part['value'] > null).sum())} above {null:g}, "
        f"{count((part['p_value'] < 0.05).sum())} with p < 0.05"
    ]
    if len(shown) < len(part):
        facts.append(
            f"{count(len(shown))} of them are drawn, evenly spaced from the smallest to the largest"
            + (", the study's own among them" if part["marked"].any() else "")
            + ", each option at least once"
        )
    if not part["marked"].any():
        facts.append("none of them is the study's own")
    if undrawn := len(every) - len(part):
        facts.append(f"{count(undrawn)} without numbers are not drawn, the table says why")
    return "; ".join(facts) + "."


def variance(name: str, frame: pd.DataFrame) -> Figure:
    """Return how much of the spread of the curves each choice explains, a panel per contrast.

    Parameters
    ----------
    name : str
        Of the figure, after `sensitivity-choices-`.
    frame : pandas.DataFrame
        Rows of the mart `sensitivity_choices` of one study, outcome and exposure.
    """
    drawn = frame.assign(
        row=list(map(short, frame["choice_name"], frame["choice"])),
        value=100 * frame["share_of_variance"].astype(float),
    )
    panels = []
    for contrast, title in _contrasts(drawn).items():
        part = drawn[drawn["contrast"] == contrast]
        panels.append(
            shares(
                part,
                title=title,
                axis_x="% of the variance of the estimates",
                rows=list(part["row"]),
            )
        )
    shown = pd.DataFrame(
        {
            "Contrast": drawn["contrast"].map(words),
            "Choice": drawn["choice_name"].map(plain),
            "% of variance": drawn["value"].map(lambda value: fixed(value, 1)),
        }
    )
    return Figure(
        f"sensitivity-choices-{name}",
        f"{title_of(frame)}, which choices move the answer",
        "The longer the bar, the more of the differences between specifications comes from that choice.",
        "In which direction a choice moves the answer: see the next table.",
        panels,
        Table(f"sensitivity-choices-{name}", "Variance by choice", shown, stored(drawn), 2),
        size="wide",
    )
