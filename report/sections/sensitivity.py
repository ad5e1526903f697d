"""The specification curve: every defensible choice, and how much the answer depends on it."""

from collections.abc import Mapping, Sequence

import pandas as pd

from report.charts.axes import limits
from report.charts.bars import shares
from report.charts.specification_curve import Choice, evenly, specification_curve, with_every_option
from report.charts.style import BLACK, BLUE, GREY, VERMILLION, Series
from report.elements import Block, Figure, Heading, Key, Section, Table, absent, empty
from report.formats import brief, count, fixed, number, plain, probability, truth, within, words
from report.marts import Marts
from report.sections.associations import MILLIGRAMS
from report.sections.common import (
    METALS,
    OUTCOMES,
    STUDIES,
    group,
    heading,
    is_binary,
    ordered,
    preferred,
    slug,
    steps,
    with_effect,
)

_CHOICES = (
    "menopause", "exclusion", "covariates_required", "scans", "plausibility", "bone_sites", "reference_set",
    "cutoff", "missing_covariates", "covariate_set", "weighting", "exposure_form",
)  # fmt: skip
_CURVES = f"""
    select
        study, outcome, metal, contrast, {", ".join(_CHOICES)}, n, events, estimate, std_error, df, p_value,
        conf_low, conf_high, ratio, ratio_low, ratio_high, is_published, converged, warnings
    from main.sensitivity
    order by study, outcome, metal, contrast, estimate, specification
"""
_SHARES = """
    select
        study, outcome, metal, contrast, choice_order, choice, choice_name, share_of_variance, share_explained
    from main.sensitivity_choices
    order by study, outcome, metal, contrast, share_of_variance desc, choice_order
"""
_LEVELS = """
    select
        study, outcome, metal, contrast, choice_order, choice, choice_name, level_order, level, level_name,
        is_published, specifications, not_estimated, median_estimate, lowest_estimate, highest_estimate,
        case when median_ratio is not null then median_ratio end as median_ratio,
        case when median_ratio is not null then exp(lowest_estimate) end as lowest_ratio,
        case when median_ratio is not null then exp(highest_estimate) end as highest_ratio,
        share_significant
    from main.sensitivity_levels
    order by study, outcome, metal, contrast, choice_order, level_order
"""
_MOST = 120
"""How many specifications a curve draws: more would be less than two pixels wide each on a phone."""

_DOUBLING = "per_doubling"
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
        "The same question under many combinations of defensible choices: who counts as postmenopausal, "
        "who is left out, which bones and reference values, covariates, weighting, form of the exposure, "
        "and what is done about missing values.",
        _blocks(marts),
    )


def _blocks(marts: Marts) -> tuple[Block, ...]:
    gone = marts.missing("sensitivity", "sensitivity_choices", "sensitivity_levels")
    blocks: list[Block] = [absent(*gone)] if gone else []
    none = pd.DataFrame(columns=["study", "outcome", "metal", "contrast"])
    frames = [
        none if table in gone else marts.frame(query)
        for table, query in (
            ("sensitivity", _CURVES),
            ("sensitivity_choices", _SHARES),
            ("sensitivity_levels", _LEVELS),
        )
    ]
    drawn, variance_of, levels = (frame[_is_extreme(frame)] for frame in frames)
    if "sensitivity" not in gone and drawn.empty:
        blocks.append(empty("sensitivity"))
    for study in ordered(drawn["study"], STUDIES):
        blocks.append(Heading(heading(study)))
        of_study = drawn[drawn["study"] == study]
        described = levels[levels["study"] == study].drop_duplicates(["choice", "level"])
        described = described.sort_values(["choice_order", "level_order"])
        options = {
            str(choice): tuple(part["level"]) for choice, part in described.groupby("choice", sort=False)
        }
        for outcome in preferred(of_study["outcome"], OUTCOMES):
            for metal in ordered(of_study.loc[of_study["outcome"] == outcome, "metal"], METALS):
                parts = [
                    frame[
                        (frame["study"] == study) & (frame["outcome"] == outcome) & (frame["metal"] == metal)
                    ]
                    for frame in (drawn, variance_of, levels)
                ]
                blocks.append(curve(study, outcome, metal, parts[0], options))
                if len(parts[1]):
                    blocks.append(variance(study, outcome, metal, parts[1]))
                if len(parts[2]):
                    blocks.append(by_level(study, outcome, metal, parts[2]))
        if len(described):
            blocks.append(glossary(study, described))
    return tuple(blocks)


def _is_extreme(frame: pd.DataFrame) -> "pd.Series[bool]":
    """Tell which rows are of a doubling, or of the highest group of the study against the lowest."""
    highest = {study: steps(part["contrast"])[-1:] for study, part in frame.groupby("study")}
    return pd.Series(
        [
            contrast == _DOUBLING or contrast in highest[study]
            for study, contrast in zip(frame["study"], frame["contrast"], strict=True)
        ],
        frame.index,
        dtype=bool,
    )


def _contrasts(frame: pd.DataFrame) -> dict[str, str]:
    """Return the contrasts of panels with their titles, in order."""
    titles = {step: f"Highest against lowest {group(int(step[1:]))}" for step in steps(frame["contrast"])}
    if (frame["contrast"] == _DOUBLING).any():
        titles[_DOUBLING] = "Per doubling"
    return titles


def _whose(study: str) -> str:
    """Say whose own choices a study stands for."""
    return "paper's" if study == "peng2025" else "study's"


def curve(
    study: str,
    outcome: str,
    metal: str,
    frame: pd.DataFrame,
    options: Mapping[str, Sequence[str]],
) -> Figure:
    """Return the specification curves of one outcome and metal, a panel per contrast.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of the mart `sensitivity` of one study, outcome and metal.
    options : mapping
        From choices to their options in order; options that it lacks come last.
    """
    binary = is_binary(frame)
    drawn = with_effect(frame, binary, MILLIGRAMS)
    null = 1.0 if binary else 0.0
    drawn["marked"] = drawn["is_published"].fillna(False).astype(bool)
    drawn["series"] = "crossing"
    drawn.loc[drawn["low"] > null, "series"] = "above"
    drawn.loc[drawn["high"] < null, "series"] = "below"
    drawn.loc[drawn["marked"], "series"] = "published"
    panels, notes = [], []
    own = Series("published", Key(f"the {_whose(study)} choices", BLACK, "diamond"))
    every_look = (*_LOOKS, own)
    for contrast, title in _contrasts(drawn).items():
        every = drawn[drawn["contrast"] == contrast]
        part = every[every["value"].notna()].sort_values("value", kind="stable")
        part = part.assign(x=range(1, len(part) + 1))
        choices = _choices(part, options)
        shown = with_every_option(part, evenly(part, part["marked"], _MOST), choices)
        panels.append(
            specification_curve(
                shown,
                title=title,
                axis_y="odds ratio (logarithmic)"
                if binary
                else "difference in BMD, mg/cm\N{SUPERSCRIPT TWO}",
                looks=every_look,
                choices=choices,
                domain_y=limits(part, "value", "low", "high", binary, null),
                logarithmic_y=binary,
                null=null,
            )
        )
        notes.append(f"{title}: {_summary(every, part, shown, null, _whose(study))}")
    name = f"sensitivity-{slug(study, outcome, metal)}"
    return Figure(
        name,
        f"Figure: {words(metal)} and {within(outcome)}, specification curve",
        "Each column is one combination of choices: on top its answer with the 95 % interval, from the "
        "smallest to the largest, and beneath it a mark beside each option that it takes. An option whose "
        "marks gather at one end moves the answer there. The diamond, with a line down to its options, is "
        f"the combination that comes nearest to the {_whose(study)} own. Choices that all of them make alike "
        "have no line; what the options mean says the last table of this section.",
        "Which choice is right, and no test: all marks come from much the same women, so many alike are "
        "no proof.",
        panels,
        _numbers(study, name, f"{words(metal)} and {within(outcome)}: specifications", drawn),
        [look.key for look in every_look],
        size="wide",
        notes=tuple(notes),
    )


def _choices(frame: pd.DataFrame, options: Mapping[str, Sequence[str]]) -> list[Choice]:
    """Return the choices that the specifications of a panel do not all make alike."""
    return [
        Choice(words(choice), choice, {option: words(option) for option in found})
        for choice in _CHOICES
        if len(found := ordered(frame[choice], options.get(choice, ()))) > 1
    ]


def _summary(every: pd.DataFrame, part: pd.DataFrame, shown: pd.DataFrame, null: float, whose: str) -> str:
    facts = [
        f"{count(len(part))} specifications, median {number(part['value'].median())}, "
        f"{count((part['value'] > null).sum())} above {null:g}, "
        f"{count((part['p_value'] < 0.05).sum())} with p < 0.05"
    ]
    if len(shown) < len(part):
        facts.append(
            f"{count(len(shown))} of them are drawn, evenly spaced from the smallest to the largest"
            + (f", the {whose} own among them" if part["marked"].any() else "")
            + ", each option at least once"
        )
    if not part["marked"].any():
        facts.append(f"none of them is the {whose} own")
    if undrawn := len(every) - len(part):
        facts.append(f"{count(undrawn)} without numbers are not drawn, the table says why")
    return "; ".join(facts) + "."


def variance(study: str, outcome: str, metal: str, frame: pd.DataFrame) -> Figure:
    """Return how much of the spread of the curves each choice explains, a panel per contrast."""
    name = f"sensitivity-choices-{slug(study, outcome, metal)}"
    drawn = frame.assign(row=frame["choice"].map(words), value=100 * frame["share_of_variance"].astype(float))
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
            "Choice": drawn["row"],
            "% of variance": drawn["value"].map(lambda value: fixed(value, 1)),
        }
    )
    return Figure(
        name,
        f"Figure: {words(metal)} and {within(outcome)}, which choices move the answer",
        "The longer the bar, the more of the differences between specifications comes from that choice.",
        "In which direction a choice moves the answer: see the next table.",
        panels,
        Table(name, "Variance by choice", shown, drawn.drop(columns=["row", "value"]), 2),
        size="wide",
    )


def by_level(study: str, outcome: str, metal: str, frame: pd.DataFrame) -> Table:
    """Return the median answer under each option of choices that differ: a row per contrast and option."""
    options = frame.groupby(["contrast", "choice"])["level"].transform("nunique")
    frame = frame[options > 1]
    binary = frame["median_ratio"].notna().any()
    own = _whose(study).capitalize()
    kind, scale = ("ratio", 1.0) if binary else ("estimate", MILLIGRAMS)
    shown = pd.DataFrame(
        {
            "Contrast": frame["contrast"].map(words),
            "Choice": frame["choice"].map(words),
            "Option": frame["level"].map(words),
            own: frame["is_published"].map(truth),
            "Specifications": frame["specifications"].map(count),
            "Median": (scale * frame[f"median_{kind}"]).map(number),
            "Lowest": (scale * frame[f"lowest_{kind}"]).map(number),
            "Highest": (scale * frame[f"highest_{kind}"]).map(number),
            "p < 0.05, %": (100 * frame["share_significant"]).map(lambda value: fixed(value, 0)),
        }
    )
    unit = "odds ratios" if binary else "differences in BMD, mg/cm\N{SUPERSCRIPT TWO}"
    return Table(
        f"sensitivity-options-{slug(study, outcome, metal)}",
        f"Table: {words(metal)} and {within(outcome)}, {unit} by option",
        shown,
        frame,
        3,
        (own,),
        most_rows=len(shown),
    )


def glossary(study: str, described: pd.DataFrame) -> Table:
    """Return what each option of each choice means: a row per option.

    Parameters
    ----------
    described : pandas.DataFrame
        Rows of the mart `sensitivity_levels`, one per option.
    """
    own = _whose(study).capitalize()
    shown = pd.DataFrame(
        {
            "Choice": described["choice"].map(words),
            "Option": described["level"].map(words),
            "What is chosen": described["choice_name"].map(plain),
            "What is done": described["level_name"].map(plain),
            own: described["is_published"].map(truth),
        }
    )
    return Table(
        f"sensitivity-glossary-{slug(study)}",
        "Table: the choices and their options",
        shown,
        described[["choice", "level", "choice_name", "level_name", "is_published"]],
        2,
        ("What is chosen", "What is done", own),
        most_rows=len(shown),
    )


def _numbers(study: str, name: str, caption: str, drawn: pd.DataFrame) -> Table:
    chosen = [choice for choice in _CHOICES if drawn[choice].nunique(dropna=False) > 1]
    shown = pd.DataFrame({"Contrast": drawn["contrast"].map(words)})
    for choice in chosen:
        shown[words(choice)] = drawn[choice].map(words)
    shown["n"], shown["Cases"] = drawn["n"].map(count), drawn["events"].map(count)
    shown["Estimate (95 % interval)"] = drawn["said"]
    shown["p"] = drawn["p_value"].map(probability)
    own = _whose(study).capitalize()
    shown[own] = drawn["is_published"].map(truth)
    shown["Converged"], shown["To know"] = drawn["converged"].map(truth), drawn["warnings"].map(brief)
    data = drawn.drop(columns=["marked", "series", "value", "low", "high", "said"])
    return Table(name, caption, shown, data, 1, (*map(words, chosen), own, "Converged", "To know"))
