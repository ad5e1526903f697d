"""Subgroups, with the test of interaction that comparing them needs."""

import re
from itertools import pairwise

import pandas as pd

from report.charts.axes import limits
from report.charts.forest import forest
from report.elements import Block, Figure, Heading, Panel, Section, Table, absent, empty
from report.formats import brief, count, number, plain, probability, truth, within, words
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

_ESTIMATES = """
    select
        study, outcome, metal, contrast, covariate_set, engine, subgroup, n, events, estimate, std_error, df,
        p_value, conf_low, conf_high, q_value, ratio, ratio_low, ratio_high, converged, warnings
    from main.associations
    where
        contrast = 'per_doubling'
        and (study, outcome, covariate_set, engine) in (
            select (study, outcome, covariate_set, engine) from main.associations where subgroup != 'all'
        )
    order by study, outcome, metal, covariate_set, engine, subgroup
"""
_INTERACTIONS = """
    select
        study, outcome, metal, covariate_set, engine, exposure_form, subgroup_variable, levels, n, events, df,
        statistic, p_value, q_value, converged, warnings
    from main.interactions
    order by study, outcome, metal, subgroup_variable, exposure_form, covariate_set, engine
"""


def section(marts: Marts) -> Section:
    """Return the section."""
    return Section(
        "subgroups",
        "Subgroups",
        "Whether an association differs between groups of women is a question for the interaction test, "
        "not for comparing which group's own p-value is small.",
        _blocks(marts),
    )


def _blocks(marts: Marts) -> tuple[Block, ...]:
    blocks: list[Block] = []
    estimates = pd.DataFrame(columns=["study"]) if marts.missing("associations") else marts.frame(_ESTIMATES)
    tests = pd.DataFrame(columns=["study"]) if marts.missing("interactions") else marts.frame(_INTERACTIONS)
    if gone := marts.missing("associations", "interactions"):
        blocks.append(absent(*gone))
    if estimates.empty and not marts.missing("associations"):
        blocks.append(empty("associations, by subgroup,"))
    for study in ordered([*estimates["study"], *tests["study"]], STUDIES):
        blocks.append(Heading(heading(study)))
        own, own_tests = estimates[estimates["study"] == study], tests[tests["study"] == study]
        if len(own):
            blocks += [
                figure(study, outcome, own[own["outcome"] == outcome])
                for outcome in preferred(own["outcome"], OUTCOMES)
            ]
        if len(own_tests):
            blocks.append(interactions(study, own_tests))
    return tuple(blocks)


def figure(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return the associations per doubling by subgroup: a panel per metal, a series per engine.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of the mart `associations`, all women and subgroups, of one study and outcome.
    """
    binary = is_binary(frame)
    covariates = preferred(frame["covariate_set"], HEADLINE_SETS)[0]
    drawn = with_effect(frame[frame["covariate_set"] == covariates], binary, MILLIGRAMS)
    drawn["row"] = drawn["subgroup"].map(_label)
    drawn["series"] = drawn["engine"]
    rows = sorted(drawn["row"].unique(), key=_place)
    engines = looks(ordered(drawn["engine"], ENGINES))
    null = 1.0 if binary else 0.0
    domain = limits(drawn, "value", "low", "high", binary, null)
    panels: list[Panel] = [
        forest(
            drawn[drawn["metal"] == metal],
            title=words(metal),
            axis_title="odds ratio per doubling" if binary else "BMD per doubling, mg/cm\N{SUPERSCRIPT TWO}",
            rows=rows,
            looks=engines,
            domain=domain,
            logarithmic=binary,
            null=null,
            lines_after=_ends(rows),
        )
        for metal in ordered(drawn["metal"], METALS)
    ]
    name = f"subgroups-{slug(study, outcome)}"
    return Figure(
        name,
        f"Figure: {words(outcome)} per doubling, by subgroup (covariates: {within(covariates)})",
        "Each mark is the association within one group of women, its line the 95 % interval, with all "
        "women on top.",
        "Whether groups differ: intervals of small groups are wide and will scatter by chance alone; see the "
        "interaction test below.",
        panels,
        _numbers(name, f"{words(outcome)} per doubling, by subgroup", drawn),
        [look.key for look in engines],
        notes=left_out(drawn),
    )


def _label(subgroup: str) -> str:
    name = plain(subgroup)
    if name == "all":
        return "All women"
    return re.sub(r"^bmi\b", "BMI", name[:1].upper() + name[1:], flags=re.IGNORECASE)


def _place(label: str) -> tuple[bool, str, float, str]:
    """Return what sorts "BMI under 25", "BMI 25-30" and "BMI 30 and over" in this order, after all women."""
    numbers = re.findall(r"\d+", label)
    first = float(numbers[0]) if numbers else 0.0
    return label != "All women", label.split()[0], first - 0.5 * ("under" in label), label


def _ends(rows: list[str]) -> list[str]:
    # "age 50-59" and "age 60-69" belong together: the first word names the variable.
    return [row for row, following in pairwise(rows) if row.split()[0] != following.split()[0]]


def _numbers(name: str, caption: str, drawn: pd.DataFrame) -> Table:
    shown = pd.DataFrame(
        {
            "Metal": drawn["metal"].map(words),
            "Women": drawn["row"],
            "Weighting": drawn["engine"].map(words),
            "n": drawn["n"].map(count),
            "Cases": drawn["events"].map(count),
            "Estimate (95 % interval)": drawn["said"],
            "p": drawn["p_value"].map(probability),
            "Converged": drawn["converged"].map(truth),
            "To know": drawn["warnings"].map(brief),
        }
    )
    data = drawn.drop(columns=["row", "series", "value", "low", "high", "said"])
    return Table(name, caption, shown, data, 3, ("Converged", "To know"))


def interactions(study: str, frame: pd.DataFrame) -> Table:
    """Return the interaction tests of the outcomes and covariate sets that are drawn: a row per test."""
    outcomes = preferred(frame["outcome"], OUTCOMES)
    sets = preferred(frame["covariate_set"], COVARIATE_SETS)
    data, printed = headline(
        by_outcome(frame[frame["outcome"].isin(outcomes) & frame["covariate_set"].isin(sets)]),
        covariate_set=preferred(frame["covariate_set"], HEADLINE_SETS)[:1],
        exposure_form=preferred(frame["exposure_form"], ("per_doubling",))[:1],
    )
    shown = pd.DataFrame(
        {
            "Outcome": data["outcome"].map(words),
            "Metal": data["metal"].map(words),
            "By": data["subgroup_variable"].map(words),
            "Exposure": data["exposure_form"].map(words),
            "Covariates": data["covariate_set"].map(words),
            "Weighting": data["engine"].map(words),
            "n": data["n"].map(count),
            "Cases": data["events"].map(count),
            "Statistic": data["statistic"].map(number),
            "p": data["p_value"].map(probability),
            "q": data["q_value"].map(probability),
            "Converged": data["converged"].map(truth),
            "To know": data["warnings"].map(brief),
        }
    )
    return Table(
        f"interactions-{slug(study)}",
        "Table: tests of interaction",
        shown,
        data,
        6,
        ("Converged", "To know"),
        notes=(
            "A small q says that the association differs between the groups; a large one does not prove "
            "it equal.",
        ),
        most_rows=printed,
    )
