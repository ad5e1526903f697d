"""Who is in the analysis: the flow of the cohort."""

import pandas as pd

from report.elements import Block, Flow, Heading, Section, Step, Table, absent
from report.formats import count, missing, plain
from report.marts import Marts
from report.sections.common import STUDIES, heading, ordered, slug

_QUERY = """
    select study, cycle, step, rule, description, n, excluded, osteoporosis_cases
    from main.cohort_flow
    order by study, cycle, step
"""


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
    flow = marts.frame(_QUERY)
    blocks: list[Block] = []
    for study in ordered(flow["study"], STUDIES):
        own = flow[flow["study"] == study]
        blocks += [Heading(heading(study)), chart(study, own[own["cycle"] == "all"]), table(study, own)]
    return tuple(blocks)


def chart(study: str, steps: pd.DataFrame) -> Flow:
    """Return the flow chart of one study, all releases together."""
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
                cases=""
                if missing(item["osteoporosis_cases"])
                else f"{count(item['osteoporosis_cases'])} with osteoporosis",
            )
            for item in steps.sort_values("step").to_dict("records")
        ],
    )


def table(study: str, steps: pd.DataFrame) -> Table:
    """Return the counts of one study per release: a row per step."""
    cycles = [cycle for cycle in ordered(steps["cycle"], ()) if cycle != "all"] + ["all"]
    wide = steps.pivot(index=["step", "rule", "description"], columns="cycle")
    shown = pd.DataFrame({"Rule": [description for _, _, description in wide.index]})
    for cycle in cycles:
        blank = " " * (cycles.index(cycle) + 1)
        for name, label in (("n", "left"), ("excluded", "removed"), ("osteoporosis_cases", "cases")):
            shown[label + blank] = [count(value) for value in wide[(name, cycle)]]
    return Table(
        f"cohort-flow-{slug(study)}",
        "Table: flow of the cohort by release",
        shown,
        steps,
        groups=(("", 1), *((("All" if cycle == "all" else cycle), 3) for cycle in cycles)),
    )
