"""Who is in the analysis: the flow of the cohort."""

import pandas as pd

from report.elements import Block, Flow, Heading, Section, Step, Table, absent
from report.formats import count, missing, plain, within, words
from report.labels import STUDY, labels
from report.marts import Marts
from report.sections.common import ordered, slug, stored

_CASES = "_cases"


def section(marts: Marts) -> Section:
    """Return the section."""
    return Section(
        "flow",
        "Who is in the analysis",
        "From everyone in the releases to the women analysed, one rule after the other.",
        _blocks(marts),
    )


def _blocks(marts: Marts) -> tuple[Block, ...]:
    if gone := marts.missing("cohort_flow"):
        return (absent(*gone),)
    cases = cases_column(marts)
    flow = marts.frame(f"""
        select {STUDY}, cycle, step, rule, description, n, excluded, {cases}
        from main.cohort_flow
        order by study_order, cycle, step
    """)
    blocks: list[Block] = []
    for study, title in labels(flow, "study").items():
        own = flow[flow["study"] == study]
        blocks += [
            Heading(title),
            chart(study, own[own["cycle"] == "all"], cases),
            table(study, own, cases),
        ]
    return tuple(blocks)


def cases_column(marts: Marts) -> str:
    """Return the column of `cohort_flow` that counts cases: its name, `osteoporosis_cases`, says of what."""
    return next(column for column in marts.columns["cohort_flow"] if column.endswith(_CASES))


def chart(study: str, steps: pd.DataFrame, cases: str) -> Flow:
    """Return the flow chart of one study, all releases together.

    Parameters
    ----------
    study : str
        Code, for the chart's name.
    steps : pandas.DataFrame
        Rows of the mart `cohort_flow` of this study and all releases.
    cases : str
        The column that counts cases.
    """
    having = within(words(cases.removesuffix(_CASES)))
    return Flow(
        f"flow-{slug(study)}",
        "Figure: flow of the cohort, all releases",
        "Read downwards: each box is who is left, the text between two boxes how many the next rule removed.",
        "Why people did not take part in the survey at all, nor whether those removed differ from those "
        "who stay.",
        [
            Step(
                description=plain(item["description"]),
                n=count(item["n"]),
                excluded="" if item["step"] == 0 else f"{count(item['excluded'])} removed",
                cases="" if missing(item[cases]) else f"{count(item[cases])} with {having}",
            )
            for item in steps.sort_values("step").to_dict("records")
        ],
    )


def table(study: str, steps: pd.DataFrame, cases: str) -> Table:
    """Return the counts of one study per release: a row per step."""
    cycles = [cycle for cycle in ordered(steps["cycle"]) if cycle != "all"] + ["all"]
    wide = steps.pivot(
        index=["step", "rule", "description"], columns="cycle", values=["n", "excluded", cases]
    )
    shown = pd.DataFrame({"Rule": [description for _, _, description in wide.index]})
    for cycle in cycles:
        blank = " " * (cycles.index(cycle) + 1)
        for name, heading in (("n", "left"), ("excluded", "removed"), (cases, "cases")):
            shown[heading + blank] = [count(value) for value in wide[(name, cycle)]]
    return Table(
        f"cohort-flow-{slug(study)}",
        "Table: flow of the cohort by release",
        shown,
        stored(steps),
        groups=(("", 1), *((("All" if cycle == "all" else cycle), 3) for cycle in cycles)),
    )
