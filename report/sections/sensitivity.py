"""The specification curve: every defensible choice, and how much the answer depends on it."""

import pandas as pd

from report.charts.axes import limits
from report.charts.bars import shares
from report.charts.points import points
from report.charts.style import BLACK, BLUE, GREY, VERMILLION, Series
from report.elements import Block, Figure, Heading, Key, Panel, Section, Table, absent, empty
from report.formats import count, fixed, number, odds, plain, probability, truth, words
from report.marts import Marts
from report.sections.common import METALS, ordered, slug

_QUERY = "select * exclude (run_id, source) from main.sensitivity order by metal, ratio"
_CHOICES = """
    select metal, choice, share_of_variance
    from main.sensitivity_choices
    order by metal, share_of_variance desc, choice
"""
_RESULTS = {
    "specification",
    "metal",
    "estimate",
    "std_error",
    "conf_low",
    "conf_high",
    "ratio",
    "ratio_low",
    "ratio_high",
    "p_value",
    "n",
    "events",
    "is_published",
    "converged",
    "warnings",
    "study",
    "outcome",
}
_LOOKS = (
    Series("crossing", Key("interval holds 1", GREY, "circle")),
    Series("above", Key("interval above 1", VERMILLION, "circle")),
    Series("below", Key("interval below 1", BLUE, "circle")),
    Series("published", Key("the paper's choices", BLACK, "diamond")),
)


def section(marts: Marts) -> Section:
    """Return the section."""
    return Section(
        "sensitivity",
        "How much the answer depends on choices",
        "The same question under every combination of defensible choices: cohort, reference values, sites, "
        "menopause, covariates, weighting, form of the exposure, exclusions, and what is done about "
        "missing values.",
        _blocks(marts),
    )


def _blocks(marts: Marts) -> tuple[Block, ...]:
    if marts.missing("sensitivity"):
        return (absent("sensitivity", *marts.missing("sensitivity_choices")),)
    frame = marts.frame(_QUERY)
    if frame.empty:
        return (empty("sensitivity"),)
    blocks: list[Block] = []
    shares_of = None if marts.missing("sensitivity_choices") else marts.frame(_CHOICES)
    for metal in ordered(frame["metal"], METALS):
        own = frame[frame["metal"] == metal]
        blocks += [Heading(words(metal)), curve(metal, own)]
        if shares_of is not None and len(shares_of[shares_of["metal"] == metal]):
            blocks.append(variance(metal, shares_of[shares_of["metal"] == metal]))
        blocks.append(by_choice(metal, own))
    if shares_of is None:
        blocks.append(absent("sensitivity_choices"))
    return tuple(blocks)


def curve(metal: str, frame: pd.DataFrame) -> Figure:
    """Return the specification curve of one metal: its odds ratios in order of size.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of the mart `sensitivity` of one metal, smallest odds ratio first.
    """
    drawn = frame[frame["ratio"].notna()].sort_values("ratio", kind="stable").reset_index(drop=True)
    drawn = drawn.assign(
        x=drawn.index + 1,
        value=drawn["ratio"].astype(float),
        low=drawn["ratio_low"].astype(float),
        high=drawn["ratio_high"].astype(float),
        series="crossing",
    )
    drawn.loc[drawn["low"] > 1, "series"] = "above"
    drawn.loc[drawn["high"] < 1, "series"] = "below"
    drawn.loc[drawn["is_published"].fillna(False).astype(bool), "series"] = "published"
    panel = points(
        drawn,
        title="",
        axis_x="specifications, in order of their odds ratio",
        axis_y="odds ratio (logarithmic)",
        looks=_LOOKS,
        domain_y=limits(drawn, "value", "low", "high", True, 1.0),
        logarithmic_y=True,
        null=1.0,
    )
    undrawn = len(frame) - len(drawn)
    significant = int((drawn["p_value"] < 0.05).sum())
    name = f"sensitivity-{slug(metal)}"
    notes = [
        f"{count(len(drawn))} specifications: median odds ratio {number(drawn['value'].median())}, "
        f"{count((drawn['value'] > 1).sum())} above 1, {count(significant)} with p < 0.05."
    ]
    if undrawn:
        notes.append(
            f"{count(undrawn)} specifications have no numbers and are not drawn; the table says why."
        )
    return Figure(
        name,
        f"Figure: {words(metal)} and osteoporosis, specification curve",
        "Each mark is the odds ratio of one combination of choices, its line the 95 % interval, from the "
        "smallest to the largest; the diamond is the combination that comes nearest to the paper's.",
        "Which choice is right: counting how many marks are significant is no test, since all use the "
        "same women.",
        (panel,),
        _numbers(name, metal, frame),
        [look.key for look in _LOOKS],
        size="wide",
        notes=tuple(notes),
    )


def variance(metal: str, frame: pd.DataFrame) -> Figure:
    """Return how much of the spread of the curve each choice explains."""
    name = f"sensitivity-choices-{slug(metal)}"
    drawn = pd.DataFrame(
        {"row": frame["choice"].map(words), "value": 100 * frame["share_of_variance"].astype(float)}
    )
    panel: Panel = shares(
        drawn, title="", axis_x="% of the variance of the estimates", rows=list(drawn["row"])
    )
    shown = pd.DataFrame(
        {"Choice": drawn["row"], "% of variance": drawn["value"].map(lambda value: fixed(value, 1))}
    )
    return Figure(
        name,
        f"Figure: {words(metal)}, which choices move the answer",
        "The longer the bar, the more of the differences between specifications comes from that choice.",
        "In which direction a choice moves the answer: see the table below.",
        (panel,),
        Table(name, f"{words(metal)}: variance by choice", shown, frame),
        size="wide",
    )


def by_choice(metal: str, frame: pd.DataFrame) -> Table:
    """Return the median odds ratio of each option of each choice: a row per option."""
    options = [
        {
            "choice": choice,
            "option": option,
            "specifications": len(part),
            "median_ratio": part["ratio"].median(),
            "lowest_ratio": part["ratio"].min(),
            "highest_ratio": part["ratio"].max(),
            "share_significant": (part["p_value"] < 0.05).mean(),
        }
        for choice in choices(frame)
        for option, part in frame[frame["ratio"].notna()].groupby(choice, dropna=False)
    ]
    data = pd.DataFrame(options)
    shown = pd.DataFrame(
        {
            "Choice": data["choice"].map(words),
            "Option": data["option"].map(words),
            "Specifications": data["specifications"].map(count),
            "Median odds ratio": data["median_ratio"].map(number),
            "Lowest": data["lowest_ratio"].map(number),
            "Highest": data["highest_ratio"].map(number),
            "p < 0.05, %": (100 * data["share_significant"]).map(lambda value: fixed(value, 0)),
        }
    )
    return Table(
        f"sensitivity-options-{slug(metal)}", f"Table: {words(metal)}, odds ratios by choice", shown, data, 2
    )


def choices(frame: pd.DataFrame) -> list[str]:
    """Return the columns that are choices: those that differ between specifications and are no results."""
    return [name for name in frame.columns if name not in _RESULTS and frame[name].nunique(dropna=False) > 1]


def _numbers(name: str, metal: str, frame: pd.DataFrame) -> Table:
    chosen = choices(frame)
    shown = pd.DataFrame({words(choice): frame[choice].map(words) for choice in chosen})
    shown["n"], shown["Cases"] = frame["n"].map(count), frame["events"].map(count)
    shown["Odds ratio (95 % interval)"] = [
        odds(*item) for item in frame[["ratio", "ratio_low", "ratio_high"]].itertuples(index=False, name=None)
    ]
    shown["p"] = frame["p_value"].map(probability)
    shown["Paper's"] = frame["is_published"].map(truth)
    shown["Converged"], shown["To know"] = frame["converged"].map(truth), frame["warnings"].map(plain)
    return Table(
        name, f"{words(metal)}: all specifications", shown, frame, len(chosen), ("Converged", "To know")
    )
