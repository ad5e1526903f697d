"""Who is in the analysis: the flow of the cohort."""

import pandas as pd

from report.elements import Block, Flow, Heading, Section, Table, absent
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
    flow, cases = _flow(marts)
    blocks: list[Block] = []
    for study, title in labels(flow, "study").items():
        own = flow[flow["study"] == study]
        blocks += [
            Heading(title),
            table(study, own, cases),
        ]
    return tuple(blocks)


def _flow(marts: Marts) -> tuple[pd.DataFrame, str]:
    """Return all steps of all studies and releases, and the column that counts cases."""
    cases = cases_column(marts)
    query = f"""
        select {STUDY}, cycle, step, rule, description, n, excluded, {cases}
        from main.cohort_flow
        order by study_order, cycle, step
    """
    return marts.frame(query), cases


def cases_column(marts: Marts) -> str:
    """Return the column of `cohort_flow` that counts cases: its name, `osteoporosis_cases`, says of what."""
    return next(column for column in marts.columns["cohort_flow"] if column.endswith(_CASES))


def brief(marts: Marts, study: str) -> tuple[Block, ...]:
    """Return the flow chart of one study."""
    if marts.missing("cohort_flow"):
        return (absent("cohort_flow"),)
    flow, cases = _flow(marts)
    own = flow[(flow["study"] == study) & (flow["cycle"] == "all")]
    return (chart(study, own, cases),) if len(own) else ()


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
    first, *others = steps.sort_values("step").to_dict("records")
    last = others[-1] if others else first
    with_cases = "" if missing(last[cases]) else f", {count(last[cases])} of them with {having}"
    return Flow(
        name=f"flow-{slug(study)}",
        caption="Flow of participants, all releases together",
        how_to_read="Read downwards: who was there, whom each rule removed, one after the other, and who is "
        "analysed. A removed participant fails the rule or has no value for it.",
        not_shown="Why people did not take part in the survey, nor whether those removed differ from those "
        "who stay.",
        start=f"{plain(first['description'])}: {count(first['n'])}",
        removed=[(count(item["excluded"]), plain(item["description"]), count(item["n"])) for item in others],
        end=f"{count(last['n'])} analysed{with_cases}",
        data=stored(steps),
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
        "Flow of the cohort by release",
        shown,
        stored(steps),
        groups=(("", 1), *((("All" if cycle == "all" else cycle), 3) for cycle in cycles)),
    )
