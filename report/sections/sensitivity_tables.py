"""Choices and options of the specification curve in words, and its tables."""

from collections.abc import Sequence

import pandas as pd

from report.charts.specification_curve import Choice
from report.elements import Table
from report.formats import brief, count, fixed, number, plain, probability, truth, within, words
from report.labels import label
from report.sections.common import effect, slug, stored

_MOST_LETTERS = 25
"""Longer names of choices and options leave a phone no room for the curve: their codes stand there."""

_OWN = "The study's own"


def short(name: str, code: str) -> str:
    """Return what stands for a choice or option: its name, or its code in words if the name is too long.

    The last table of the section gives the names of all.
    """
    return name if len(name) <= _MOST_LETTERS else words(code)


def title_of(frame: pd.DataFrame) -> str:
    """Return what rows of one exposure and outcome are about."""
    return f"{label(frame, 'exposure')} and {within(label(frame, 'outcome'))}"


def all_choices(described: pd.DataFrame) -> list[Choice]:
    """Return the choices with their options, in the order of the mart `sensitivity_levels`."""
    if described.empty:
        return []
    every = described.drop_duplicates(["choice", "level"]).sort_values(["choice_order", "level_order"])
    return [
        Choice(
            short(part["choice_name"].iloc[0], str(choice)),
            str(choice),
            {
                level: short(name, level)
                for level, name in zip(part["level"], part["level_name"], strict=True)
            },
        )
        for choice, part in every.groupby("choice", sort=False)
    ]


def differing(frame: pd.DataFrame, choices: Sequence[Choice]) -> list[Choice]:
    """Return the choices that the specifications do not all make alike, with the options that occur."""
    found = [
        Choice(
            choice.name,
            choice.column,
            {
                option: text
                for option, text in choice.options.items()
                if (frame[choice.column] == option).any()
            },
        )
        for choice in choices
    ]
    return [choice for choice in found if len(choice.options) > 1]


def by_level(name: str, frame: pd.DataFrame) -> Table:
    """Return the median answer under each option of choices that differ: a row per contrast and option.

    Parameters
    ----------
    name : str
        Of the table, after `sensitivity-options-`.
    frame : pandas.DataFrame
        Rows of the mart `sensitivity_levels` of one study, outcome and exposure.
    """
    how = effect(frame)
    title = title_of(frame)
    options = frame.groupby(["contrast", "choice"])["level"].transform("nunique")
    frame = frame[options > 1]
    kind, scale = ("ratio", 1.0) if how.is_ratio else ("estimate", how.factor)
    shown = pd.DataFrame(
        {
            "Contrast": frame["contrast"].map(words),
            "Choice": frame["choice_name"].map(plain),
            "Option": frame["level_name"].map(plain),
            _OWN: frame["is_published"].map(truth),
            "Specifications": frame["specifications"].map(count),
            "Median": (scale * frame[f"median_{kind}"]).map(number),
            "Lowest": (scale * frame[f"lowest_{kind}"]).map(number),
            "Highest": (scale * frame[f"highest_{kind}"]).map(number),
            "p < 0.05, %": (100 * frame["share_significant"]).map(lambda value: fixed(value, 0)),
        }
    )
    scales = "odds ratios" if how.is_ratio else f"differences in {how.unit or 'the outcome'}"
    return Table(
        f"sensitivity-options-{name}",
        f"{title}, {scales} by option",
        shown,
        stored(frame),
        3,
        (_OWN,),
        most_rows=len(shown),
    )


def glossary(study: str, described: pd.DataFrame) -> Table:
    """Return what each option of each choice means: a row per option.

    Parameters
    ----------
    study : str
        Code, for the table's name.
    described : pandas.DataFrame
        Rows of the mart `sensitivity_levels` of this study.
    """
    described = described.drop_duplicates(["choice", "level"]).sort_values(["choice_order", "level_order"])
    shown = pd.DataFrame(
        {
            "Choice": list(map(short, described["choice_name"], described["choice"])),
            "Option": list(map(short, described["level_name"], described["level"])),
            "What is chosen": described["choice_name"].map(plain).tolist(),
            "What is done": described["level_name"].map(plain).tolist(),
            _OWN: described["is_published"].map(truth).tolist(),
        }
    )
    return Table(
        f"sensitivity-glossary-{slug(study)}",
        "The choices and their options",
        shown,
        described[["choice", "level", "choice_name", "level_name", "is_published"]],
        2,
        ("What is chosen", "What is done", _OWN),
        most_rows=len(shown),
    )


def numbers(name: str, caption: str, drawn: pd.DataFrame, choices: Sequence[Choice]) -> Table:
    """Return the specifications as a table: a row each, with the choices that they do not all make alike."""
    differing_choices = differing(drawn, choices)
    shown = pd.DataFrame({"Contrast": drawn["contrast"].map(words)})
    for choice in differing_choices:
        shown[choice.name] = drawn[choice.column].map(choice.options)
    shown["n"], shown["Cases"] = drawn["n"].map(count), drawn["events"].map(count)
    shown["Estimate (95 % interval)"] = drawn["said"]
    shown["p"] = drawn["p_value"].map(probability)
    shown[_OWN] = drawn["is_published"].map(truth)
    shown["Converged"], shown["Remarks"] = drawn["converged"].map(truth), drawn["warnings"].map(brief)
    prose = (*(choice.name for choice in differing_choices), _OWN, "Converged", "Remarks")
    return Table(name, caption, shown, stored(drawn), 1, prose)
