"""The specification curve: every defensible choice, and how much the answer depends on it."""

import pandas as pd

from report.charts.axes import limits
from report.charts.bars import shares
from report.charts.points import points
from report.charts.style import BLACK, BLUE, GREY, VERMILLION, Series
from report.elements import Block, Figure, Heading, Key, Section, Table, absent, empty
from report.formats import count, fixed, number, plain, probability, truth, within, words
from report.marts import Marts
from report.sections.associations import MILLIGRAMS
from report.sections.common import (
    METALS,
    OUTCOMES,
    STUDIES,
    heading,
    is_binary,
    ordered,
    preferred,
    slug,
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
_CONTRASTS = {"Q4": "fourth against first quartile", "per_doubling": "per doubling"}
_LOOKS = (
    Series("crossing", Key("interval holds no association", GREY, "circle")),
    Series("above", Key("interval above it", VERMILLION, "circle")),
    Series("below", Key("interval below it", BLUE, "circle")),
    Series("published", Key("the paper's choices", BLACK, "diamond")),
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
    drawn, variance_of, levels = (frame[frame["contrast"].isin(_CONTRASTS)] for frame in frames)
    if "sensitivity" not in gone and drawn.empty:
        blocks.append(empty("sensitivity"))
    for study in ordered(drawn["study"], STUDIES):
        blocks.append(Heading(heading(study)))
        of_study = drawn[drawn["study"] == study]
        for outcome in preferred(of_study["outcome"], OUTCOMES):
            for metal in ordered(of_study.loc[of_study["outcome"] == outcome, "metal"], METALS):
                parts = [
                    frame[
                        (frame["study"] == study) & (frame["outcome"] == outcome) & (frame["metal"] == metal)
                    ]
                    for frame in (drawn, variance_of, levels)
                ]
                blocks.append(curve(study, outcome, metal, parts[0]))
                if len(parts[1]):
                    blocks.append(variance(study, outcome, metal, parts[1]))
                if len(parts[2]):
                    blocks.append(by_level(study, outcome, metal, parts[2]))
    return tuple(blocks)


def curve(study: str, outcome: str, metal: str, frame: pd.DataFrame) -> Figure:
    """Return the specification curves of one outcome and metal, a panel per contrast.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of the mart `sensitivity` of one study, outcome and metal.
    """
    binary = is_binary(frame)
    drawn = with_effect(frame, binary, MILLIGRAMS)
    null = 1.0 if binary else 0.0
    drawn["series"] = "crossing"
    drawn.loc[drawn["low"] > null, "series"] = "above"
    drawn.loc[drawn["high"] < null, "series"] = "below"
    drawn.loc[drawn["is_published"].fillna(False).astype(bool), "series"] = "published"
    panels, notes = [], []
    for contrast in ordered(drawn["contrast"], tuple(_CONTRASTS)):
        part = drawn[(drawn["contrast"] == contrast) & drawn["value"].notna()].sort_values(
            "value", kind="stable"
        )
        part = part.assign(x=range(1, len(part) + 1))
        title = _CONTRASTS[contrast]
        panels.append(
            points(
                part,
                title=title[:1].upper() + title[1:],
                axis_x="specifications, in order of size",
                axis_y="odds ratio (logarithmic)"
                if binary
                else "difference in BMD, mg/cm\N{SUPERSCRIPT TWO}",
                looks=_LOOKS,
                domain_y=limits(part, "value", "low", "high", binary, null),
                logarithmic_y=binary,
                null=null,
            )
        )
        undrawn = int((drawn["contrast"] == contrast).sum()) - len(part)
        notes.append(
            f"{title[:1].upper() + title[1:]}: {count(len(part))} specifications, median "
            f"{number(part['value'].median())}, {count((part['value'] > null).sum())} above {null:g}, "
            f"{count((part['p_value'] < 0.05).sum())} with p < 0.05"
            + (f"; {count(undrawn)} without numbers are not drawn, the table says why." if undrawn else ".")
        )
    name = f"sensitivity-{slug(study, outcome, metal)}"
    return Figure(
        name,
        f"Figure: {words(metal)} and {within(outcome)}, specification curve",
        "Each mark is the answer to one combination of choices, its line the 95 % interval, from the "
        "smallest to the largest; the diamond is the combination that comes nearest to the paper's.",
        "Which choice is right, and no test: all marks come from much the same women, so many alike are "
        "no proof.",
        panels,
        _numbers(name, f"{words(metal)} and {within(outcome)}: specifications", drawn),
        [look.key for look in _LOOKS],
        size="wide",
        notes=tuple(notes),
    )


def variance(study: str, outcome: str, metal: str, frame: pd.DataFrame) -> Figure:
    """Return how much of the spread of the curves each choice explains, a panel per contrast."""
    name = f"sensitivity-choices-{slug(study, outcome, metal)}"
    drawn = frame.assign(row=frame["choice"].map(words), value=100 * frame["share_of_variance"].astype(float))
    panels = []
    for contrast in ordered(drawn["contrast"], tuple(_CONTRASTS)):
        part = drawn[drawn["contrast"] == contrast]
        title = _CONTRASTS[contrast]
        panels.append(
            shares(
                part,
                title=title[:1].upper() + title[1:],
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
        name,
        f"Figure: {words(metal)} and {within(outcome)}, which choices move the answer",
        "The longer the bar, the more of the differences between specifications comes from that choice.",
        "In which direction a choice moves the answer: see the next table.",
        panels,
        Table(name, "Variance by choice", shown, drawn.drop(columns=["row", "value"]), 2),
        size="wide",
    )


def by_level(study: str, outcome: str, metal: str, frame: pd.DataFrame) -> Table:
    """Return the median answer under each option of each choice: a row per contrast and option."""
    binary = frame["median_ratio"].notna().any()
    kind, scale = ("ratio", 1.0) if binary else ("estimate", MILLIGRAMS)
    shown = pd.DataFrame(
        {
            "Contrast": frame["contrast"].map(words),
            "Choice": frame["choice_name"].map(plain),
            "Option": frame["level_name"].map(plain),
            "Paper's": frame["is_published"].map(truth),
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
        ("Paper's",),
    )


def _numbers(name: str, caption: str, drawn: pd.DataFrame) -> Table:
    chosen = [choice for choice in _CHOICES if drawn[choice].nunique(dropna=False) > 1]
    shown = pd.DataFrame({"Contrast": drawn["contrast"].map(words)})
    for choice in chosen:
        shown[words(choice)] = drawn[choice].map(words)
    shown["n"], shown["Cases"] = drawn["n"].map(count), drawn["events"].map(count)
    shown["Estimate (95 % interval)"] = drawn["said"]
    shown["p"] = drawn["p_value"].map(probability)
    shown["Paper's"] = drawn["is_published"].map(truth)
    shown["Converged"], shown["To know"] = drawn["converged"].map(truth), drawn["warnings"].map(plain)
    data = drawn.drop(columns=["series", "value", "low", "high", "said"])
    return Table(name, caption, shown, data, 1, (*map(words, chosen), "Paper's", "Converged", "To know"))
