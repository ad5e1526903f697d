"""Characteristics of the women: Table 1."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from report.elements import Block, Heading, Section, Table, absent, empty
from report.formats import NOTHING, count, fixed, missing, number, plain, unit, within, words
from report.labels import STUDY, labels
from report.marts import Marts
from report.sections.common import ENGINES, ordered, slug, stored

_QUERY = f"""
    select
        {STUDY}, comparison, comparison_group, variable_order, variable, name, unit, level, level_order,
        weighting, n, n_level, statistic, value, standard_deviation, standardised_mean_difference
    from main.table_one
    order by study_order, comparison, variable_order, level_order, level, weighting, comparison_group
"""
_RELEASE = "cycle"
_WITH_AND_WITHOUT = {"all", "no", "yes"}


def section(marts: Marts) -> Section:
    """Return the section."""
    return Section(
        "table-one",
        "Characteristics of the participants",
        "Means (standard deviations) and percentages in the cohort, with and without the outcome and by "
        "release. The unweighted columns describe those measured, the survey-weighted ones the part of "
        "the US "
        "population that they stand for.",
        _blocks(marts),
    )


def _blocks(marts: Marts) -> tuple[Block, ...]:
    if gone := marts.missing("table_one"):
        return (absent(*gone),)
    frame = marts.frame(_QUERY)
    blocks: list[Block] = []
    for study, title in labels(frame, "study").items():
        own = frame[frame["study"] == study]
        blocks.append(Heading(title))
        comparisons = sorted(set(own["comparison"]) - {"all"}, key=lambda name: (name == _RELEASE, name))
        blocks += [table(study, own, comparison) for comparison in comparisons]
    return tuple(blocks)


def table(study: str, frame: pd.DataFrame, comparison: str) -> Table:
    """Return Table 1 of one study: a row per variable and level, columns per weighting and group.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of the mart `table_one` of this study.
    comparison : str
        What is compared: those with and without what it names, such as `osteoporosis`, or releases (`cycle`).
    """
    compared = frame[frame["comparison"] == comparison]
    of_releases = comparison == _RELEASE
    together = compared.iloc[:0] if of_releases else frame[frame["comparison"] == "all"]
    rows = compared[["variable", "name", "unit", "level"]].drop_duplicates()
    keys = list(rows[["variable", "level"]].fillna("").itertuples(index=False, name=None))
    shown = pd.DataFrame(
        {
            "Characteristic": _once(rows),
            "Level": ["" if missing(level) else plain(level) for level in rows["level"]],
        }
    )
    groups: list[tuple[str, int]] = [("", 2)]
    for position, weighting in enumerate(ordered(compared["weighting"], ENGINES)):
        blank = " " * position
        cells = pd.concat([together, compared])
        cells = cells[cells["weighting"] == weighting]
        names = ordered(cells["comparison_group"], ("all", "no", "yes"))
        for name in names:
            group = cells[cells["comparison_group"] == name]
            by_key = {
                (item["variable"], item["level"] or ""): item
                for item in group.fillna({"level": ""}).to_dict("records")
            }
            people = group["n"].max()
            label = words(name) if name in _WITH_AND_WITHOUT else plain(name)
            shown[f"{label}, n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{count(people)}{blank}"] = [
                _cell(by_key.get(key)) for key in keys
            ]
        differences = {
            (item["variable"], item["level"] or ""): item["standardised_mean_difference"]
            for item in compared[compared["weighting"] == weighting].fillna({"level": ""}).to_dict("records")
        }
        shown[f"SMD{blank}"] = [fixed(differences.get(key)) for key in keys]
        groups.append((words(weighting), len(names) + 1))
    return Table(
        f"table-one-{slug(study, comparison)}",
        f"Characteristics by {'NHANES release' if of_releases else within(comparison)}",
        shown,
        stored(pd.concat([together, compared])),
        row_headings=2,
        groups=tuple(groups),
        notes=(
            "Mean (standard deviation), or per cent of those with a value. SMD: standardised mean "
            "difference of the two groups, in standard deviations; beyond 0.1 is commonly called an "
            "imbalance. It does not show tests: with groups of this size a p-value says little about "
            "imbalance.",
        ),
        most_rows=len(shown),
    )


def brief(marts: Marts, study: str) -> tuple[Block, ...]:
    """Return Table 1 of one study: numbers of participants, with survey-weighted percentages and means."""
    if marts.missing("table_one"):
        return (absent("table_one"),)
    frame = marts.frame(_QUERY)
    frame = frame[frame["study"] == study].fillna({"level": ""})
    comparison = next(iter(sorted(set(frame["comparison"]) - {"all", _RELEASE})), None)
    columns = {("all", "all"): "All"}
    if comparison:
        columns |= {
            (comparison, group): f"{words(comparison)}: {group}"
            for group in ordered(
                frame.loc[frame["comparison"] == comparison, "comparison_group"], ("no", "yes")
            )
        }
    weighted = frame[frame["weighting"] == ENGINES[1]]
    if weighted.empty:
        return (empty("table_one"),)
    rows = weighted[["variable", "name", "unit", "level"]].drop_duplicates()
    shown = pd.DataFrame(
        {
            "Characteristic": _once(rows),
            "Level": [plain(level) for level in rows["level"]],
        }
    )
    for (compared, group), heading in columns.items():
        own = weighted[(weighted["comparison"] == compared) & (weighted["comparison_group"] == group)]
        by_key = {(item["variable"], item["level"]): item for item in own.to_dict("records")}
        head = f"{heading}, n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{count(own['n'].max())}"
        shown[head] = [
            _counted(by_key.get(key))
            for key in rows[["variable", "level"]].itertuples(index=False, name=None)
        ]
    return (
        Table(
            f"table-1-{slug(study)}",
            "Characteristics of the participants",
            shown,
            stored(frame[frame["comparison"].isin({compared for compared, _ in columns})]),
            row_headings=2,
            notes=(
                "Number of participants (survey-weighted per cent of those with a value), or survey-weighted "
                "mean (standard deviation). The appendix has the same unweighted, by release, and "
                "standardised differences.",
            ),
            most_rows=len(shown),
        ),
    )


def _once(rows: pd.DataFrame) -> list[str]:
    """Return the name of each variable in its first row, nothing in the others."""
    before = [None, *rows["variable"]]
    named = zip(before, rows[["variable", "name", "unit"]].itertuples(index=False, name=None), strict=False)
    return ["" if variable == previous else _name(name, of) for previous, (variable, name, of) in named]


def _counted(item: Mapping[Hashable, Any] | None) -> str:
    if item is not None and item["statistic"] == "percent" and not missing(item["value"]):
        return f"{count(item['n_level'])} ({fixed(item['value'], 1)} %)"
    return _cell(item)


def _name(name: str, of: Any) -> str:
    return plain(name) if missing(of) or name.endswith(str(of)) else f"{plain(name)}, {unit(of)}"


def _cell(item: Mapping[Hashable, Any] | None) -> str:
    if item is None or missing(item["value"]):
        return NOTHING
    if item["statistic"] == "percent":
        return f"{fixed(item['value'], 1)} %"
    mean = number(item["value"])
    decimals = len(mean.partition(".")[2])
    return f"{mean} ({fixed(item['standard_deviation'], decimals)})"
