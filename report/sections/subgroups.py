"""Subgroups, with the test of interaction that comparing them needs."""

from collections.abc import Sequence
from itertools import pairwise

import pandas as pd

from report.charts.axes import limits
from report.charts.forest import forest as drawn_forest
from report.charts.style import BLACK, BLUE, Series
from report.elements import Block, Figure, Forest, Heading, Key, Panel, Section, Table, absent, empty
from report.forests import forest
from report.formats import brief as shortened
from report.formats import count, number, probability, truth, unit, within, words
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
from report.sections.associations import settled
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


def brief(marts: Marts, study: str) -> tuple[Block, ...]:
    """Return the first outcome of one study by subgroup, with the tests of interaction as headings."""
    if gone := marts.missing("associations", "interactions"):
        return (absent(*gone),)
    frame, tests, main = marts.frame(_ESTIMATES), marts.frame(_INTERACTIONS), main_models(marts)
    frame = frame[frame["study"] == study]
    if frame.empty:
        return (empty("associations, by subgroup,"),)
    frame = frame[frame["outcome"] == next(iter(labels(frame, "outcome")))]
    drawn = settled(frame, main)
    model = ["study", "outcome", "covariate_set", "engine"]
    tests = tests[tests["exposure_form"] == DOUBLING].merge(drawn[model].drop_duplicates(), on=model)
    return (_brief(study, drawn, tests),)


def _brief(study: str, frame: pd.DataFrame, tests: pd.DataFrame) -> Forest:
    how = effect(frame)
    drawn = with_effect(frame, how).sort_values(["exposure_order", "subgroup_order"], kind="stable")
    said = {
        exposure: "; ".join(
            f"by {within(item['subgroup_variable'])} p {probability(item['p_value'])}"
            for item in part.to_dict("records")
        )
        for exposure, part in tests.groupby("exposure")
    }
    drawn["series"] = ["all" if group == "all" else "settled" for group in drawn["subgroup"]]
    drawn["row"] = named(drawn, "subgroup").map(unit)
    drawn["heading"] = [
        name + (f" \N{EN DASH} interaction {said[code]}" if code in said else "")
        for name, code in zip(named(drawn, "exposure"), drawn["exposure"], strict=True)
    ]
    name, model = label(frame, "outcome"), within(label(frame, "covariate_set"))
    return forest(
        drawn,
        name=f"by-subgroup-{slug(study)}",
        caption=f"{name} per doubling of each exposure, by subgroup (covariates: {model}; "
        f"{within(words(drawn['engine'].iloc[0]))})",
        how_to_read="Each mark is the association within one group, its line the 95 % interval. Whether "
        "groups differ is for the interaction test beside the exposure's name, not for comparing which "
        "group's "
        "own p is small.",
        not_shown="That groups do not differ: the tests have little power with groups of this size.",
        first="Group",
        how=how,
        axis=how.axis("per doubling"),
        looks=(
            Series("all", Key("whole cohort", BLACK, "diamond")),
            Series("settled", Key("subgroup", BLUE, "square")),
        ),
        notes=left_out(drawn),
    )


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
        drawn_forest(
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
        f"{title} (covariates: {within(label(drawn, 'covariate_set'))})",
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
            "Remarks": drawn["warnings"].map(shortened),
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
            "Remarks": data["warnings"].map(shortened),
        }
    )
    return Table(
        f"interactions-{slug(study)}",
        "Tests of interaction",
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
