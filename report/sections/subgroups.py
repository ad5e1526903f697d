"""Subgroups, with the test of interaction that comparing them needs."""

from collections.abc import Sequence
from itertools import pairwise

import pandas as pd

from report.charts.axes import limits
from report.charts.forest import forest
from report.elements import Block, Figure, Heading, Panel, Section, Table, absent, empty
from report.formats import brief, count, number, probability, truth, unit, within, words
from report.labels import (
    COVARIATE_SET,
    EXPOSURE,
    OUTCOME,
    STUDY,
    SUBGROUP,
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
    by_outcome,
    effect,
    engines,
    headline,
    left_out,
    looks,
    slug,
    stored,
    with_effect,
)

_ESTIMATES = f"""
    select
        {STUDY}, {OUTCOME}, {EXPOSURE}, contrast, {COVARIATE_SET}, engine, {SUBGROUP}, n, events, estimate,
        std_error, df, p_value, conf_low, conf_high, q_value, ratio, ratio_low, ratio_high, converged,
        warnings
    from main.associations
    where
        contrast = '{DOUBLING}'
        and (study, outcome, covariate_set, engine) in (
            select (study, outcome, covariate_set, engine) from main.associations where subgroup != 'all'
        )
    order by study_order, outcome_order, exposure_order, covariate_set_order, engine, subgroup_order
"""
_INTERACTIONS = f"""
    select
        {STUDY}, {OUTCOME}, {EXPOSURE}, {COVARIATE_SET}, engine, exposure_form, subgroup_variable, levels, n,
        events, df, statistic, p_value, q_value, converged, warnings
    from main.interactions
    order by
        study_order, outcome_order, exposure_order, subgroup_variable, exposure_form, covariate_set_order,
        engine
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
    none, main = pd.DataFrame(columns=["study", "study_title", "study_order"]), main_models(marts)
    estimates = none if marts.missing("associations") else marts.frame(_ESTIMATES)
    tests = none if marts.missing("interactions") else marts.frame(_INTERACTIONS)
    if gone := marts.missing("associations", "interactions"):
        blocks.append(absent(*gone))
    if estimates.empty and not marts.missing("associations"):
        blocks.append(empty("associations, by subgroup,"))
    for study, title in labels(pd.concat([estimates[none.columns], tests[none.columns]]), "study").items():
        blocks.append(Heading(title))
        own, own_tests = estimates[estimates["study"] == study], tests[tests["study"] == study]
        if len(own):
            blocks += [
                figure(study, outcome, own[own["outcome"] == outcome], main)
                for outcome in chosen(own, "outcome", main)
            ]
        if len(own_tests):
            blocks.append(interactions(study, own_tests, main))
    return tuple(blocks)


def figure(study: str, outcome: str, frame: pd.DataFrame, main: pd.DataFrame) -> Figure:
    """Return the associations per doubling by subgroup: a panel per exposure, a series per engine.

    Parameters
    ----------
    study, outcome : str
        Codes, for the figure's name.
    frame : pandas.DataFrame
        Rows of the mart `associations`, all women and subgroups, of this study and outcome.
    main : pandas.DataFrame
        The models that studies single out.
    """
    how = effect(frame)
    drawn = with_effect(frame[frame["covariate_set"] == adjusted(frame, main)], how)
    groups = {code: unit(name) for code, name in labels(drawn, "subgroup").items()}
    drawn["row"], drawn["series"] = drawn["subgroup"].map(groups), drawn["engine"]
    rows = list(groups.values())
    look = looks(engines(drawn))
    domain = limits(drawn, "value", "low", "high", how.is_ratio, how.null)
    panels: list[Panel] = [
        forest(
            drawn[drawn["exposure"] == exposure],
            title=title,
            axis_title=how.scale,
            rows=rows,
            looks=look,
            domain=domain,
            logarithmic=how.is_ratio,
            null=how.null,
            lines_after=_ends(rows),
        )
        for exposure, title in labels(drawn, "exposure").items()
    ]
    name, title = f"subgroups-{slug(study, outcome)}", f"{label(frame, 'outcome')} per doubling, by subgroup"
    return Figure(
        name,
        f"Figure: {title} (covariates: {within(label(drawn, 'covariate_set'))})",
        "Each mark is the association within one group of women, its line the 95 % interval; on top stands "
        "the whole cohort.",
        "Whether groups differ: intervals of small groups are wide and will scatter by chance alone; see the "
        "interaction test below.",
        panels,
        _numbers(name, title, drawn),
        [item.key for item in look],
        size="wide",
        notes=left_out(drawn),
    )


def _ends(rows: Sequence[str]) -> list[str]:
    # "Aged 50 to 59" and "Aged 60 to 69" belong together: the first word names the variable.
    return [row for row, following in pairwise(rows) if row.split()[0] != following.split()[0]]


def _numbers(name: str, caption: str, drawn: pd.DataFrame) -> Table:
    shown = pd.DataFrame(
        {
            "Exposure": named(drawn, "exposure"),
            "Women": drawn["row"],
            "Weighting": drawn["engine"].map(words),
            "n": drawn["n"].map(count),
            "Cases": drawn["events"].map(count),
            "Estimate (95 % interval)": drawn["said"],
            "p": drawn["p_value"].map(probability),
            "Converged": drawn["converged"].map(truth),
            "Remarks": drawn["warnings"].map(brief),
        }
    )
    return Table(name, caption, shown, stored(drawn), 3, ("Converged", "Remarks"))


def interactions(study: str, frame: pd.DataFrame, main: pd.DataFrame) -> Table:
    """Return the interaction tests of the outcomes and covariate sets that are drawn: a row per test."""
    outcomes, sets = chosen(frame, "outcome", main), chosen(frame, "covariate_set", main)
    forms = set(frame["exposure_form"])
    data, printed = headline(
        by_outcome(frame[frame["outcome"].isin(outcomes) & frame["covariate_set"].isin(sets)]),
        covariate_set=[adjusted(frame, main)],
        exposure_form=[DOUBLING] if DOUBLING in forms else forms,
    )
    shown = pd.DataFrame(
        {
            "Outcome": named(data, "outcome"),
            "Exposure": named(data, "exposure"),
            "By": data["subgroup_variable"].map(words),
            "Form": data["exposure_form"].map(words),
            "Covariates": named(data, "covariate_set"),
            "Weighting": data["engine"].map(words),
            "n": data["n"].map(count),
            "Cases": data["events"].map(count),
            "Statistic": data["statistic"].map(number),
            "p": data["p_value"].map(probability),
            "q": data["q_value"].map(probability),
            "Converged": data["converged"].map(truth),
            "Remarks": data["warnings"].map(brief),
        }
    )
    return Table(
        f"interactions-{slug(study)}",
        "Table: tests of interaction",
        shown,
        stored(data),
        6,
        ("Converged", "Remarks"),
        notes=(
            "A small q says that the association differs between the groups; a large one does not prove "
            "it equal.",
        ),
        most_rows=printed,
    )
